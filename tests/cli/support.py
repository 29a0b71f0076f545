"""What the tests of the command line share: running the program, and what must always hold."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests/lab"))
import commands  # noqa: E402
import laboratory  # noqa: E402

PROGRAM = os.environ.get("SSHWHY", str(ROOT / "build/release/sshwhy"))
INTRUDER = os.environ.get("INTRUDER", str(Path(PROGRAM).parent / "tests/libintruder.so"))
RUN = ROOT / "pcaps/nsg-deny.pcapng"  # a saved run, where a test needs one
NOBODY = 65534
# Before a command: the kernel has neither seccomp nor Landlock.
BARE = str(ROOT / "tests/cli/bare.py")

# Outside a lab the program may not send, not even when a test has gone wrong.
HARMLESS = ("setpriv", "--bounding-set=-net_raw") if os.geteuid() == 0 else ()

# With --all among the words, a test tries all that it knows, for minutes; else what finds most.
ALL = "--all" in sys.argv
sys.argv = [word for word in sys.argv if word != "--all"]

# What may be spent on any input; the sanitizers' own memory and time come on top.
SANITIZED = "ASAN_OPTIONS" in os.environ
MEGABYTES = 64
SECONDS = 100 if SANITIZED else 10  # of the processor

HEALTHY, FAULT, AMBIGUOUS, UNKNOWN = 0, 1, 2, 3
USAGE, MALFORMED, NO_INPUT, UNAVAILABLE, CANNOT_WRITE, NOT_PERMITTED, INTERRUPTED = 64, 65, 66, 69, 73, 77, 130
VERDICTS = {"healthy": HEALTHY, "fault": FAULT, "ambiguous": AMBIGUOUS, "unknown": UNKNOWN}

# ISO 6429's C0 and C1 controls and DEL, but for the newline.
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def limits():
    """preexec_fn: the program is ended when it goes far beyond."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))


class Ended:
    """A process that has ended: exit code, output as text, seconds, megabytes."""

    def __init__(self, process, out, err, started):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = self.code = os.waitstatus_to_exitcode(status)
        self.seconds = time.monotonic() - started
        self.megabytes = usage.ru_maxrss / 1024
        self.raw = read(out)
        self.out, self.err = self.raw.decode(errors="replace"), read(err).decode(errors="replace")
        self.lines = self.out.splitlines()

    def report(self):
        return json.loads(self.out)


def read(file):
    with file:
        file.seek(0)
        return file.read()


class Run:
    """The program, running."""

    def __init__(self, *arguments, before=HARMLESS, stdout=None, **options):
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.started = time.monotonic()
        options = {"stdin": subprocess.DEVNULL, **options}
        self.process = subprocess.Popen(
            [str(word) for word in (*before, PROGRAM, *arguments)],
            stdout=stdout or self.out,
            stderr=self.err,
            **options,
        )

    def send(self, number):
        os.kill(self.process.pid, number)  # it may have ended, but has not been waited for

    def end(self):
        return Ended(self.process, self.out, self.err, self.started)


def sshwhy(*arguments, **options):
    return Run(*arguments, **options).end()


def state_of(pid, is_reached):
    """What /proc says of a process, soon, when it is where it is waited for: {name: value}."""
    deadline = time.monotonic() + 10
    while True:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        state = {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}
        if is_reached(state) or time.monotonic() > deadline:
            return state
        time.sleep(0.01)


class Case(unittest.TestCase):
    """Assertions about one run of the program."""

    def assert_one_line_error(self, ended, code):
        """It says in one line on stderr what is wrong, and nothing on stdout."""
        self.assertEqual((ended.code, ended.out), (code, ""), ended.err)
        self.assertRegex(ended.err, r"\Asshwhy( \w+)?: [^\n]+\n\Z")

    def assert_clean(self, ended):
        """Nothing in what it prints can move a terminal's cursor."""
        ended.raw.decode()  # it is UTF-8
        self.assertIsNone(CONTROL.search(ended.out), ended.out)
        self.assertIsNone(CONTROL.search(ended.err), ended.err)

    def assert_bounded(self, ended):
        """It has come to its own end, within the limits."""
        self.assertGreaterEqual(ended.code, 0, ended.err)
        if not SANITIZED:
            self.assertLess(ended.megabytes, MEGABYTES)

    def assert_reports(self, ended):
        """Whole lines, each a report; returns them."""
        self.assertTrue(ended.out == "" or ended.out.endswith("\n"), ended.out[-80:])
        reports = [json.loads(line) for line in ended.lines]
        for report in reports:
            self.assertEqual(report["schema"], "sshwhy.report/1")
        return reports

    def assert_verdict(self, ended):
        """Exactly one report, and the exit code of its outcome; returns it."""
        reports = self.assert_reports(ended)
        self.assertEqual(len(reports), 1, ended.err)
        self.assertEqual(ended.code, VERDICTS[reports[0]["verdict"]["outcome"]], ended.err)
        return reports[0]

    def folder(self):
        """A folder of the test's own, which everybody may write to."""
        folder = Path(tempfile.mkdtemp(prefix="sshwhy-test-"))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o777)
        return folder


class Lab:
    """A lab of the test's own (tests/lab)."""

    SCRIPT = ROOT / "tests/lab/lab"

    def __init__(self):
        self.name = f"cli{os.getpid()}"
        self.lab = laboratory.Lab(self.name)
        self("up")
        unittest.addModuleCleanup(self, "down")

    def __call__(self, *words):
        return commands.perform(self.lab, *words)

    def on(self, host):
        """What to put before a command for it to run on a host: Run(..., before=lab.on("client"))."""
        return self.lab.on(host)

    def tables(self):
        """The nftables of the client."""
        return self("run", "client", "nft", "list", "tables")


def seldom(test):
    """A test, or a class of them, that takes long and seldom finds what the others do not."""
    return unittest.skipUnless(ALL, "--all")(test)


def main():
    if not Path(PROGRAM).exists():
        sys.exit(f"{PROGRAM} is not there; build it, or name it in SSHWHY")
    unittest.main(verbosity=2)
