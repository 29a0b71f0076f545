#!/usr/bin/python3
"""sshwhy watch in namespaces of its own: what it sees, how it ends, what it keeps. Needs root."""

import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

import support
from support import AMBIGUOUS, INTERRUPTED, PROGRAM, UNAVAILABLE, UNKNOWN, USAGE, Case, Run

LOAD = Path(PROGRAM).parent / "tests/load"
NAME = f"watch{os.getpid()}"
INSIDE = ("ip", "netns", "exec", NAME)
REFUSED = """
import socket
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    with socket.socket(family) as s:
        s.connect_ex((host, 22))
"""


def setUpModule():
    subprocess.run(["ip", "netns", "add", NAME], check=True)
    unittest.addModuleCleanup(subprocess.run, ["ip", "netns", "del", NAME], check=True)
    subprocess.run(["ip", "-n", NAME, "link", "set", "lo", "up"], check=True)


def watch(*arguments):
    running = Run("watch", "-i", "lo", *arguments, before=INSIDE)
    time.sleep(1.5)  # until it listens
    return running


class Watch(Case):
    def refuse(self):
        subprocess.run([*INSIDE, "/usr/bin/python3", "-c", REFUSED], check=True)

    def test_reports(self):
        running = watch("--json", "--duration", "4")
        self.refuse()
        ended = running.end()
        reports = self.assert_reports(ended)
        self.assertEqual({report["target"]["address"] for report in reports}, {"127.0.0.1", "::1"})
        self.assertTrue(all(report["interface"] == "lo" for report in reports))
        self.assertTrue(all(report["evidence"][0]["fact"] == "syn.reset" for report in reports))
        self.assertEqual(ended.code, AMBIGUOUS)

    def test_interrupted(self):
        running = watch("--json")
        self.refuse()
        time.sleep(0.5)
        running.send(signal.SIGINT)
        ended = running.end()
        self.assertEqual((ended.code, len(self.assert_reports(ended))), (INTERRUPTED, 2))

    def test_count(self):
        running = watch("--json", "--count", "2")
        self.refuse()
        self.assertEqual(len(self.assert_reports(running.end())), 1)

    def test_nothing(self):
        self.assert_one_line_error(watch("--duration", "0.2").end(), UNKNOWN)

    def test_ring(self):
        file = self.folder() / "ring.pcapng"
        running = watch("--json", "--duration", "4", "-w", file, "--ring", "2")
        self.refuse()
        live = self.assert_reports(running.end())
        names = sorted(path.name for path in file.parent.iterdir())
        self.assertEqual(names, ["ring-0.pcapng", "ring-1.pcapng"])
        saved = support.sshwhy("analyze", "--json", file.parent / names[0])
        facts = [[row["fact"] for row in report["evidence"]] for report in live]
        self.assertEqual([[row["fact"] for row in r["evidence"]] for r in self.assert_reports(saved)], facts)

    def killed(self, file, call, number, *words):
        """A watch that ends instead of the call of that name and number."""
        trace = ["strace", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
        return Run("watch", "-i", "lo", "-w", file, *words, before=[*INSIDE, *trace])

    def assert_opens(self, file):
        saved = support.sshwhy("analyze", file)
        self.assertEqual((saved.code, "no SSH conversation" in saved.err), (UNKNOWN, True), saved.err)

    def test_ring_whose_watch_is_killed_when_it_begins(self):
        """A file is a capture, as it was before, or empty for the moment between two calls."""
        runs = []
        for call, number in (*(("ftruncate", n) for n in (1, 2, 3)), *(("write", n) for n in range(1, 7))):
            file = self.folder() / "ring.pcapng"
            (file.parent / "ring-1.pcapng").write_bytes(b"older")
            runs.append((file, self.killed(file, call, number, "--duration", "3", "--ring", "3")))
        empty = 0
        for file, run in runs:
            self.assertEqual(run.end().code, -signal.SIGKILL)
            for index, before in enumerate((b"", b"older", b"")):
                file = file.with_name(f"ring-{index}.pcapng")
                if file.read_bytes() not in (b"", before):
                    self.assert_opens(file)
                empty += file.read_bytes() == b"" != before
        self.assertEqual(empty, 1)

    def test_ring_whose_watch_is_killed_when_it_turns(self):
        runs = []
        for call, number in (("ftruncate", 2), ("write", 3000), ("write", 9800)):
            file = self.folder() / "ring.pcapng"
            runs.append((file, self.killed(file, call, number, "--duration", "20", "--ring", "1", "--ring-size", "1")))
        time.sleep(2)
        subprocess.run([*INSIDE, LOAD, "lo", "8000", "2", "syn"], check=True, stdout=subprocess.DEVNULL)
        for file, run in runs:
            self.assertEqual(run.end().code, -signal.SIGKILL)
            self.assert_opens(file)

    def test_flood_of_syns(self):
        """To other ports: some are lost, which is said; then they no longer push SSH out."""
        running = watch("--json", "--duration", "6")
        running.send(signal.SIGSTOP)
        subprocess.run([*INSIDE, LOAD, "lo", "1000000", "1", "syn"], check=True, stdout=subprocess.DEVNULL)
        running.send(signal.SIGCONT)
        time.sleep(0.5)
        self.refuse()
        ended = running.end()
        reports = {report["target"]["address"]: report for report in self.assert_reports(ended)}
        self.assertEqual(set(reports), {"127.0.0.1", "::1"})
        self.assertRegex(" ".join(reports["::1"]["not_observed"]), r"the capture lost [1-9]\d* frames")
        self.assertRegex(ended.err, r"[1-9]\d* frames were lost; SYNs to other ports than SSH's were left out then")

    def intrude(self, moment, act):
        """What code that takes over then can do to the filter of what is captured, when frames are lost."""
        words = [f"LD_PRELOAD={support.INTRUDER}", f"INTRUDER_AT={moment}", f"INTRUDER_ACT={act}"]
        running = Run("watch", "-i", "lo", "--json", "--duration", "4", before=[*INSIDE, "env", *words])
        time.sleep(1.5)
        running.send(signal.SIGSTOP)
        subprocess.run([*INSIDE, LOAD, "lo", "1000000", "1", "syn"], check=True, stdout=subprocess.DEVNULL)
        running.send(signal.SIGCONT)
        return running.end().err

    def test_the_filter_is_locked_when_it_is_narrow(self):
        self.assertIn("intruder: all-filter: done", self.intrude("poll", "all-filter"))  # not yet
        for act in ("all-filter", "no-filter"):
            self.assertIn(f"intruder: {act}: refused", self.intrude("locked", act))

    def test_usage(self):
        for words in ((), ("-i", "lo", "more"), ("-i", "lo", "--ring", "0"), ("-i", "lo", "--count", "x")):
            self.assert_one_line_error(support.sshwhy("watch", *words), USAGE)
        self.assert_one_line_error(Run("watch", "-i", "nowhere", before=INSIDE).end(), UNAVAILABLE)


if __name__ == "__main__":
    support.main()
