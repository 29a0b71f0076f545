#!/usr/bin/python3
"""A connection whose own packets are not seen as they left is not said to be diverted."""

import subprocess

import support
from support import Case, Lab, seldom, sshwhy

VM = "20.99.0.4"
SECOND, GATEWAY = "second", "10.20.0.1"


def setUpModule():
    global lab
    lab = Lab()


def ip(host, *words):
    subprocess.run(["ip", "-n", f"{lab.name}-{host}", *words], check=True)


def nft(text):
    lab("run", "client", "nft", text)


class Unseen(Case):
    def setUp(self):
        lab("break", "vm-sshd-hung-silent")
        self.addCleanup(lab, "heal")

    def report(self):
        return self.assert_verdict(sshwhy("probe", "--json", VM, before=lab.on("client")))

    def translate(self, rule):
        nft(f"add table ip natted; add chain ip natted out {{ type nat hook postrouting priority 100; }}; add rule ip natted out {rule}")
        self.addCleanup(nft, "delete table ip natted")

    def check_translated(self, rule):
        self.translate(rule)
        report = self.report()
        verdict = report["verdict"]
        self.assertFalse(verdict["cause"].startswith("client.") and verdict["confidence"] >= 0.5, verdict)
        self.assertFalse([row["fact"] for row in report["evidence"] if row["fact"].startswith("out.")])
        self.assertRegex(" ".join(report["not_observed"]), "another source port: table ip natted")

    @seldom
    def test_masquerading_to_other_ports(self):
        self.check_translated("tcp dport 22 masquerade to :1024-2048")

    @seldom
    def test_source_translation_to_another_port(self):
        self.check_translated("tcp dport 22 snat to 10.20.0.10:1024-1100")

    def test_source_translation_before_silence(self):
        lab("heal")
        lab("break", "nsg-deny")
        self.check_translated("tcp dport 22 masquerade to :1024-2048")

    def healed(self, fault=None):
        lab("heal")
        if fault is not None:
            lab("break", fault)

    def iptables(self, *words):
        """Its targets are no statements of nft's, and told in its words all the same."""
        rule = ("-t", "nat", "-A", "POSTROUTING", "-p", "tcp", "--dport", "22", *words)
        lab("run", "client", "iptables-nft", *rule)

    def assert_cause(self, cause):
        report = self.report()
        self.assertEqual(report["verdict"]["cause"], cause, report)

    def check_iptables(self, *words):
        """What lies behind the rule is found as if it were not there."""
        for fault, cause in ((None, "healthy"), ("nsg-deny", "nsg.deny")):
            with self.subTest(fault):
                self.healed(fault)
                self.iptables(*words)
                self.assert_cause(cause)

    def test_masquerading_by_iptables(self):
        self.check_iptables("-j", "MASQUERADE", "--to-ports", "40000-50000")

    @seldom
    def test_source_translation_by_iptables(self):
        self.healed("vm-sshd-down")
        self.iptables("-j", "SNAT", "--to-source", "10.20.0.10:40000-50000")
        self.assert_cause("vm.sshd-down")

    @seldom
    def test_source_translation_to_an_address_of_ours(self):
        ip("client", "address", "add", "10.20.0.98/24", "dev", "eth0")
        self.addCleanup(ip, "client", "address", "del", "10.20.0.98/24", "dev", "eth0")
        self.check_iptables("-j", "SNAT", "--to-source", "10.20.0.98")

    def test_source_translation_to_an_address_of_nobody(self):
        """What lies behind it cannot be told where nothing is answered at all."""
        for fault, causes in ((None, ["client.firewall.out"]), ("nsg-deny", ["nsg.deny", "unknown"])):
            with self.subTest(fault):
                self.healed(fault)
                self.iptables("-j", "SNAT", "--to-source", "10.20.0.99")
                verdict = self.report()["verdict"]
                self.assertIn(verdict["cause"], causes, verdict)

    def second_way(self):
        """Another line into the same network, and a route over both: each flow takes one of them."""
        # each line answers for its own address, or its end would be taken for the other's when it has gone
        for name, value, before in (("arp_ignore", 1, 0), ("arp_announce", 2, 0)):
            lab("run", "client", "sysctl", "-qw", f"net.ipv4.conf.all.{name}={value}")
            self.addCleanup(lab, "run", "client", "sysctl", "-qw", f"net.ipv4.conf.all.{name}={before}")
        ip("client", "link", "add", SECOND, "type", "veth", "peer", "name", SECOND, "netns", f"{lab.name}-office")
        self.addCleanup(ip, "client", "link", "del", SECOND)
        ip("office", "link", "set", SECOND, "up", "master", "bridge")
        ip("client", "link", "set", SECOND, "up")
        ip("client", "address", "add", "10.20.0.11/24", "dev", SECOND)
        lab("run", "client", "sysctl", "-qw", "net.ipv4.fib_multipath_hash_policy=1")  # ports count
        hops = [word for device in ("eth0", SECOND) for word in ("nexthop", "via", GATEWAY, "dev", device)]
        ip("client", "route", "replace", "default", *hops)

    def test_a_route_over_two_interfaces(self):
        self.second_way()
        for probe in range(3):
            with self.subTest(probe):
                verdict = self.report()["verdict"]
                self.assertEqual(verdict["cause"], "vm.sshd-hung", verdict)


if __name__ == "__main__":
    support.main()
