#!/usr/bin/python3
"""Servers that mean no good cost bounded time and memory, and write nothing to the terminal."""

import hostile
import support
from support import Case, Lab, seldom, sshwhy

VM = "20.99.0.4"
SOON = 8  # seconds: long before the time is up, which is 10 s.
# What SSH has no name for is the VM's fault all the same: hung, not SSH, or nothing in common with us.
CAUSES = ("vm.sshd-hung", "vm.not-ssh", "vm.sshd-refusing", "vm.kex")


def setUpModule():
    global lab
    lab = Lab()
    lab("stop", "vm", "sshd")


class Hostile(Case):
    def meet(self, kind):
        save = self.folder() / "run.pcapng"
        lab("start", "vm", kind, "22", "/usr/bin/python3", hostile.__file__, kind)
        try:
            live = sshwhy("probe", "--json", "-w", save, VM, before=lab.on("client"), preexec_fn=support.limits)
        finally:
            lab("stop", "vm", kind)
        again = sshwhy("analyze", "--json", save)
        text = sshwhy("analyze", "--verbose", save)
        return live, again, text

    def check(self, kind):
        live, again, text = self.meet(kind)
        report = self.assert_verdict(live)
        self.assertNotEqual(report["verdict"]["outcome"], "healthy")
        self.assertLess(live.seconds, SOON)
        for ended in (live, again, text):
            self.assert_clean(ended)
            self.assert_bounded(ended)
        replayed = self.assert_verdict(again)
        for key in ("verdict", "causes", "evidence", "path", "ssh"):
            self.assertEqual(replayed[key], report[key])
        return report


class Farewell(Hostile):
    """A server that says why it ends, in SSH's own words."""

    def check_words(self, kind, words):
        report = self.check(kind)
        self.assertEqual((report["verdict"]["cause"], report["verdict"]["sources"][0]), ("vm.sshd-refusing", 5))
        self.assertIn(words, " ".join(fact["text"] for fact in report["evidence"]))

    @seldom
    def test_before_key_exchange(self):
        self.check_words("refused-by-policy", '"Connection rejected by policy" (reason 11, by application)')

    def test_during_key_exchange(self):
        self.check_words("too-many-sessions", '"Too many sessions" (reason 12, too many connections)')

    def test_and_stays(self):
        self.check_words("keeps-it-open", '"Shutting down" (reason 7, service not available)')


    def test_at_length(self):
        self.check_words("says-much", '"Full. Full. ')

    @seldom
    def test_at_length_before_key_exchange(self):
        self.check_words("says-much-first", '"Full. Full. ')


class Servers(Hostile):
    """Health is out of the question, and the VM's the fault; who goes on for ever is a tarpit."""

    def check_server(self, kind):
        report = self.check(kind)
        likely = {row["cause"]: row["probability"] for row in report["causes"]}
        self.assertLess(likely.get("healthy", 0), 0.15, likely)
        self.assertIn(report["verdict"]["cause"], CAUSES)
        if kind in hostile.TARPITS:
            self.assertEqual(report["verdict"]["cause"], "vm.sshd-hung")


def test_of(kind):
    return lambda self: self.check_server(kind)


for name in hostile.SERVERS:
    setattr(Servers, "test_" + name.replace("-", "_"), test_of(name))

if __name__ == "__main__":
    support.main()
