#!/usr/bin/python3
"""The target is what one types after ssh: what ssh makes of it is probed, and what its configuration decides is said.

  live_typed.py [--all]    not some of each kind: minutes
"""

import subprocess
import time
from pathlib import Path

import support
from support import USAGE, Case, Lab, Run, seldom, sshwhy

VM, VM6 = "20.99.0.4", "2001:db8:99::4"
ONPREM = "10.20.0.20"
PERSON = 20022
CALLED_BY_ANN = ("env", f"SUDO_UID={PERSON}", f"SUDO_GID={PERSON}", "SUDO_USER=ann")
SSHD = f"/usr/sbin/sshd -D -e -f {support.ROOT}/tests/lab/config/sshd_config".split()
OLD = ("-o", "KexAlgorithms=diffie-hellman-group14-sha1", "-o", "Ciphers=aes128-cbc")


def setUpModule():
    global lab
    lab = Lab()


class Typed(Case):
    def tearDown(self):
        lab("heal")

    def configure(self, text, home="/run/home", owner="0:0"):
        script = 'mkdir -p "$1/.ssh"; chmod 700 "$1/.ssh"; cat >"$1/.ssh/config"; chmod 600 "$1/.ssh/config"; chown -R "$2" "$1/.ssh"'
        subprocess.run([*lab.on("client"), "sh", "-c", script, "sh", home, owner], input=text, check=True, text=True)

    def ssh(self, *words):
        """What the real ssh says: nobody can log in at the lab's servers, so how far it comes."""
        command = [*lab.on("client"), "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "ConnectTimeout=3", *words,
                   "true"]
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stderr

    def assert_ssh_works(self, *words):
        self.assertIn("Permission denied (publickey)", self.ssh(*words))

    def probe(self, *words, before=()):
        ended = sshwhy("probe", "--json", "--deployment", "arm", *words, before=[*lab.on("client"), *before])
        self.assert_clean(ended)
        return self.assert_verdict(ended)

    def assert_healthy(self, *words, before=()):
        report = self.probe(*words, before=before)
        self.assertEqual(report["verdict"]["outcome"], "healthy", report["verdict"]["summary"])
        return report

    def assert_told(self, report, cause, quote):
        """That cause, and the line that sets it."""
        self.assertEqual((report["verdict"]["outcome"], report["verdict"]["cause"]), ("fault", cause))
        self.assertIn(quote, " ".join(row["text"] for row in report["evidence"]))


class Names(Typed):
    def test_as_they_are_typed(self):
        self.configure(f"Host myvm\n\tHostName {VM}\n\tUser bob\nHost named\n\tHostName vm4.example\n")
        for words in (["myvm"], ["ann@myvm"], ["ssh://ann@myvm:22/"], ["-l", "ann", "myvm"], ["myvm:22"], ["named"]):
            with self.subTest(words=words):
                report = self.assert_healthy(*words)
                self.assertEqual((report["target"]["address"], report["target"]["port"]), (VM, 22))
        target = self.assert_healthy("ann@myvm:22")["target"]
        self.assertEqual((target["host"], target["hostname"]), ("myvm", VM))

    @seldom
    def test_a_name_behind_an_alias_that_does_not_resolve(self):
        self.configure("Host myvm\n\tHostName gone.example\n")
        self.assert_told(self.probe("myvm"), "client.dns", "/run/home/.ssh/config:2: HostName gone.example")

    @seldom
    def test_another_file(self):
        folder = self.folder()
        (folder / "config").write_text(f"Host myvm\n\tHostName {VM}\n")
        self.assertEqual(self.probe("myvm")["verdict"]["cause"], "client.dns")
        self.assert_healthy("-F", folder / "config", "myvm")
        self.configure(f"Host myvm\n\tHostName {VM}\n")
        self.assertEqual(self.probe("-F", "none", "myvm")["verdict"]["cause"], "client.dns")

    @seldom
    def test_options_stand_before_the_file(self):
        self.configure("Host *\n\tPort 2222\n")
        self.assert_healthy("-p", "22", VM)
        self.assert_healthy("-o", "Port=22", VM)
        self.assert_healthy("-o", f"HostName={VM}", "-o", "Port 22", "whatever")

    def test_what_ssh_does_not_take(self):
        for words in (["-o", "Foo=bar", VM], ["-o", "Ciphers=none-such", VM]):
            with self.subTest(words=words):
                self.assert_one_line_error(sshwhy("probe", *words, before=lab.on("client")), USAGE)

    @seldom
    def test_the_port_of_the_configuration(self):
        lab("start", "onprem", "other", "2222", *SSHD, "-p", "2222")
        self.configure(f"Host {ONPREM}\n\tPort 2222\n")
        self.assert_ssh_works(ONPREM)
        self.assertEqual(self.assert_healthy(ONPREM)["target"]["port"], 2222)


class Choices(Typed):
    def test_an_address_of_another_family(self):
        """As to ssh: it is no error of the command line, and of two families the last one stands."""
        for family, address in (("-6", VM), ("-4", VM6)):
            self.assertIn("Address family for hostname not supported", self.ssh(family, address))
            self.assert_told(self.probe(family, address), "client.dns", f"ssh asks for one family alone ({family})")
        for words in (["-6", "-4", VM], [VM, "-6", "-4"], ["-6", f"::ffff:{VM}"], ["-4", f"::ffff:{VM}"]):
            with self.subTest(words=words):
                self.assert_ssh_works(*words)
                self.assert_healthy(*words)

    def test_a_server_that_this_configuration_can_talk_to(self):
        lab("stop", "vm", "sshd")
        lab("start", "vm", "sshd", "22", *SSHD, *OLD)
        self.assertIn("no matching key exchange method", self.ssh(VM))
        self.assertEqual(self.probe(VM)["verdict"]["cause"], "vm.kex")
        self.configure("Host *\n\tKexAlgorithms +diffie-hellman-group14-sha1\n\tCiphers +aes128-cbc\n")
        self.assert_ssh_works(VM)
        self.assert_healthy(VM)

    @seldom
    def test_too_little(self):
        for keyword, value in (("Ciphers", "aes128-cbc"), ("KexAlgorithms", "diffie-hellman-group1-sha1"),
                               ("MACs", "hmac-md5"), ("HostKeyAlgorithms", "ssh-rsa")):
            with self.subTest(keyword=keyword):
                # (a cipher that brings its own MAC would need none)
                self.configure(f"Host {VM}\n\t{keyword} {value}\n" + ("\tCiphers aes128-ctr\n" if keyword == "MACs" else ""))
                self.assertIn("no matching", self.ssh(VM))
                self.assert_told(self.probe(VM), "vm.kex", f"/run/home/.ssh/config:2: {keyword} {value}")

    @seldom
    def test_what_only_ssh_has(self):
        """The library knows none of it: nobody says that there is no common algorithm."""
        self.configure(f"Host {VM}\n\tKexAlgorithms sntrup761x25519-sha512@openssh.com\n")
        self.assert_ssh_works(VM)
        self.assertNotEqual(self.probe(VM)["verdict"]["cause"], "vm.kex")

    def test_an_address_that_has_gone(self):
        self.configure(f"Host {VM}\n\tBindAddress 192.0.2.77\n")
        self.assertIn("bind", self.ssh(VM))
        report = self.probe(VM)
        self.assert_told(report, "client.route", "/run/home/.ssh/config:2: BindAddress 192.0.2.77")
        self.assertLess(report["duration_seconds"], 1)
        self.assert_told(self.probe("-b", "192.0.2.78", VM), "client.route", "-b 192.0.2.78")
        self.assert_told(self.probe("-b", "2001:db8:20::10", VM), "client.route", "-b 2001:db8:20::10")
        self.configure("")
        self.assert_told(self.probe("-B", "none0", VM), "client.route", "-B none0")

    @seldom
    def test_another_address(self):
        lab("run", "client", "ip", "addr", "add", "10.20.0.11/24", "dev", "eth0")
        self.addCleanup(lab, "run", "client", "ip", "addr", "del", "10.20.0.11/24", "dev", "eth0")
        for words in (["-b", "10.20.0.11"], ["-o", "BindAddress=10.20.0.11"]):
            report = self.assert_healthy(*words, VM)
            self.assertEqual(report["local_address"], "10.20.0.11")
        lab("run", "edge", "nft", "add table inet fault; add chain inet fault f { type filter hook forward priority 0; }; "
            "add rule inet fault f ip saddr 10.20.0.11 tcp dport 22 drop")
        self.assertEqual(self.probe("-b", "10.20.0.11", VM)["verdict"]["cause"], "edge.firewall")
        self.assert_healthy("-B", "eth0", VM)

    @seldom
    def test_a_family_that_is_lost(self):
        self.configure("Host vm4.example\n\tAddressFamily inet6\n")
        self.assert_told(self.probe("vm4.example"), "client.dns", "/run/home/.ssh/config:2: AddressFamily inet6")
        self.configure(f"Host myvm\n\tHostName {VM}\n\tAddressFamily inet6\n")
        self.assert_told(self.probe("myvm"), "client.dns", "/run/home/.ssh/config:3: AddressFamily inet6")
        lab("run", "client", "ip", "-6", "route", "del", "default")
        self.addCleanup(lab, "heal")
        self.configure("Host vm.example\n\tAddressFamily inet6\n")
        self.assert_told(self.probe("vm.example"), "client.route", "/run/home/.ssh/config:2: AddressFamily inet6")

    @seldom
    def test_a_file_that_ssh_ends_over(self):
        self.configure("Host *\n\tNoSuchThing yes\n")
        for target in (VM, "myvm"):
            with self.subTest(target=target):
                self.assertIn("Bad configuration option", self.ssh(target))
                report = self.probe(target)
                self.assertEqual(report["verdict"]["sources"], [1])
                self.assertIn("/run/home/.ssh/config: line 2", report["evidence"][0]["text"])


@seldom
class Known(Typed):
    def know(self, name, host="peer"):
        key = lab("run", host, "cut", "-d", " ", "-f1,2", "/run/ssh_host_ed25519_key.pub").strip()
        subprocess.run([*lab.on("client"), "sh", "-c", "cat >/run/home/.ssh/known_hosts"], input=f"{name} {key}\n", check=True,
                       text=True)

    def test_under_which_name(self):
        """HostKeyAlias, else what ssh connects to; never what was typed."""
        self.configure(f"Host myvm\n\tHostName {VM}\nHost other\n\tHostName {VM}\n\tHostKeyAlias theirs\n")
        for known, typed, differs in (("myvm", "myvm", False), (VM, "myvm", True), (VM, "other", False), ("theirs", "other", True)):
            with self.subTest(known=known, typed=typed):
                self.know(known)
                self.assertEqual(self.probe(typed)["verdict"]["outcome"] != "healthy", differs)

    def test_another_port(self):
        """Where the port is not known, the name alone can say that a key is right, not that it is wrong."""
        lab("start", "onprem", "other", "2222", *SSHD, "-p", "2222")
        self.configure("")
        for known, host, differs in ((ONPREM, "peer", False), (f"[{ONPREM}]:2222", "peer", True), (ONPREM, "onprem", False)):
            with self.subTest(known=known, host=host):
                self.know(known, host)
                report = self.probe(f"{ONPREM}:2222")
                self.assertEqual(report["verdict"]["outcome"] != "healthy", differs)


class Jumps(Typed):
    """The leg that is probed is the first: what this machine connects to."""

    def let_ann_in(self):
        """At onprem, which she jumps over."""
        lab("run", "client", "sh", "-c", "rm -rf /run/ann/.ssh && mkdir /run/ann/.ssh && ssh-keygen -q -t ed25519 -N '' -C '' -f /run/ann/.ssh/id_ed25519"
            f" && chown -R {PERSON}:{PERSON} /run/ann/.ssh && chmod 700 /run/ann/.ssh")
        key = lab("run", "client", "cat", "/run/ann/.ssh/id_ed25519.pub")
        subprocess.run([*lab.on("onprem"), "sh", "-c", "cat >/run/keys; chmod 644 /run/keys"], input=key, check=True, text=True)
        lab("stop", "onprem", "sshd")
        lab("start", "onprem", "sshd", "22", *SSHD, "-o", "AuthorizedKeysFile=/run/keys", "-o", "StrictModes=no", "-o", "AllowTcpForwarding=yes")

    def jump(self, target):
        self.configure(f"Host myvm\n\tHostName {target}\n\tProxyJump {ONPREM}\nHost {ONPREM}\n\tUser ann\n"
                       "Host *\n\tStrictHostKeyChecking no\n\tUserKnownHostsFile /dev/null\n", "/run/ann", f"{PERSON}:{PERSON}")
        return self.probe("myvm", before=CALLED_BY_ANN)

    def test_both_legs(self):
        self.let_ann_in()
        report = self.jump(VM)
        self.assertEqual(report["verdict"]["outcome"], "healthy", report)
        target = report["target"]
        self.assertEqual((target["host"], target["hostname"], target["via"], target["address"]), ("myvm", VM, ONPREM, ONPREM))
        self.assertIn(f"the jump host {ONPREM}", report["verdict"]["summary"])

    @seldom
    def test_a_second_leg_that_fails(self):
        """It is not this machine's, and nobody says that all is well."""
        self.let_ann_in()
        report = self.jump("10.20.0.1")  # the edge, where nothing listens
        self.assertEqual(report["verdict"]["outcome"], "unknown")
        self.assertRegex(" ".join(report["not_observed"]), f"the way behind {ONPREM}, the jump host: .*ProxyJump")

    @seldom
    def test_a_first_leg_that_is_cut(self):
        lab("break", "edge-firewall-drop")
        report = self.probe("-J", VM, "10.1.0.5")
        self.assertEqual(report["verdict"]["cause"], "edge.firewall")
        self.assertEqual(report["target"]["via"], VM)
        self.assertIn(f"-J {VM}", " ".join(report["not_observed"]))

    @seldom
    def test_a_name_that_only_the_jump_host_knows(self):
        """It is not looked up here."""
        report = self.probe("-J", ONPREM, "only.internal")
        self.assertEqual((report["verdict"]["outcome"], report["target"]["address"]), ("unknown", ONPREM))


class Persons(Typed):
    def running(self):
        """What runs at the client."""
        pids = subprocess.run(["ip", "netns", "pids", f"{lab.name}-client"], capture_output=True, text=True).stdout.split()
        files = [Path(f"/proc/{pid}/comm") for pid in pids]
        return [file.read_text() for file in files if file.exists()]

    def wait_until(self, holds):
        deadline = time.monotonic() + 10
        while not holds():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_who_called_sudo(self):
        """Ann's configuration, and her commands with her rights."""
        self.configure(f"Match host myvm exec \"id -u >/run/ann/ran\"\n\tHostName {VM}\n", "/run/ann", f"{PERSON}:{PERSON}")
        self.assert_healthy("myvm", before=CALLED_BY_ANN)
        self.assertEqual(lab("run", "client", "cat", "/run/ann/ran").strip(), str(PERSON))
        lab("run", "client", "rm", "/run/ann/ran")

    def test_nothing_is_run_as_root(self):
        self.configure(f"Match host myvm exec \"id -u >/run/home/ran\"\n\tHostName {VM}\n")
        report = self.probe("myvm")
        self.assertEqual(report["verdict"]["outcome"], "unknown")
        self.assertIn("nothing is run as root", " ".join(report["not_observed"]))
        self.assertNotIn("ran", lab("run", "client", "ls", "/run/home"))

    def test_a_way_that_changes_while_ssh_is_asked(self):
        """What was opened for the old way is opened again."""
        self.configure("Match exec \"while ! test -e /run/ann/go; do sleep .05; done\"\n", "/run/ann", f"{PERSON}:{PERSON}")
        run = Run("probe", "--json", VM, before=[*lab.on("client"), *CALLED_BY_ANN])
        self.wait_until(lambda: "sleep\n" in self.running())
        lab("run", "client", "ip", "route", "add", VM, "via", ONPREM)
        lab("run", "client", "touch", "/run/ann/go")
        report = self.assert_verdict(run.end())
        self.assertIn(f"via {ONPREM}", " ".join(row["text"] for row in report["evidence"]))
        lab("run", "client", "rm", "/run/ann/go")

    def test_an_ssh_that_hangs(self):
        """It is not waited for for ever, and nothing of it stays behind."""
        self.configure("Match exec \"sleep 1000\"\n\tPort 2222\n", "/run/ann", f"{PERSON}:{PERSON}")
        ended = sshwhy("probe", "--json", VM, before=[*lab.on("client"), *CALLED_BY_ANN])
        report = self.assert_verdict(ended)
        self.assertEqual(report["verdict"]["outcome"], "healthy")
        self.assertIn("did not answer in time", " ".join(report["not_observed"]))
        self.assertLess(ended.seconds, 6)
        self.assertNotIn("sleep\n", self.running())

    def test_without_ssh(self):
        report = self.assert_healthy(VM, before=["env", f"PATH={self.folder()}"])
        self.assertIn("there is no ssh here", " ".join(report["not_observed"]))


if __name__ == "__main__":
    support.main()
