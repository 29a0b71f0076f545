#!/usr/bin/python3
"""--auth: what is offered to whom, and what the server says to it."""

import support
from support import Case, Lab, sshwhy

VM = "20.99.0.4"
KEYS = "/run/home/.ssh"
SSHD = "/usr/sbin/sshd -D -e -f {config} -o LogLevel=VERBOSE"


def setUpModule():
    global lab
    lab = Lab()


class Offers(Case):
    def setUp(self):
        for kind in ("ed25519", "ecdsa", "rsa"):
            lab("run", "client", "ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", f"{KEYS}/id_{kind}")

    def tearDown(self):
        lab("heal")

    def restart(self, *options):
        config = Lab.SCRIPT.parent / "config/sshd_config"
        lab("stop", "vm", "sshd")
        lab("start", "vm", "sshd", "22", *SSHD.format(config=config).split(), *options)

    def probe(self, *options):
        ended = sshwhy("probe", "--json", *options, VM, before=lab.on("client"))
        return self.assert_verdict(ended)

    def refusals(self):
        return lab("run", "vm", "cat", "/run/sshd.log").count("Failed publickey")

    def test_nothing_to_a_server_with_another_key(self):
        lab("break", "client-known-hosts")
        self.restart()
        asked, offered = self.probe(), self.probe("--auth")
        self.assertEqual(self.refusals(), 0)
        self.assertEqual(offered["verdict"]["cause"], asked["verdict"]["cause"])
        self.assertEqual(offered["verdict"]["sources"], asked["verdict"]["sources"])
        self.assertIn("no key was offered", " ".join(offered["not_observed"]))

    def test_nothing_to_one_that_is_not_the_expected(self):
        self.restart()
        offered = self.probe("--auth", "--host-key", "SHA256:" + "A" * 43)
        self.assertEqual((offered["verdict"]["cause"], self.refusals()), ("vm.host-key", 0))

    def test_all_to_the_right_one(self):
        self.restart()
        self.assertEqual(self.probe("--auth")["verdict"]["cause"], "vm.auth")
        self.assertGreaterEqual(self.refusals(), 1)

    def test_too_many(self):
        self.restart("-o", "MaxAuthTries=1")
        report = self.probe("--auth")
        self.assertEqual(report["verdict"]["cause"], "vm.auth")
        self.assertIn('"Too many authentication failures" (reason 2', " ".join(f["text"] for f in report["evidence"]))


if __name__ == "__main__":
    support.main()
