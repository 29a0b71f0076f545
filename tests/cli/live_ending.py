#!/usr/bin/python3
"""However a probe ends, what it wrote is whole, and nothing of it stays behind.

  live_ending.py [--all]    killed at each call that writes, not at some: minutes
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import support
from support import ALL, CANNOT_WRITE, INTERRUPTED, RUN, Case, Lab, Run, sshwhy, state_of

VM = "20.99.0.4"
MOMENTS = (0.0, 0.2, 0.5, 1.2) if ALL else (0.0, 0.5)  # the probe of silence takes longer


def setUpModule():
    global lab
    lab = Lab()
    lab("break", "nsg-deny")


def processes():
    """Those in the client's network."""
    return subprocess.run(
        ["ip", "netns", "pids", f"{lab.name}-client"], check=True, capture_output=True, text=True
    ).stdout


def probe(*arguments, **options):
    return Run("probe", "--json", *arguments, VM, before=lab.on("client"), **options)


class Interrupted(Case):
    def test_whole_report_and_130(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for moment in MOMENTS:
                self.assert_interrupted(moment, number)
        self.assert_interrupted(0.5, signal.SIGHUP)
        self.assert_interrupted(0.5, signal.SIGQUIT)

    def test_impatience(self):
        """Whatever comes while it finishes does no harm."""
        self.assert_interrupted(0.5, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)

    def assert_interrupted(self, moment, *numbers):
        with self.subTest(signals=numbers, moment=moment):
            save = self.folder() / "run.pcapng"
            run = probe("-w", save)
            wait_for_start(run)
            time.sleep(moment)
            for number in numbers:
                run.send(number)
            ended = run.end()
            self.assertEqual((ended.code, ended.err), (INTERRUPTED, ""))
            (report,) = self.assert_reports(ended)
            again = json.loads(sshwhy("analyze", "--json", save).out)
            self.assertEqual(again["verdict"], report["verdict"])
            self.assertEqual(lab.tables(), "")

    def test_nohup(self):
        run = Run("probe", "--json", "--timeout", "0.5", VM, before=[*lab.on("client"), "nohup"])
        wait_for_start(run)
        run.send(signal.SIGHUP)
        ended = run.end()
        self.assertNotEqual(ended.code, INTERRUPTED)
        self.assertEqual(len(self.assert_reports(ended)), 1)


class Suspended(Case):
    """Stopped and continued, as a shell's job control does: calls with a time limit are broken off by it."""

    def test_it_goes_on(self):
        for turn in range(8):
            with self.subTest(turn=turn):
                run = probe("--timeout", "0.2")
                for _ in range(1000):
                    run.send(signal.SIGSTOP)
                    run.send(signal.SIGCONT)
                    time.sleep(0.0003)
                ended = run.end()
                self.assertEqual(ended.err, "")
                self.assertEqual(len(self.assert_reports(ended)), 1)


class InterruptedResolver(Case):
    def interrupt(self):
        run = Run("probe", "--json", "vm.example", before=lab.on("client"))
        time.sleep(1.3)  # the name server is silent for two seconds
        run.send(signal.SIGINT)
        return run.end()

    def setUp(self):
        lab("break", "client-dns-silent")

    def tearDown(self):
        lab("heal")
        lab("break", "nsg-deny")

    def test_whole_report_and_130(self):
        ended = self.interrupt()
        self.assertEqual((ended.code, len(self.assert_reports(ended))), (INTERRUPTED, 1))

    def test_names_no_cause(self):
        self.assertEqual(self.interrupt().report()["verdict"]["outcome"], "unknown")


def wait_for_start(run):
    """Until the probe has begun: it is behind its wall."""
    state_of(run.process.pid, lambda state: state["Seccomp"] == "2")


class NothingStays(Case):
    def setUp(self):
        self.assert_nothing_left()

    def assert_nothing_left(self):
        """Soon: children of the killed process may take a moment to follow it."""
        deadline = time.monotonic() + 5
        while processes() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual((processes(), lab.tables()), ("", ""))


class Killed(NothingStays):
    def test_no_table_stays(self):
        for moment in MOMENTS:
            with self.subTest(moment=moment):
                run = probe()
                wait_for_start(run)
                time.sleep(moment)
                run.send(signal.SIGKILL)
                ended = run.end()
                self.assertEqual((ended.code, ended.out), (-signal.SIGKILL, ""))
                self.assert_nothing_left()

    def test_saved_run_is_intact_or_opens(self):
        """Killed at any time, the moments of writing above all."""
        dice = random.Random(3)
        old = RUN.read_bytes()
        save = self.folder() / "run.pcapng"
        for turn in range(16):
            if turn % 2:
                save.write_bytes(old)
            else:
                save.unlink(missing_ok=True)
            run = probe("-w", save, "--timeout", "0.2")
            time.sleep(dice.uniform(0.1, 0.7))
            run.send(signal.SIGKILL)
            run.end()
            if save.exists() and save.read_bytes() != old:
                self.assert_verdict(sshwhy("analyze", "--json", save))
        self.assert_nothing_left()

    def traced(self, save, *options):
        """A probe that writes its run, and the calls with which it does."""
        calls = ["strace", "-o", self.folder() / "calls", "-e", "trace=write,ftruncate", *options]
        arguments = ("probe", "--json", "--timeout", "0.2", "-w", save, VM)
        return calls[2], Run(*arguments, before=[*lab.on("client"), *calls])

    def killed_at(self, calls, old):
        """What is left where it is killed instead of its write or ftruncate number ...: {(name, number): what}"""
        left, runs = {}, {}
        for call, number in calls:
            save = self.folder() / "run.pcapng"
            if old:
                save.write_bytes(old)
            runs[call, number] = save, self.traced(save, "-e", f"inject={call}:signal=KILL:when={number}")[1]
        for call, (save, run) in runs.items():
            run.end()
            left[call] = save.read_bytes() if save.exists() else None
            if left[call] not in (None, b"", old):
                self.assert_verdict(sshwhy("analyze", "--json", save))
                left[call] = "opens"
        return left

    def test_saved_run_opens_wherever_the_probe_is_killed(self):
        """At the first calls that change the file, at the last, when it is written anew, and at some between."""
        calls, run = self.traced(self.folder() / "run.pcapng")
        run.end()
        writes = sum(line.startswith("write(") for line in calls.read_text().splitlines())
        dice = random.Random(4)
        some = {*range(1, 4), *range(writes - 6, writes), *(dice.randint(4, writes - 7) for _ in range(5))}
        chosen = [("write", number) for number in (range(1, writes) if ALL else some)]
        for old in (None, RUN.read_bytes()):
            with self.subTest(old=old is not None):
                left = self.killed_at([*chosen, ("ftruncate", 1), ("ftruncate", 2)], old)
                self.assertIn("opens", left.values())
                self.assertLessEqual(list(left.values()).count(b""), 1, left)  # before the first of all writes
        self.assert_nothing_left()

    def test_saved_run_holds_what_came(self):
        save = self.folder() / "run.pcapng"
        run = probe("-w", save)
        wait_for_start(run)
        time.sleep(1)
        run.send(signal.SIGKILL)
        run.end()
        report = self.assert_verdict(sshwhy("analyze", "--json", save))
        self.assertIn("the rest of the plan: the saved run was cut short", report["not_observed"])
        self.assertEqual((report["target"]["address"], report["interface"]), (VM, "eth0"))
        self.assertLess(report["duration_seconds"], 1.5)
        self.assertIn("out.leaves", [row["fact"] for row in report["evidence"]])
        if shutil.which("tshark"):
            read = subprocess.run(["tshark", "-r", save], check=True, capture_output=True, text=True)
            self.assertGreater(len(read.stdout.splitlines()), 10)


class InterfaceGone(Case):
    """It goes while it is used: that is no fact about the network, and none about this machine."""

    def assert_told(self, break_it, moment, fault):
        with self.subTest(break_it=break_it, moment=moment, fault=fault):
            lab("heal")
            lab("break", fault)
            save = self.folder() / "run.pcapng"
            run = probe("-w", save)
            wait_for_start(run)
            time.sleep(moment)
            subprocess.run(["ip", "-n", f"{lab.name}-client", "link", *break_it], check=True)
            ended = run.end()
            report = self.assert_verdict(ended)
            self.assertEqual(ended.err, "")
            self.assertRegex(" ".join(report["not_observed"]), "the rest of the plan: eth0 went down")
            self.assertNotRegex(report["verdict"]["cause"], "client")
            facts = {row["fact"] for row in report["evidence"]}
            self.assertEqual({f for f in facts if f.startswith(("out.", "route."))}, {"out.leaves", "route.ok"})
            again = json.loads(sshwhy("analyze", "--json", save).out)
            self.assertEqual(again["verdict"], report["verdict"])

    def test_a_report_of_what_was_found(self):
        self.addCleanup(lab, "break", "nsg-deny")
        self.addCleanup(lab, "up")
        self.addCleanup(lab, "down")
        self.assert_told(("set", "eth0", "down"), 0.1, "nsg-deny")
        self.assert_told(("set", "eth0", "down"), 1, "vm-sshd-hung-silent")
        self.assert_told(("del", "eth0"), 0.2, "nsg-deny")


PROXY = """
    Host *
        ProxyCommand sh -c "setsid sleep 1000 & grep -E '^(Uid|Cap|NoNewPrivs)' /proc/self/status >{said}; sleep 1001"
"""
CALLERS = {  # who calls the program, and whose configuration it reads
    "ann": (["env", "SUDO_UID=20022", "SUDO_GID=20022", "SUDO_USER=ann"], "/run/ann", 20022),
    **({"root": ([], "/run/home", support.NOBODY)} if ALL else {}),
}


class EndlessProxy(NothingStays):
    """A ProxyCommand that says nothing and does not end: it has no privilege, and nothing of it stays."""

    def start(self, caller, *arguments):
        before, home, _ = CALLERS[caller]
        self.said = self.folder() / "said"
        self.addCleanup(lab, "run", "client", "rm", "-f", f"{home}/.ssh/config")
        config = PROXY.format(said=self.said)
        lab("run", "client", "sh", "-c", f'echo "$1" >{home}/.ssh/config', "sh", config)
        lab("run", "client", "chown", f"--reference={home}", f"{home}/.ssh/config")
        run = Run("probe", "--json", *arguments, VM, before=[*lab.on("client"), *before])
        self.addCleanup(self.kill_what_is_left)
        deadline = time.monotonic() + 10
        while not self.said.exists():  # until the command runs
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        return run

    def kill_what_is_left(self):
        for pid in processes().split():
            os.kill(int(pid), signal.SIGKILL)

    def end(self, run, seconds):
        """How it ended, which it must in time."""
        deadline = time.monotonic() + seconds
        while os.waitid(os.P_PID, run.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            self.assertLess(time.monotonic(), deadline, "it goes on")
            time.sleep(0.01)
        return run.end()

    def test_the_probe_ends(self):
        for caller, (_, _, number) in CALLERS.items():
            with self.subTest(caller=caller):
                run = self.start(caller)
                self.assert_verdict(self.end(run, 15))
                status = dict(line.split(":") for line in self.said.read_text().splitlines())
                self.assertEqual(set(status.pop("Uid").split()), {str(number)})
                self.assertEqual(int(status.pop("NoNewPrivs")), 1)
                for name, capabilities in status.items():
                    self.assertEqual(int(capabilities, 16), 0, name)
                self.assert_nothing_left()

    def test_a_signal_ends_it(self):
        for caller in CALLERS:
            with self.subTest(caller=caller):
                run = self.start(caller)
                time.sleep(3.2)  # the plan is over, the command is waited for
                run.send(signal.SIGTERM)
                ended = self.end(run, 2)
                self.assertEqual((ended.code, len(self.assert_reports(ended))), (INTERRUPTED, 1))
                self.assert_nothing_left()

    def test_the_time_is_kept(self):
        """Nothing is made of a command that had no time to answer."""
        for caller in CALLERS:
            with self.subTest(caller=caller):
                run = self.start(caller, "--timeout", "1")
                ended = self.end(run, 3)
                report = self.assert_verdict(ended)
                self.assertIn("the way through the proxy: the time was over", " ".join(report["not_observed"]))
                self.assertNotEqual(report["verdict"]["cause"], "client.proxy")
                self.assert_nothing_left()

    def test_nothing_outlives_a_killed_probe(self):
        for caller in CALLERS:
            with self.subTest(caller=caller):
                run = self.start(caller)
                time.sleep(1)
                run.send(signal.SIGKILL)
                self.assertEqual(self.end(run, 2).code, -signal.SIGKILL)
                self.assert_nothing_left()


class Unwritable(Case):
    def test_full_standard_output(self):
        for form in ("--json", "--quiet", "--verbose"):
            with self.subTest(form=form), open("/dev/full", "wb") as full:
                ended = sshwhy("probe", "--timeout", "0.5", form, VM, before=lab.on("client"), stdout=full)
                self.assert_one_line_error(ended, CANNOT_WRITE)

    def test_no_place_for_the_run(self):
        folder = self.folder()
        for place in (folder / "none/run.pcapng", folder, "/proc/run.pcapng"):
            with self.subTest(place=place):
                self.assert_one_line_error(probe("-w", place).end(), CANNOT_WRITE)

    def on_full_disk(self, script):
        """What the probe says there, its exit code, what `script` says of $1/run.pcapng."""
        around = f"""
            mount -t tmpfs -o size=48k none "$1" && cp "$2" "$1/run.pcapng" || exit 99
            [ $6 = old ] || rm "$1/run.pcapng"
            cat /dev/zero >"$1/rest" 2>/dev/null
            "$3" probe --json -w "$1/run.pcapng" "$4" 2>"$5"
            echo $?
            {script}
        """
        folder = self.folder()
        old = folder / "old"
        old.write_bytes(RUN.read_bytes()[:4096])
        (folder / "disk").mkdir()
        words = [folder / "disk", old, support.PROGRAM, VM, folder / "said"]
        for which in ("old", "new"):
            done = subprocess.run(
                [*lab.on("client"), "unshare", "--mount", "sh", "-c", around, "sh", *words, which],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            report, code, said = done.stdout.splitlines()
            self.assertEqual(json.loads(report)["verdict"]["outcome"], "ambiguous")
            self.assertEqual(int(code), CANNOT_WRITE)
            self.assertRegex((folder / "said").read_text(), r"\Asshwhy: [^\n]*No space left on device\n\Z")
            yield said

    def test_full_disk_for_the_run(self):
        """The verdict is told all the same; the run of before is still there, and no empty one."""
        script = """cmp -s "$1/run.pcapng" "$2" && echo intact || { ls "$1" | tr "\\n" " "; echo; }"""
        self.assertEqual(list(self.on_full_disk(script)), ["intact", "rest "])


if __name__ == "__main__":
    support.main()
