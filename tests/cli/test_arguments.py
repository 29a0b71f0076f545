#!/usr/bin/python3
"""The command line: what makes no sense, help and version, colours, a full disk, no privilege."""

import json
import os
import pty
import shutil
import subprocess

import support
from support import CANNOT_WRITE, HEALTHY, NOT_PERMITTED, PROGRAM, RUN, USAGE, Case, Run, sshwhy

SENSELESS = [
    ["frobnicate"],
    ["--frobnicate"],
    ["probe"],
    ["probe", "--frobnicate", "vm.example"],
    ["probe", "vm.example", "--frobnicate"],
    ["probe", "--ver", "vm.example"],  # --verbose or --version?
    ["probe", "vm.example", "vm2.example"],
    ["probe", ""],
    ["probe", "--", "-oProxyCommand=x"],
    ["probe", "vm.example:"],
    ["probe", "vm.example:0"],
    ["probe", "vm.example:65536"],
    ["probe", "vm.example:22x"],
    ["probe", "vm.example:-1"],
    ["probe", "vm.example:00000000000000000022"],
    ["probe", "[2001:db8::4"],
    ["probe", "[2001:db8::4]x"],
    ["probe", "x" * 256],
    ["probe", "0.0.0.0"],
    ["probe", "255.255.255.255"],
    ["probe", "224.0.0.1"],
    ["probe", "::"],
    ["probe", "ff02::1"],
    ["probe", "ff02::1%eth0"],
    ["probe", "[ff02::1%eth0]:22"],
    ["probe", "::%eth0"],
    ["probe", "::ffff:224.0.0.1"],
    ["probe", "[::ffff:255.255.255.255]"],
    # ssh: "hostname contains invalid characters"
    ["probe", "a b"],
    ["probe", "\x1b[31mred.example"],
    ["probe", "$(id)"],
    ["probe", "vm;id"],
    ["probe", "--reference", "vm`id`", "vm.example"],
    # ssh: "remote username contains invalid characters"
    ["probe", "--user", "-oProxyCommand=id", "vm.example"],
    ["probe", "--user", "$(id)", "vm.example"],
    ["probe", "--user", "ann -oProxyCommand=id", "vm.example"],
    ["probe", "--vantage", "moon", "vm.example"],
    ["probe", "--deployment", "unknown", "vm.example"],
    ["probe", "--path", "", "vm.example"],
    ["probe", "--timeout", "0", "vm.example"],
    ["probe", "--timeout", "-1", "vm.example"],
    ["probe", "--timeout", "nan", "vm.example"],
    ["probe", "--timeout", "1e9", "vm.example"],
    ["probe", "--timeout", "5s", "vm.example"],
    ["probe", "--reference", "10.20.0.20:0", "vm.example"],
    ["probe", "--reference", "", "vm.example"],
    ["probe", "--reference"],
    ["probe", "--control-port", "1,,2", "vm.example"],
    ["probe", "--control-port", "1,2,3,4,5,6", "vm.example"],
    ["probe", "--color=sometimes", "vm.example"],
    ["probe", "-w"],
    ["analyze"],
    ["analyze", "--port", "70000", "x.pcap"],
    ["analyze", "--port"],
    ["analyze", "--frobnicate", "x.pcap"],
    ["explain", "vm.gremlins"],
    ["explain", "vm.down", "vm.port"],
]


class Senseless(Case):
    def test_one_line_and_64(self):
        for arguments in SENSELESS:
            with self.subTest(arguments=arguments):
                self.assert_one_line_error(sshwhy(*arguments), USAGE)

    def test_nothing_at_all(self):
        ended = sshwhy()
        self.assertEqual((ended.code, ended.out), (USAGE, ""))
        self.assertIn("Usage: sshwhy COMMAND", ended.err)


class Help(Case):
    def test_help(self):
        for arguments in (["--help"], ["help"], ["probe", "--help"], ["analyze", "--help"], ["explain", "--help"]):
            with self.subTest(arguments=arguments):
                ended = sshwhy(*arguments)
                self.assertEqual((ended.code, ended.err), (HEALTHY, ""))
                self.assertTrue(ended.out.startswith("Usage: sshwhy "), ended.out)
                self.assert_clean(ended)

    def test_version(self):
        for arguments in (["--version"], ["probe", "--version"], ["analyze", "--version"], ["explain", "--version"]):
            with self.subTest(arguments=arguments):
                ended = sshwhy(*arguments)
                self.assertEqual((ended.code, ended.err), (HEALTHY, ""))
                self.assertRegex(ended.out, r"\Asshwhy \d+\.\d+\.\d+\n\Z")

    def test_explain(self):
        listed = sshwhy("explain")
        self.assertEqual((listed.code, listed.err), (HEALTHY, ""))
        rows = [json.loads(line) for line in sshwhy("explain", "--json").lines]
        causes = [row["cause"] for row in rows]
        self.assertIn("nsg.deny", causes)
        for cause in causes:
            with self.subTest(cause=cause):
                ended = sshwhy("explain", cause)
                self.assertEqual((ended.code, ended.err), (HEALTHY, ""))
                self.assertIn(cause, ended.out)
                self.assert_clean(ended)


class Output(Case):
    def test_json_is_one_line(self):
        self.assert_verdict(sshwhy("analyze", "--json", RUN))

    def test_quiet_is_one_line(self):
        self.assertEqual(len(sshwhy("analyze", "-q", RUN).lines), 1)

    def test_full_disk(self):
        for arguments in (
            ["--help"],
            ["--version"],
            ["probe", "--help"],
            ["explain"],
            ["explain", "--json"],
            ["explain", "vm.down"],
            ["analyze", RUN],
            ["analyze", "--json", RUN],
        ):
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                self.assert_one_line_error(sshwhy(*arguments, stdout=full), CANNOT_WRITE)

    def test_closed_pipe(self):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as pipe:
            self.assert_one_line_error(sshwhy("analyze", RUN, stdout=pipe), CANNOT_WRITE)


class Colour(Case):
    def text(self, *arguments, **environment):
        """What a terminal gets."""
        ours, theirs = pty.openpty()
        run = Run("analyze", *arguments, RUN, stdout=theirs, env={**os.environ, "TERM": "xterm", **environment})
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 65536):
                text += chunk
        except OSError:
            pass  # EIO: the other end is closed
        os.close(ours)
        run.end()
        return text.decode()

    def setUp(self):
        self.assertNotIn("NO_COLOR", os.environ)

    def test_auto(self):
        self.assertIn("\x1b[", self.text())
        self.assert_clean(sshwhy("analyze", RUN))

    def test_no_color(self):
        self.assertNotIn("\x1b", self.text(NO_COLOR="1"))
        self.assertIn("\x1b[", self.text(NO_COLOR=""))  # no-color.org: when present and not empty

    def test_options_win(self):
        self.assertNotIn("\x1b", self.text("--color=never"))
        self.assertIn("\x1b[", sshwhy("analyze", "--color=always", RUN).out)
        self.assertIn("\x1b[", self.text("--color=always", NO_COLOR="1"))


class Privilege(Case):
    def probe_as_nobody(self, *arguments):
        """The program where everybody may run it, and no capability."""
        folder = self.folder()
        program = shutil.copy(PROGRAM, folder)
        identity = {"user": support.NOBODY, "group": support.NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(
            [program, "probe", *arguments, "192.0.2.1"], capture_output=True, text=True, cwd=folder, check=False, **identity
        )
        return done, folder

    def test_says_what_is_missing(self):
        done, _ = self.probe_as_nobody()
        self.assertEqual((done.returncode, done.stdout), (NOT_PERMITTED, ""))
        self.assertRegex(done.stderr, r"\Asshwhy: [^\n]*CAP_NET_RAW[^\n]*setcap[^\n]*\n\Z")

    def test_leaves_no_file(self):
        done, folder = self.probe_as_nobody("-w", "run.pcapng")
        self.assertEqual(done.returncode, NOT_PERMITTED)
        self.assertFalse((folder / "run.pcapng").exists())

    def test_senseless_comes_first(self):
        done, _ = self.probe_as_nobody("--vantage", "moon")
        self.assertEqual(done.returncode, USAGE)


if __name__ == "__main__":
    support.main()
