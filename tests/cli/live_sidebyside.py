#!/usr/bin/python3
"""Probes side by side, as GNU parallel runs them: none is led astray by another, and no stranger is cut off."""

import concurrent.futures
import signal
import subprocess
import time
import unittest

import support
from support import Case, Lab, seldom, sshwhy

VM, VM6, ONPREM, NOBODY_THERE = "20.99.0.4", "2001:db8:99::4", "10.20.0.20", "10.20.0.99"
AT_ONCE = 8


def setUpModule():
    global lab
    lab = Lab()


def probe(target):
    return sshwhy("probe", "--json", "--deployment", "arm", target, before=lab.on("client"))


class SideBySide(Case):
    """What each says is what one alone says, or is in doubt: routers' ICMP limits are shared."""

    def tearDown(self):
        lab("heal")

    def verdicts(self, targets):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return [self.assert_verdict(ended)["verdict"] for ended in pool.map(probe, targets)]

    def check(self, sources):
        """`sources`: of each target the true one; 0 where nothing is wrong."""
        targets = list(sources) * (AT_ONCE // len(sources))
        for target, verdict in zip(targets, self.verdicts(targets), strict=True):
            told = f"{target}: {verdict['outcome']} {verdict['cause']} {verdict['confidence']}"
            if sources[target] == 0:
                self.assertEqual(verdict["outcome"], "healthy", told)
            elif verdict["confidence"] >= 0.9:
                self.assertEqual(verdict["sources"], [sources[target]], told)

    def test_rules_are_read_beside_the_shield(self):
        """Which goes up while they are read; the library writes no JSON of a table that has an owner."""
        lab("break", "vm-sshd-down")
        for _ in range(10):
            self.assertNotIn("rules of the local firewall", " ".join(probe(VM).report()["not_observed"]))

    @seldom
    def test_one_healthy_target(self):
        self.check({VM: 0})

    def test_one_target_with_a_fault(self):
        lab("break", "edge-firewall-drop")
        self.check({VM: 2})

    @seldom
    def test_several_targets(self):
        lab("break", "vm-sshd-down")
        self.check({VM: 5, VM6: 5, ONPREM: 0, NOBODY_THERE: 5})

    def test_several_targets_in_silence(self):
        lab("break", "nsg-deny")
        self.check({VM: 4, VM6: 4, ONPREM: 0, NOBODY_THERE: 5})


CONNECT = """
import socket, sys
for port in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
    s = socket.socket()
    s.settimeout(0.5)
    try:
        s.bind(("", port))
        s.connect((sys.argv[1], 22))
        print("works", port)
    except TimeoutError:
        print("silent", port)
    except OSError as error:
        print(error.strerror, port)
    s.close()
"""


class Strangers(Case):
    """Who connects from a port of ours, to another host, is not cut off: the port is ours, or it works."""

    def setUp(self):
        lab("break", "nsg-deny")

    def tearDown(self):
        lab("heal")

    def shields(self):
        return lab("run", "client", "nft", "list", "ruleset")

    def begin(self, *arguments):
        """Starts a probe of silence, until its shield is up; the test's end is its end."""
        run = support.Run("probe", "--json", *arguments, VM, before=lab.on("client"))
        self.addCleanup(lambda: (run.send(signal.SIGKILL), run.end()))
        deadline = time.monotonic() + 5
        while "drop" not in self.shields() and time.monotonic() < deadline:
            time.sleep(0.01)

    def hidden(self):
        """The ports that the shield hides."""
        words = self.shields().split()
        first, last = words[words.index("dport") + 1].split("-")
        return int(first), int(last)

    def connect(self, first, last):
        words = [*lab.on("client"), "/usr/bin/python3", "-c", CONNECT, ONPREM, first, last]
        done = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def test_shield_names_its_peer(self):
        self.begin()
        self.assertIn(f"ip saddr {VM} tcp dport", self.shields())

    def test_ports_of_a_probe_are_nobody_elses(self):
        self.begin("--deep")
        first, _ = self.hidden()
        said = self.connect(first, first + 3)
        self.assertEqual(said, "".join(f"Address already in use {port}\n" for port in range(first, first + 4)))

    def test_strangers_with_other_ports_connect(self):
        """Also where the kernel serves connections from all ports of ours."""
        self.begin("--deep")
        first, last = self.hidden()
        lab("run", "client", "sysctl", "-qw", f"net.ipv4.ip_local_port_range={first - 4} {last + 4}")
        try:
            said = self.connect_any(8)
        finally:
            lab("run", "client", "sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 60999")
        self.assertEqual(said, "works\n" * 8)

    def connect_any(self, count):
        script = (
            "import socket\n"
            f"for _ in range({count}): socket.create_connection(({ONPREM!r}, 22), 0.5); print('works')"
        )
        words = [*lab.on("client"), "/usr/bin/python3", "-c", script]
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout

    def test_ephemeral_ports_are_left_alone(self):
        """Below them, where above there are too few."""
        lab("run", "client", "sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 65500")
        try:
            self.begin()
            first, last = self.hidden()
        finally:
            lab("run", "client", "sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 60999")
        self.assertLess(last, 32768)


if __name__ == "__main__":
    support.main()
