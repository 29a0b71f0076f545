#!/usr/bin/env python3
"""Hosts that are not the target, with the probe's port numbers or a forged address, change no verdict."""

import stranger
import support
from support import Case, Lab, sshwhy

VM = "20.99.0.4"
FORGED = ("reset", "fin")  # what would end a conversation


def setUpModule():
    global lab
    lab = Lab()


class Strangers(Case):
    def verdict(self, kind):
        lab("start", "onprem", kind, "0", "python3", stranger.__file__, kind)
        try:
            return self.assert_verdict(sshwhy("probe", "--json", VM, before=lab.on("client")))["verdict"]
        finally:
            lab("stop", "onprem", kind)

    def check_healthy(self, kind):
        with self.subTest(kind):
            verdict = self.verdict(kind)
            self.assertEqual(verdict["outcome"], "healthy", verdict)

    def check_cause(self, kind, cause):
        with self.subTest(kind):
            verdict = self.verdict(kind)
            self.assertEqual(verdict["cause"], cause, verdict)

    def test_healthy(self):
        lab("start", "client", "serve", str(stranger.LISTENER), "python3", stranger.__file__, "serve")
        self.addCleanup(lab, "stop", "client", "serve")
        lab("weather", "delay=60")  # time enough for all to meet the conversation
        self.addCleanup(lab, "weather", "clear")
        for kind in stranger.KINDS:
            self.check_healthy(kind)

    def test_a_server_that_hangs(self):
        lab("break", "vm-sshd-hung-silent")
        self.addCleanup(lab, "heal")
        for kind in FORGED:
            self.check_cause(kind, "vm.sshd-hung")


if __name__ == "__main__":
    support.main()
