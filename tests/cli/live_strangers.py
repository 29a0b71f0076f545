#!/usr/bin/python3
"""Hosts that are not the target, with the probe's port numbers or a forged address, change no verdict.

  live_strangers.py [--all]    every stranger in every state, near and far: minutes
"""

import stranger
import support
from support import Case, Lab, seldom, sshwhy

VM = "20.99.0.4"
FORGED = ("reset", "fin")  # what would end a conversation
# closed, silent, established before the banner, cut and refused in key exchange
STATES = ("vm-sshd-down", "nsg-deny", "vm-sshd-hung-silent", "vm-ids-reset", "vm-kex")


def setUpModule():
    global lab
    lab = Lab()
    lab("start", "client", "serve", str(stranger.LISTENER), "/usr/bin/python3", stranger.__file__, "serve")


class Disturbed(Case):
    def report(self):
        return self.assert_verdict(sshwhy("probe", "--json", VM, before=lab.on("client")))

    def disturbed(self, kind):
        lab("start", "onprem", kind, "0", "/usr/bin/python3", stranger.__file__, kind)
        try:
            return self.report()
        finally:
            lab("stop", "onprem", kind)

    def assert_undisturbed(self, kind, expected):
        """The same outcome and cause, or a word about frames that were lost."""
        with self.subTest(kind):
            report = self.disturbed(kind)
            verdict = report["verdict"]
            if any("the capture was overrun" in line for line in report["not_observed"]):
                self.assertIn(verdict["cause"], (expected["cause"], "unknown", "healthy"), verdict)
                return
            self.assertEqual([verdict[key] for key in ("cause", "sources")], [expected[key] for key in ("cause", "sources")])


class Strangers(Disturbed):
    def test_healthy(self):
        lab("weather", "delay=60")  # time enough for all to meet the conversation
        self.addCleanup(lab, "weather", "clear")
        for kind in stranger.KINDS:
            self.assert_undisturbed(kind, {"cause": "healthy", "sources": []})

    def test_a_server_that_hangs(self):
        lab("break", "vm-sshd-hung-silent")
        self.addCleanup(lab, "heal")
        for kind in FORGED:
            self.assert_undisturbed(kind, {"cause": "vm.sshd-hung", "sources": [5]})

    def test_who_forges_is_told(self):
        lab("break", "nsg-deny")
        self.addCleanup(lab, "heal")
        for kind in ("reset", "quote"):
            with self.subTest(kind):
                facts = {row["fact"]: row for row in self.disturbed(kind)["evidence"]}
                self.assertIn("forged.ignored-on-this-machine", facts)
                self.assertTrue(facts["forged.ignored-on-this-machine"]["packets"])


@seldom
class Matrix(Disturbed):
    def try_all(self):
        expected = self.report()["verdict"]
        for kind in stranger.KINDS:
            self.assert_undisturbed(kind, expected)

    def try_states(self, weather):
        lab("weather", weather)
        self.addCleanup(lab, "weather", "clear")
        self.try_all()
        for state in STATES:
            with self.subTest(state):
                lab("break", state)
                self.try_all()
                lab("heal")

    def test_near(self):
        self.try_states("delay=0")

    def test_far(self):
        self.try_states("delay=60")


if __name__ == "__main__":
    support.main()
