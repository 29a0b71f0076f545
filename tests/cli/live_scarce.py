#!/usr/bin/python3
"""On a machine that allows little or lacks something, a probe says what it says elsewhere, or what is missing."""

import support
from shortage import wrong_verdict
from support import NOT_PERMITTED, UNAVAILABLE, Case, Lab, sshwhy

VM = "20.99.0.4"


def setUpModule():
    global lab, plain
    lab = Lab()
    lab("break", "vm-sshd-down")
    plain = probe().report()


def probe(*before):
    return sshwhy("probe", "--json", "--deployment", "arm", VM, before=[*lab.on("client"), *before])


class Scarce(Case):
    def check(self, *before):
        """A verdict that the undisturbed one agrees with, or none; returns the exit code."""
        ended = probe(*before)
        if ended.code in (UNAVAILABLE, NOT_PERMITTED):
            self.assertEqual(ended.out, "")
            self.assertIn("sshwhy: ", ended.err)
        else:
            report = self.assert_verdict(ended)
            self.assertEqual(list(wrong_verdict(plain, report)), [], ended.out)
        self.assertEqual(lab.tables(), "")
        return ended.code

    def check_limits(self, name, values):
        for value in values:
            with self.subTest(name, value=value):
                self.check("prlimit", f"--{name}={value}:{value}")

    def test_few_descriptors(self):
        self.check_limits("nofile", (4, 8, 12, 16, 20, 24, 28))

    def test_forty_descriptors_are_enough(self):
        """For all that is done with a thousand."""
        ended = probe("prlimit", "--nofile=40:40")
        self.assertEqual(ended.report()["verdict"]["cause"], plain["verdict"]["cause"], ended.err)
        self.assertEqual(ended.report()["not_observed"], plain["not_observed"])

    def test_little_memory(self):
        self.check_limits("as", (24 << 20, 40 << 20, 64 << 20, 96 << 20))
        self.check_limits("memlock", (0,))

    def test_no_process_more(self):
        """Nor thread: root is not counted, an ordinary user is."""
        self.check("setpriv", "--reuid=20022", "--clear-groups", "--inh-caps=+net_raw,+net_admin",
                   "--ambient-caps=+net_raw,+net_admin", "prlimit", "--nproc=1:1")  # fmt: skip

    def test_no_local_port(self):
        """Somebody has one of every twenty that follow one another."""
        hold = (
            "import resource, socket, subprocess, sys\n"
            "most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))\n"
            "held = []\n"
            "for port in range(10000, 65536, 20):\n"
            "    held.append(socket.socket(socket.AF_INET6))\n"
            "    held[-1].bind(('', port))\n"
            "sys.exit(subprocess.run(sys.argv[1:]).returncode)"
        )
        self.assertEqual(self.check("/usr/bin/python3", "-c", hold), UNAVAILABLE)

    def test_no_proc(self):
        self.check("unshare", "-m", "sh", "-c", 'umount -l /proc && exec "$@"', "sh")

    def test_no_dev(self):
        self.check("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev && exec "$@"', "sh")

    def test_read_only(self):
        self.check("unshare", "-m", "sh", "-c", 'mount -o remount,bind,ro / && exec "$@"', "sh")


if __name__ == "__main__":
    support.main()
