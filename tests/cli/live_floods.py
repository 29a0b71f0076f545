#!/usr/bin/python3
"""A VM that sends what is right as fast as it can costs bounded time and memory, and is never misjudged.

  live_floods.py [--all]    every flood in every state: minutes
"""

import flood
import support
from support import Case, Lab, seldom, sshwhy

VM = "20.99.0.4"
TIMEOUT = 3
LATE = 2  # seconds: to start, to end, on a machine that is busy
# and what is wrong then: nothing, or something at the VM
STATES = {"healthy": 0, "vm-sshd-hung-silent": 5, "vm-sshd-down": 5, "vm-ids-reset": 5, "nsg-deny": 4, "edge-ids-drop": 2}
EXCUSES = ("silence proves nothing", "so that it proves nothing")


def setUpModule():
    global lab
    lab = Lab()


class Flooded(Case):
    def probe(self, kind, *options):
        lab("start", "vm", kind, "0", "/usr/bin/python3", flood.__file__, kind)
        try:
            return sshwhy("probe", "--json", *options, VM, before=lab.on("client"), preexec_fn=support.limits)
        finally:
            lab("stop", "vm", kind)

    def check(self, kind, source, *options):
        """The right source or none; where the verdict has suffered, the report tells of what."""
        ended = self.probe(kind, *options)
        self.assert_bounded(ended)
        report = self.assert_verdict(ended)
        verdict = report["verdict"]
        self.assertIn(verdict["outcome"], ("unknown", "healthy" if source == 0 else "fault", "ambiguous"), verdict)
        if verdict["confidence"] >= 0.9 and verdict["sources"]:
            self.assertEqual(verdict["sources"][0], source, verdict)
        if verdict["outcome"] == "unknown":
            told = [line for line in report["not_observed"] if any(excuse in line for excuse in EXCUSES)]
            self.assertTrue(told or "--timeout" in options, report["not_observed"])
        return ended

    def try_all(self, state):
        if state != "healthy":
            lab("break", state)
        try:
            for kind in flood.KINDS:
                with self.subTest(state=state, flood=kind):
                    self.check(kind, STATES[state])
        finally:
            lab("heal")


class Floods(Flooded):
    def test_a_healthy_server(self):
        self.try_all("healthy")

    def test_a_server_that_hangs_in_little_time(self):
        lab("break", "vm-sshd-hung-silent")
        self.addCleanup(lab, "heal")
        for kind in flood.KINDS:
            with self.subTest(kind):
                ended = self.check(kind, 5, "--timeout", str(TIMEOUT))
                self.assertLess(ended.seconds, TIMEOUT + LATE)


@seldom
class Matrix(Flooded):
    def test_all(self):
        for state in STATES:
            self.try_all(state)


if __name__ == "__main__":
    support.main()
