#!/usr/bin/python3
"""Odd targets: names that do not resolve, no way out, this very machine. A verdict or an error."""

import re
import subprocess

import support
from support import UNAVAILABLE, Case, Lab, seldom, sshwhy

VM = "20.99.0.4"


def setUpModule():
    global lab
    lab = Lab()


def link_local(host):
    shown = subprocess.run([*lab.on(host), "ip", "-6", "-br", "addr", "show", "dev", "eth0"], capture_output=True, text=True)
    return re.search(r"fe80:[0-9a-f:]+", shown.stdout)[0]


class Targets(Case):
    def probe(self, *arguments, host="client"):
        """The report; the text for people is looked at too."""
        ended = sshwhy("probe", "--json", *arguments, before=lab.on(host))
        self.assert_clean(ended)
        return self.assert_verdict(ended)["verdict"]

    def tearDown(self):
        lab("heal")


class Names(Targets):
    def test_names_that_do_not_resolve(self):
        for name in ("gone.example", "no..such", "300.1.2.3", "red\x9b31m.example", "é.example", "x" * 255):
            with self.subTest(name=name):
                verdict = self.probe(name)
                self.assertEqual((verdict["outcome"], verdict["cause"]), ("fault", "client.dns"))

    def test_text_is_clean(self):
        ended = sshwhy("probe", "red\x9b31m.example", before=lab.on("client"))
        self.assertEqual(ended.code, support.FAULT)
        self.assert_clean(ended)

    def test_name(self):
        self.assertEqual(self.probe("vm.example")["outcome"], "healthy")


class Interfaces(Targets):
    def test_no_such_interface(self):
        self.assert_one_line_error(sshwhy("probe", "-i", "none0", VM, before=lab.on("client")), UNAVAILABLE)

    def test_interface_down(self):
        lab("run", "client", "ip", "link", "set", "eth0", "down")
        for arguments in ([VM], ["-i", "eth0", VM], ["2001:db8:99::4"]):
            with self.subTest(arguments=arguments):
                verdict = self.probe(*arguments)
                self.assertEqual((verdict["outcome"], verdict["cause"]), ("fault", "client.route"))

    def test_a_wrong_way_out_is_not_blamed_on_others(self):
        for target in (VM, "2001:db8:99::4"):
            with self.subTest(target=target):
                self.assertEqual(self.probe("-i", "lo", target)["cause"], "client.route")

    def test_a_blackhole_is_called_so(self):
        """The kernel's word is "Invalid argument"."""
        lab("break", "client-route-blackhole")
        ended = sshwhy("probe", VM, before=lab.on("client"))
        self.assertIn("a blackhole route", ended.out)
        self.assertNotIn("Invalid argument", ended.out)


class WithoutNetAdmin(Targets):
    """CAP_NET_RAW alone is enough for a verdict."""

    def probe_raw(self):
        return sshwhy("probe", "--json", VM, before=[*lab.on("client"), "setpriv", "--bounding-set=-net_admin"])

    def test_verdict(self):
        self.assertEqual(self.assert_verdict(self.probe_raw())["verdict"]["outcome"], "healthy")
        lab("break", "edge-firewall-drop")
        self.assertEqual(self.assert_verdict(self.probe_raw())["verdict"]["cause"], "edge.firewall")

    def test_says_nothing_else(self):
        self.assertEqual(self.probe_raw().err, "")


class ThisMachine(Targets):
    def test_with_a_service(self):
        for target in ("127.0.0.1", "::1", "10.20.0.20", "2001:db8:20::20", "localhost"):
            with self.subTest(target=target):
                self.assertEqual(self.probe(target, host="onprem")["outcome"], "healthy")

    @seldom
    def test_at_an_interface(self):
        for target in ("10.20.0.20", "2001:db8:20::20"):
            with self.subTest(target=target):
                self.assertEqual(self.probe("-i", "eth0", target, host="onprem")["outcome"], "healthy")

    @seldom
    def test_by_its_link_local_address(self):
        for host, cause in (("onprem", "healthy"), ("client", "vm.sshd-down")):
            target = link_local(host)
            for arguments in ([target], [f"{target}%eth0"], ["-i", "eth0", target]):
                with self.subTest(host=host, arguments=arguments):
                    self.assertEqual(self.probe(*arguments, host=host)["cause"], cause)

    def test_without(self):
        for target in ("127.0.0.1", "::1", "10.20.0.10"):
            with self.subTest(target=target):
                verdict = self.probe(target)
                self.assertEqual((verdict["cause"], verdict["sources"][0]), ("vm.sshd-down", 5))


class Elsewhere(Targets):
    def test_an_ipv4_address_in_ipv6_clothes(self):
        self.assertEqual(self.probe(f"[::ffff:{VM}]")["outcome"], "healthy")
        lab("break", "nsg-deny")
        self.assertEqual(self.probe(f"::ffff:{VM}")["sources"], self.probe(VM)["sources"])

    @seldom
    def test_a_neighbour_by_its_link_local_address(self):
        self.assertEqual(self.probe(f"{link_local('onprem')}%eth0")["outcome"], "healthy")

    def test_nobody_on_the_own_link(self):
        self.assertEqual(self.probe("10.20.0.99")["cause"], "vm.down")

    @seldom
    def test_no_such_network(self):
        self.assertNotEqual(self.probe("203.0.113.99")["outcome"], "healthy")

    @seldom
    def test_another_port(self):
        self.assertNotEqual(self.probe(f"{VM}:80")["outcome"], "healthy")


if __name__ == "__main__":
    support.main()
