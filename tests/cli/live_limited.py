#!/usr/bin/python3
"""A firewall on the VM that limits new connections, as `ufw limit` does: a probe does not use it up."""

import re
import subprocess

import support
from support import Case, Lab, seldom, sshwhy

VM = "20.99.0.4"
# ufw-user-input of ufw 0.36 with "22/tcp LIMIT IN".
LIMIT = (
    "iptables -A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -m recent --set",
    "iptables -A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 -j REJECT",
)
MOST = 5  # the sixth is refused
PERSON = ("-l", "ann", "-o", "IdentityFile=/run/ann/.ssh/id_ed25519")
LOGIN = ("ssh", *PERSON, "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3", VM, "echo", "in")


def setUpModule():
    global lab
    lab = Lab()


class Limited(Case):
    def setUp(self):
        self.addCleanup(lab, "heal")

    def limit(self, fault):
        lab("break", fault)
        for rule in LIMIT:
            lab("run", "vm", *rule.split())
        self.addCleanup(lab, "run", "vm", "iptables", "-F", "INPUT")

    def flows(self):
        """New flows that came to the VM's SSH port, as its firewall counts them."""
        rules = lab("run", "vm", "iptables", "-nvxL", "INPUT")
        return int(re.search(r"^\s*(\d+) .* recent: SET", rules, re.M)[1])

    def probe(self, *options):
        before = self.flows()
        report = self.assert_verdict(sshwhy("probe", "--json", *options, VM, before=lab.on("client")))
        return report["verdict"], self.flows() - before

    def login(self):
        return subprocess.run([*lab.on("client"), *LOGIN], capture_output=True, text=True, check=False)

    def test_ssh_logs_in_after_two_probes(self):
        self.limit("healthy-auth")
        for options in (), ("--auth", *PERSON):
            verdict, flows = self.probe(*options)
            self.assertEqual(verdict["outcome"], "healthy")
            self.assertLessEqual(flows, 2)
        ended = self.login()
        self.assertEqual((ended.stdout, ended.returncode), ("in\n", 0), ended.stderr)

    def check(self, fault, cause):
        """Where something is wrong a probe alone does not use it up."""
        self.limit(fault)
        verdict, flows = self.probe()
        self.assertEqual(verdict["cause"], cause)
        self.assertLessEqual(flows, MOST)

    def test_a_closed_port(self):
        self.check("vm-sshd-down", "vm.sshd-down")

    @seldom
    def test_a_mute_server(self):
        self.check("vm-sshd-hung-silent", "vm.sshd-hung")

    @seldom
    def test_the_limit_is_real(self):
        self.limit("healthy-auth")
        for _ in range(MOST):
            subprocess.run([*lab.on("client"), "socat", "/dev/null", f"TCP:{VM}:22"], check=True)
        self.assertIn("Connection refused", self.login().stderr)
        self.assertEqual(self.probe()[0]["cause"], "vm.firewall")


if __name__ == "__main__":
    support.main()
