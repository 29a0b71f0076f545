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


def test_of(kind):
    return lambda self: self.check(kind)


for name in hostile.SERVERS:
    setattr(Hostile, "test_" + name.replace("-", "_"), test_of(name))

if __name__ == "__main__":
    support.main()
