#!/usr/bin/python3
"""Code that takes over while a capture is read: what it can still do."""

import os
import signal
import subprocess
import unittest

import support
from support import AMBIGUOUS, BARE, HARMLESS, PROGRAM, RUN, Case, Run, sshwhy

ACTS = (
    "exec", "fork", "clone", "map-code", "make-code",
    "open-file", "open-folder", "write-file", "write-null", "make-folder", "hide-file",
    "tcp", "udp", "local", "netlink",
    "trace", "read-parent", "signal-parent", "bpf", "io-uring", "unshare", "mount", "dumpable",
)  # fmt: skip


class Intruder(Case):
    def intrude(self, moment, act, *command, **options):
        env = {**os.environ, "LD_PRELOAD": support.INTRUDER, "INTRUDER_AT": moment, "INTRUDER_ACT": act}
        ended = sshwhy(*command, env=env, **options)
        self.assertLessEqual(ended.err.count("intruder:"), 1)
        return ended

    def test_all_can_be_done_elsewhere(self):
        """What follows is proof only of what can be done before the wall stands."""
        for act in ACTS:
            with self.subTest(act=act):
                self.assertIn(f"intruder: {act}: done", self.intrude("start", act, "--version", before=()).err)

    def test_nothing_while_a_capture_is_read(self):
        for act in ACTS:
            for command in (["analyze", RUN], ["explain"]):
                with self.subTest(act=act, command=command):
                    ended = self.intrude("flush", act, *command)
                    refused = f"intruder: {act}: refused" in ended.err
                    self.assertEqual(ended.code == -signal.SIGSYS, not refused, ended.err)


class WithoutSeccomp(Case):
    """A kernel that was built without it: that is said, and all the rest is as ever."""

    def test_a_capture(self):
        plain, without = sshwhy("analyze", RUN), sshwhy("analyze", RUN, before=[*HARMLESS, BARE])
        self.assertEqual((without.code, without.out), (plain.code, plain.out))
        self.assertRegex(without.err, r"^sshwhy: this kernel has no seccomp: [^\n]*\n$")

    def test_landlock_is_for_who_asks_for_everything(self):
        without = sshwhy("analyze", "-v", RUN, before=[*HARMLESS, BARE])
        said = [line.split(":")[1] for line in without.err.splitlines()]
        self.assertEqual(said, [" this kernel has no seccomp", " this kernel has no Landlock"])


class Reading(Case):
    """What is behind the wall works."""

    def test_each_way_in(self):
        plain = sshwhy("analyze", "-q", RUN).out
        folder = self.folder()
        (folder / "link").symlink_to(RUN)
        (folder / "packed.gz").write_bytes(subprocess.run(["gzip", "-c", RUN], check=True, stdout=subprocess.PIPE).stdout)
        os.mkfifo(folder / "fifo")
        writer = subprocess.Popen(["cp", RUN, folder / "fifo"])
        for name in ("link", "packed.gz", "fifo"):
            with self.subTest(name=name):
                ended = sshwhy("analyze", "-q", folder / name)
                self.assertEqual((ended.code, ended.out, ended.err), (AMBIGUOUS, plain, ""))
        self.assertEqual(writer.wait(), 0)
        with open(RUN, "rb") as file:
            self.assertEqual(sshwhy("analyze", "-q", "-", stdin=file).out, plain)
        through_pipe = subprocess.run(
            ["bash", "-c", 'exec "$0" analyze -q <(cat "$1")', PROGRAM, RUN], stdout=subprocess.PIPE, text=True
        )
        self.assertEqual(through_pipe.stdout, plain)

    def test_state(self):
        """A FIFO without end keeps it waiting behind the wall."""
        fifo = self.folder() / "fifo"
        os.mkfifo(fifo)
        run = Run("analyze", fifo)
        with open(fifo, "wb") as file:
            file.write(RUN.read_bytes()[:512])
            file.flush()
            state = support.state_of(run.process.pid, lambda state: state["Seccomp"] == "2")
        run.end()
        self.assertEqual((state["NoNewPrivs"], state["Seccomp"]), ("1", "2"))


if __name__ == "__main__":
    support.main()
