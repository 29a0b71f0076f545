#!/usr/bin/env python3
"""Servers that mean no good cost bounded time and memory, and write nothing to the terminal."""

import hostile
import support
from support import Case, Lab, sshwhy

SECONDS = 12  # the default --timeout is 10
MEGABYTES = 200
VM = "20.99.0.4"


def setUpModule():
    global lab
    lab = Lab()
    lab("stop", "vm", "sshd")


class Hostile(Case):
    def meet(self, kind):
        save = self.folder() / "run.pcapng"
        lab("start", "vm", kind, "22", "python3", hostile.__file__, kind)
        try:
            live = sshwhy("probe", "--json", "-w", save, VM, before=lab.on("client"))
        finally:
            lab("stop", "vm", kind)
        again = sshwhy("analyze", "--json", save)
        text = sshwhy("analyze", "--verbose", save)
        return live, again, text

    def check(self, kind):
        live, again, text = self.meet(kind)
        report = self.assert_verdict(live)
        self.assertNotEqual(report["verdict"]["outcome"], "healthy")
        self.assertLess(live.seconds, SECONDS)
        for ended in (live, again, text):
            self.assert_clean(ended)
            self.assertLess(ended.megabytes, MEGABYTES)
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

    def test_before_key_exchange(self):
        self.check_words("refused-by-policy", '"Connection rejected by policy" (reason 11, by application)')

    def test_during_key_exchange(self):
        self.check_words("too-many-sessions", '"Too many sessions" (reason 12, too many connections)')

    def test_and_stays(self):
        self.check_words("keeps-it-open", '"Shutting down" (reason 7, service not available)')


class Servers(Hostile):
    pass


def test_of(kind):
    return lambda self: self.check(kind) and None


for name in hostile.SERVERS:
    setattr(Servers, "test_" + name.replace("-", "_"), test_of(name))

if __name__ == "__main__":
    support.main()
