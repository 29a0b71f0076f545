#!/usr/bin/python3
"""sshwhy ssh: the person's own ssh works as ever beside it, and is explained where it fails.

  live_ssh.py [--all]    with what seldom finds more; a gigabyte through a pipe: minutes
"""

import errno
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

import support
from support import PROGRAM, USAGE, Case, Lab, seldom, sshwhy

VM, BEHIND = "20.99.0.4", "10.1.0.5"
PERSON = 20022  # ann
QUIET = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
         "LogLevel=ERROR")


def setUpModule():
    global lab
    lab = Lab()


def as_ann():
    return [*lab.on("client"), "env", f"SUDO_UID={PERSON}"]


def ssh(*words, options=(), before=None, **others):
    """As ann, who has called sudo."""
    return sshwhy("ssh", *options, "--", *QUIET, *words, before=before or as_ann(), **others)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def soon(find, seconds=10):
    deadline = time.monotonic() + seconds
    while not (found := find()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def below(pid):
    """All processes that come of it."""
    found = [pid]
    for one in found:
        try:
            found += children(one)
        except FileNotFoundError:
            pass
    return found


def named(pid, name):
    return next((one for one in below(pid) if name_of(one) == name), None)


class Works(Case):
    @classmethod
    def setUpClass(cls):
        lab("break", "healthy-auth")

    @classmethod
    def tearDownClass(cls):
        lab("heal")

    def test_silently(self):
        """Nothing is printed or written, and the code is that of the remote command; 255 too."""
        file = self.folder() / "report.json"
        for code in (0, 7, 255):
            ended = ssh(f"ann@{VM}", f"echo said; exit {code}", options=("--report", file))
            self.assertEqual((ended.code, ended.out, ended.err, file.exists()), (code, "said\n", "", False))

    def test_through_anothers_connection(self):
        """A session within a master's (ControlMaster) has no connection; 255 is what its command ended with."""
        for before in (as_ann(), lab.on("client")):
            path = self.folder() / "master"
            words = ("-o", "ControlMaster=auto", "-o", f"ControlPath={path}", "-o", "ControlPersist=20", f"ann@{VM}")
            if before != as_ann():
                words = ("-i", "/run/ann/.ssh/id_ed25519", *words)
            for code in (0, 3, 255):
                ended = ssh(*words, f"exit {code}", before=before)
                self.assertEqual((ended.code, ended.out, ended.err), (code, "", ""))
            ended = ssh("-O", "exit", *words, before=before)
            self.assertEqual(ended.code, 0, ended.err)

    def test_killed_by_a_signal(self):
        running = support.Run("ssh", "--", *QUIET, f"ann@{VM}", "echo up; sleep 30", before=as_ann())
        soon(lambda: running.out.seek(0, 2))
        program = named(running.process.pid, "ssh")
        os.kill(program, signal.SIGKILL)
        self.assertEqual(running.end().code, 128 + signal.SIGKILL)

    @seldom
    def test_is_told_to_end(self):
        running = support.Run("ssh", "--", *QUIET, f"ann@{VM}", "echo up; sleep 30", before=as_ann())
        soon(lambda: running.out.seek(0, 2))
        program = named(running.process.pid, "ssh")
        os.kill(int(open(f"/proc/{program}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()[1]), signal.SIGTERM)
        ended = running.end()
        self.assertEqual(ended.code, 255 if ended.code == 255 else 128 + signal.SIGTERM)
        self.assertLess(ended.seconds, 20)

    @seldom
    def test_what_makes_no_connection(self):
        told = sshwhy("ssh", "--", "-G", "vm.example", before=as_ann())
        self.assertEqual((told.code, "hostname vm.example" in told.lines), (0, True))
        self.assertIn("user ann", told.lines)

    @seldom
    def test_options_behind_the_host(self):
        ended = ssh("-l", "ann", VM, "-T", "-4", "id", "-un")
        self.assertEqual((ended.code, ended.out, ended.err), (0, "ann\n", ""))

    def through(self, size):
        """What goes in comes out again; the digests are of what was sent, and of what came."""
        block = os.urandom(1 << 20)
        sent, heard = hashlib.sha256(), hashlib.sha256()
        words = [str(word) for word in (*as_ann(), PROGRAM, "ssh", "--", *QUIET, f"ann@{VM}", "cat")]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            writer = os.fork()
            if writer == 0:
                running.stdout.close()
                for _ in range(size):
                    running.stdin.write(block)
                running.stdin.close()
                os._exit(0)
            running.stdin.close()
            watcher = soon(lambda: named(running.pid, "sshwhy: watcher"))
            spent = 0
            for _ in range(size):
                sent.update(block)
            while piece := running.stdout.read(1 << 16):
                heard.update(piece)
                spent = max(spent, self.ticks(watcher))
            os.waitpid(writer, 0)
            self.assertEqual((running.wait(), running.stderr.read()), (0, b""))
        self.assertEqual(heard.hexdigest(), sent.hexdigest())
        return spent / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def ticks(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])
        except OSError:
            return 0

    def test_bytes_through_a_pipe(self):
        self.assertLess(self.through(64), 1)

    @seldom
    def test_a_gigabyte(self):
        self.assertLess(self.through(1024), 1)

    def test_lives_on(self):
        """sshwhy is killed in the middle: ssh goes on to its end, and nothing else of it is left."""
        out = tempfile.TemporaryFile()
        words = [str(word) for word in (*as_ann(), PROGRAM, "ssh", "--", *QUIET, f"ann@{VM}", "echo up; cat; echo end")]
        running = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT)
        try:
            soon(lambda: os.fstat(out.fileno()).st_size)
            program = named(running.pid, "ssh")
            helpers = [named(running.pid, name) for name in ("sshwhy: watcher", "sshwhy: prober")]
            self.assertTrue(program and all(helpers))
            parent = int(open(f"/proc/{program}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()[1])
            os.kill(parent, signal.SIGKILL)
            gone = soon(lambda: not any(name_of(one).startswith("sshwhy") for one in helpers))
            self.assertTrue(gone)
            self.assertEqual(name_of(program), "ssh")
            running.stdin.write(b"more\n")
            running.stdin.close()
            soon(lambda: name_of(program) != "ssh")
        finally:
            running.wait()
        out.seek(0)
        self.assertEqual(out.read(), b"up\nmore\nend\n")

    def test_privileges(self):
        """Whoever waits for ssh, and whoever reads packets, is ann, without a capability."""
        running = support.Run("ssh", "--", *QUIET, f"ann@{VM}", "echo up; sleep 5", before=as_ann())
        soon(lambda: running.out.seek(0, 2))
        program = named(running.process.pid, "ssh")
        parent = int(open(f"/proc/{program}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()[1])
        for pid in (program, parent, named(running.process.pid, "sshwhy: watcher")):
            state = support.state_of(pid, lambda state: True)
            self.assertEqual((set(state["Uid"].split()), int(state["CapEff"], 16), int(state["CapPrm"], 16)),
                             ({str(PERSON)}, 0, 0), name_of(pid))
        self.assertEqual(running.end().code, 0)


class Terminal(Case):
    """What is typed goes to ssh, and its terminal is the person's."""

    def setUp(self):
        lab("break", "healthy-auth")
        self.addCleanup(lab, "heal")
        self.heard = b""
        pid, self.terminal = pty.fork()
        if pid == 0:
            words = ["sh", "-i"]  # a shell with job control, as ann would have
            os.environ.update(PS1="prompt% ", ENV="")
            os.execvp(lab.on("client")[0], [str(word) for word in (*as_ann(), *words)])
        self.shell = pid
        self.resize(40, 100)
        self.expect("prompt% ")

    def tearDown(self):
        for pid in reversed(below(self.shell)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.close(self.terminal)
        os.waitpid(self.shell, 0)

    def resize(self, rows, columns):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.terminal, text.encode())

    def expect(self, text, seconds=15):
        deadline = time.monotonic() + seconds
        while not (found := re.search(text.encode(), self.heard)):
            ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                self.fail(f"{text!r} does not come; heard: {self.heard!r}")
            try:
                self.heard += os.read(self.terminal, 4096)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                self.fail(f"{text!r} does not come; heard: {self.heard!r}")
        self.heard = self.heard[found.end():]

    def log_in(self, *words):
        self.type(" ".join(map(str, (PROGRAM, "ssh", "--", *QUIET, "-tt", *words, f"ann@{VM}", "sh -i"))) + "\n")
        self.expect(r"\$ ")

    def test_window(self):
        self.log_in()
        self.type("stty size\n")
        self.expect("40 100")
        self.resize(33, 77)
        time.sleep(0.5)
        self.type("stty size\n")
        self.expect("33 77")
        self.type("exit 5\n")
        self.expect("prompt% ")
        self.type("echo code $?\n")
        self.expect("code 5")

    def test_ctrl_c_goes_through(self):
        """It ends the remote command, neither ssh nor sshwhy."""
        self.log_in()
        self.type("sleep 100\n")
        time.sleep(1)
        self.type("\x03")
        self.expect(r"\$ ")
        self.type("echo still $((40 + 2))\n")
        self.expect("still 42")
        self.type("exit\n")
        self.expect("prompt% ")

    def test_suspended_by_escape(self):
        """~^Z stops ssh by itself: the shell gets its prompt, and fg goes on."""
        self.log_in()
        self.type("\r")
        time.sleep(0.3)
        self.type("~\x1a")
        self.expect("prompt% ")
        self.type("fg\n")
        time.sleep(1)
        self.type("\recho back $((40 + 2))\n")
        self.expect("back 42")
        self.type("exit\n")
        self.expect("prompt% ")

    @seldom
    def test_suspended_without_a_terminal_of_its_own(self):
        self.type(" ".join(map(str, (PROGRAM, "ssh", "--", *QUIET, f"ann@{VM}", "'echo up; sleep 3; echo done'"))) + "\n")
        self.expect("\r\nup")
        self.type("\x1a")
        self.expect("prompt% ")
        self.type("fg\n")
        self.expect("\r\ndone")
        self.expect("prompt% ")

    @seldom
    def test_ctrl_c_ends_ssh_and_the_waiting(self):
        lab("break", "nsg-deny")
        self.type(" ".join(map(str, (PROGRAM, "ssh", "--", *QUIET, VM))) + "\n")
        time.sleep(1.5)
        self.type("\x03")
        self.expect("prompt% ", 3)
        self.type("echo code $?\n")
        self.expect("code 130")


# What others do meanwhile: again and again they connect to where ssh does, and give up.
OTHERS = """
import socket, sys, time
while True:
    s = socket.socket()
    s.settimeout(float(sys.argv[2]))
    try:
        s.connect((sys.argv[1], 22))
        s.sendall(b"SSH-2.0-other\\r\\n")
        s.recv(4096)
    except OSError:
        pass
    s.close()
"""


class Fails(Case):
    def tearDown(self):
        lab("heal")

    def connect_beside(self, seconds):
        words = [*lab.on("client"), "python3", "-c", OTHERS, VM, seconds]
        beside = subprocess.Popen([str(word) for word in words])
        self.addCleanup(lambda: (beside.kill(), beside.wait()))

    def explained(self, fault, words, cause, *more, options=(), target=VM):
        """The code is ssh's, and stderr names the cause, in the first line of the report."""
        if fault:
            lab("break", *fault.split())
        file, run = self.folder() / "report.json", self.folder() / "run.pcapng"
        ended = ssh(*words, *more, target, "true", options=("--report", file, "-w", run, *options))
        self.assertEqual((ended.code, ended.out), (255, ""), ended.err)
        self.assertRegex(ended.err, rf"(?m)^sshwhy: ssh (has failed|stands still)")
        report = json.loads(file.read_text())
        self.assertEqual(report["schema"], "sshwhy.report/1")
        self.assertEqual(report["verdict"]["cause"], cause, ended.err)
        if cause != "unknown":
            self.assertRegex(ended.err, rf"(?m)^(FAULT|AMBIGUOUS) .* {re.escape(cause)}, source \d")
        again = sshwhy("analyze", "--json", run)
        self.assertEqual(again.report()["verdict"]["cause"] if cause != "unknown" else "unknown", cause)
        return report, ended

    @seldom
    def test_client(self):
        report, _ = self.explained("client-firewall-out-drop", ("-o", "ConnectTimeout=4"), "client.firewall.out")
        self.assertEqual(report["connection"]["verdict"]["cause"], "unknown")

    def test_edge(self):
        report, ended = self.explained("edge-firewall-drop", ("-o", "ConnectTimeout=5"), "edge.firewall")
        self.assertIn("its own connection: ", ended.err)
        self.assertEqual(report["connection"]["evidence"][0]["fact"], "syn.silent")

    @seldom
    def test_nsg(self):
        self.explained("nsg-deny", ("-o", "ConnectTimeout=4"), "nsg.deny")

    def test_sshd_down(self):
        self.explained("vm-sshd-down", (), "vm.sshd-down")

    @seldom
    def test_sshd_hung(self):
        """It is explained while ssh still waits."""
        _, ended = self.explained("vm-sshd-hung-silent", ("-o", "ConnectTimeout=9"), "vm.sshd-hung",
                                  options=("--patience", "4"))
        self.assertIn("ssh stands still", ended.err)

    def test_login_refused(self):
        report, _ = self.explained("vm-auth", (), "vm.auth", target=f"ann@{VM}")
        self.assertEqual(report["connection"]["verdict"]["outcome"], "unknown")  # and not healthy

    @seldom
    def test_name(self):
        self.explained("", (), "client.dns", target="gone.example")

    @seldom
    def test_key_that_ssh_does_not_take(self):
        """It ends by its own decision: no healthy way makes that healthy."""
        words = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=/dev/null", VM)
        file = self.folder() / "report.json"
        ended = sshwhy("ssh", "--report", file, "--", *words, before=as_ann())
        verdict = json.loads(file.read_text())["verdict"]
        self.assertEqual((ended.code, verdict["outcome"], verdict["cause"]), (255, "unknown", "unknown"))
        self.assertIn("ssh itself ended its connection", verdict["summary"])

    @seldom
    def test_command_line(self):
        ended = ssh("-o", "NoSuchOption=1", VM)
        self.assertEqual(ended.code, 255)
        self.assertRegex(ended.err, "sshwhy: ssh has failed; ssh does not take its own command line or configuration")

    def test_first_leg(self):
        """The jump host is what ssh connects to: a fault there is told of it, and what lies beyond is not."""
        lab("break", "vm-sshd-down")
        self.explained("", ("-J", VM), "vm.sshd-down", target="10.1.0.5")

    def configure_ann(self, text):
        lab("run", "client", "sh", "-c", f"printf '%s' '{text}' >/run/ann/.ssh/config; chown {PERSON} /run/ann/.ssh/config")
        self.addCleanup(lab, "run", "client", "rm", "-f", "/run/ann/.ssh/config")

    def over_a_jump_host(self, *words):
        file = self.folder() / "report.json"
        ended = ssh("-J", f"ann@{VM}", *words, "true", options=("--report", file))
        self.assertEqual((ended.code, ended.out), (255, ""), ended.err)
        return json.loads(file.read_text()), re.sub(r"\s+", " ", ended.err)

    TRUSTING = "Host *\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n"

    def test_behind_the_jump_host(self):
        """What ssh says of the way on is quoted; and a server that answers there is said to."""
        lab("break", "healthy-auth")
        self.configure_ann(self.TRUSTING)
        report, err = self.over_a_jump_host("-p", "23", BEHIND)
        self.assertIn('ssh says "channel 0: open failed: connect failed: Connection refused"', err)
        self.assertIn("Connection refused", report["verdict"]["summary"])
        self.assertEqual((report["verdict"]["outcome"], report["verdict"]["cause"]), ("unknown", "unknown"))
        report, err = self.over_a_jump_host(f"ann@{BEHIND}")
        for said in (report["verdict"]["summary"], err):
            self.assertIn(f"the first leg, to the jump host {VM}, is well, and through it {BEHIND} answers", said)
        self.assertEqual(report["verdict"]["outcome"], "unknown")
        probed = sshwhy("probe", "--json", "-J", f"ann@{VM}", BEHIND, before=as_ann()).report()
        self.assertEqual((probed["verdict"]["outcome"], probed["also"]), ("healthy", []))

    def test_key_of_the_jump_host(self):
        lab("break", "healthy-auth")
        report, err = self.over_a_jump_host(f"ann@{BEHIND}")
        self.assertIn(f"its own connection: on the first leg, to the jump host {VM}, ssh itself ended", err)
        self.assertIn('ssh says "Host key verification failed."', report["verdict"]["summary"])
        self.assertEqual(report["connection"]["causes"], [])

    def test_circle(self):
        """Of jump hosts: ssh starts one ssh after another; here one that is played starts none."""
        lab("break", "healthy-auth")
        self.configure_ann(f"Host one\n ProxyJump two\nHost two\n ProxyJump one\nHost self\n HostName {VM}\n ProxyJump self\n")
        folder = self.folder()
        (folder / "ssh").write_text('#!/bin/sh\ncase $1 in -G) exec /usr/bin/ssh "$@";; esac\nsleep 1; exit 255\n')
        (folder / "ssh").chmod(0o755)
        for host in ("one", "self"):
            ended = sshwhy("ssh", "--", host, before=[*as_ann(), f"PATH={folder}:{os.environ['PATH']}"])
            self.assertEqual(ended.code, 255)
            self.assertRegex(ended.err, rf"\Asshwhy: ssh stands still; its ProxyJump leads in a circle, from {host} .*\n\Z")

    def test_without_the_right_to_capture(self):
        lab("break", "vm-sshd-down")
        before = [*lab.on("client"), "setpriv", f"--reuid={PERSON}", f"--regid={PERSON}", "--clear-groups"]
        ended = ssh(VM, before=before)
        self.assertEqual(ended.code, 255)
        self.assertRegex(ended.err, r"(?m)^sshwhy: ssh has failed; its connection was not watched: CAP_NET_RAW is missing")
        self.assertIn("a connection fails: Connection refused", re.sub(r"\s+", " ", ended.err))

    @seldom
    def test_large_packets_vanish(self):
        """ssh waits for ever, though the server spoke last: what it sent itself does not arrive."""
        lab("break", "edge-mtu")
        running = support.Run("ssh", "--patience", "4", "--", *QUIET, VM, before=as_ann())
        told = soon(lambda: os.fstat(running.err.fileno()).st_size, 20)
        time.sleep(0.5)
        program = named(running.process.pid, "ssh")
        os.kill(program, signal.SIGTERM)
        ended = running.end()
        self.assertTrue(told)
        self.assertRegex(ended.err, r"\Asshwhy: ssh stands still; .*\n(FAULT|AMBIGUOUS) .* edge\.mtu, source 2")

    def stalls_beside_others(self, fault, before):
        """To whom others connect as well: what moves is theirs, and ssh's own stands still."""
        lab("break", fault)
        self.connect_beside(0.7)
        file, run = self.folder() / "report.json", self.folder() / "run.pcapng"
        ended = ssh(VM, "-o", "ConnectTimeout=13", options=("--patience", "4", "--report", file, "-w", run),
                    before=before)
        self.assertRegex(ended.err, r"(?m)^sshwhy: ssh stands still", ended.err)
        own = json.loads(file.read_text())
        own = own.get("connection", own)
        self.assertEqual(own.get("attempts", 1), 1, own)

    def test_others_beside_it(self):
        self.stalls_beside_others("vm-sshd-hung-silent", as_ann())

    @seldom
    def test_others_beside_it_in_silence(self):
        self.stalls_beside_others("nsg-deny", as_ann())

    @seldom
    def test_others_beside_roots_own(self):
        self.stalls_beside_others("vm-sshd-hung-silent", lab.on("client"))

    def test_usage(self):
        self.assert_one_line_error(sshwhy("ssh"), USAGE)
        self.assert_one_line_error(sshwhy("ssh", "--patience", "x", "--", "vm"), USAGE)


if __name__ == "__main__":
    support.main()
