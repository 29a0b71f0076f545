#!/usr/bin/python3
"""What a probe may do when it listens to the network, and what it needs for getting there.

  live_wall.py [--all]    all that an intruder may try, not some of it: minutes
"""

import re
import signal
import sys

import support
from support import ALL, BARE, CANNOT_WRITE, HEALTHY, INTRUDER, NOBODY, NOT_PERMITTED, Case, Lab, Run, sshwhy, state_of

VM = "20.99.0.4"

# What code that takes over the process would like to do (intruder.c).
SOME = ("exec", "tcp", "open-file", "frame", "promiscuous")
EVERY = (
    *SOME, "fork", "clone", "map-code", "make-code",
    "open-folder", "write-file", "write-null", "make-folder", "hide-file",
    "udp", "local", "netlink", "bpf", "io-uring", "unshare", "mount",
    "frame-to", "frame-write", "frame-parts", "frame-message", "frame-askew", "copy-capture", "fcntl-capture",
)  # fmt: skip
OF_OTHERS = ("trace", "read-parent", "signal-parent", "dumpable")  # nor is it possible before
ACTS = EVERY if ALL else SOME
MORE = OF_OTHERS if ALL else ()

WATCH = ("watch", "--json", "-i", "eth0", "--duration", "0.2")
PROBE = ("probe", "--json", VM, "--timeout", "0.3")
LISTENERS = {"watch": WATCH, "probe": PROBE}
ITS_SOCKETS = ("connect", "listen")  # watch has none to try it with


def setUpModule():
    global lab
    lab = Lab()


def probe(*arguments, before=(), **options):
    return Run("probe", "--json", *arguments, VM, before=[*lab.on("client"), *before], **options).end()


class ClosedStreams(Case):
    """Standard streams that are closed at start: what was meant for them goes nowhere else."""

    def test_the_saved_run_is_whole(self):
        for streams, code in (("0<&-", HEALTHY), ("2>&-", HEALTHY), ("1>&-", CANNOT_WRITE), ("0<&- 1>&- 2>&-", CANNOT_WRITE)):
            with self.subTest(streams=streams):
                save = self.folder() / "run.pcapng"
                ended = probe("-w", save, before=["sh", "-c", f'exec "$@" {streams}', "sh"])
                self.assertEqual(ended.code, code, ended.err)
                self.assertEqual(ended.err != "", code == CANNOT_WRITE and "2" not in streams)
                again = sshwhy("analyze", "--json", save)
                self.assertEqual((self.assert_verdict(again)["verdict"]["outcome"], again.err), ("healthy", ""))


class Capabilities(Case):
    def test_root_that_must_stay_root(self):
        for name in ("setuid", "setgid"):
            with self.subTest(capability=name):
                save = self.folder() / "run.pcapng"
                ended = probe("-w", save, before=["setpriv", f"--bounding-set=-{name}"])
                self.assert_one_line_error(ended, NOT_PERMITTED)
                self.assertIn(f"CAP_{name.upper()} is missing", ended.err)
                self.assertFalse(save.exists())

    def test_nothing_but_the_raw_one(self):
        """No library complains on its own."""
        nobody = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        before = ["setpriv", *nobody, "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw"]
        ended = probe(before=before)
        self.assertEqual((ended.code, ended.err), (HEALTHY, ""))
        self.assert_reports(ended)


class WithoutSeccomp(Case):
    def test_a_healthy_target(self):
        """Its children are as they are: the rules are read, names resolved, packets sent."""
        ended = probe(before=[BARE])
        self.assertEqual((ended.code, self.assert_verdict(ended)["not_observed"]), (HEALTHY, []))
        self.assertRegex(ended.err, r"^sshwhy: this kernel has no seccomp: [^\n]*\n$")


class Intruder(Case):
    """Code that takes over when the network is listened to."""

    def intrude(self, moment, act, command):
        words = [f"LD_PRELOAD={INTRUDER}", f"INTRUDER_AT={moment}", f"INTRUDER_ACT={act}"]
        return Run(*command, before=[*lab.on("client"), "env", *words]).end()

    def test_all_can_be_done_before(self):
        """Privilege is dropped, the wall is to come: what follows is the wall's work."""
        for act in ACTS:
            with self.subTest(act=act):
                self.assertIn(f"intruder: {act}: done", self.intrude("dropped", act, WATCH).err)

    def test_a_socket_of_the_probe_could_be_connected(self):
        for act in ITS_SOCKETS:
            with self.subTest(act=act):
                self.assertIn(f"intruder: {act}: done", self.intrude("dropped", act, PROBE).err)

    def test_nothing_while_it_listens(self):
        for name, command in LISTENERS.items():
            for act in (*ACTS, *MORE, *(ITS_SOCKETS if name == "probe" else ())):
                with self.subTest(command=name, act=act):
                    ended = self.intrude("poll", act, command)
                    refused = f"intruder: {act}: refused" in ended.err
                    self.assertEqual(ended.code == -signal.SIGSYS, not refused, ended.err)


class State(Case):
    """What the kernel says of the process that listens."""

    def test_no_right_is_left(self):
        for name, command in LISTENERS.items():
            with self.subTest(command=name):
                run = Run(*command[:-1], "3", before=lab.on("client"))
                state = state_of(run.process.pid, lambda state: state["Seccomp_filters"] == "2")
                run.end()
                self.assertEqual((state["NoNewPrivs"], state["Seccomp"]), ("1", "2"))
                for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                    self.assertEqual(int(state[capabilities], 16), 0, capabilities)
                self.assertEqual(set(state["Uid"].split()), {str(NOBODY)})
                self.assertEqual(set(state["Gid"].split()), {str(NOBODY)})
                self.assertEqual(state["Groups"], "")


READ = re.compile(r"^(recv\w*|read\w*|pread\w*)\((\d+)<(TCP|UDP|RAW|ICMP|PACKET|socket:)")
DROPPED = re.compile(r"^(setres[ug]id|setgroups|capset|seccomp|prctl\(PR_CAPBSET_DROP)")
ASKED = re.compile(r"^(recv\w*|read)\(\d+<UDP")
# What is looked at, and no more: the processes wait for each other, but not for ever.
QUICK = ("--seccomp-bpf", "-e", "trace=/^(recv|read|pread|p?poll|setres[ug]id|setgroups|capset|seccomp|prctl|clone)")
# (strace has no other name for a packet socket)
RING = re.compile(r"^p?poll\(.*<(PACKET|socket:)")
DRAIN = re.compile(r", 1, MSG_TRUNC")  # of what came before there was a filter; into a byte that nobody reads


class Order(Case):
    """strace shows, of each process: nothing of the network is read before privilege is dropped."""

    def trace(self, *command):
        file = self.folder() / "trace"
        before = [*lab.on("client"), "strace", "-f", "-yy", "-o", file, "-e", "signal=none", *QUICK]
        ended = Run(*command, before=before).end()
        calls = {}
        for line in file.read_text().splitlines():
            pid, call = line.split(maxsplit=1)
            if call.startswith("<... "):  # the rest of one that was broken off
                calls[pid][-1] += call
            else:
                calls.setdefault(pid, []).append(call)
        return ended, calls

    def last_drops(self, calls):
        """{pid: where in its calls it drops for the last time; -1: not itself, but whose thread it is, before}"""
        last = {pid: max((i for i, c in enumerate(own) if DROPPED.match(c)), default=None) for pid, own in calls.items()}
        for pid, own in calls.items():
            for i, call in enumerate(own):
                thread = re.match(r"clone.*CLONE_THREAD.* = (\d+)", call)
                if thread and last.get(thread[1], 0) is None and last[pid] is not None and last[pid] < i:
                    last[thread[1]] = -1
        return last

    def check(self, calls):
        read, drops = 0, self.last_drops(calls)
        for pid, own in calls.items():
            for i, call in enumerate(own):
                if (READ.match(call) and not DRAIN.search(call)) or RING.match(call):
                    read += 1
                    self.assertIsNotNone(drops[pid], f"{pid} never drops: {call}")
                    self.assertGreater(i, drops[pid], f"{pid}: {call}")
        return read

    def test_probe(self):
        ended, calls = self.trace("probe", "--json", VM)
        self.assert_verdict(ended)
        self.assertGreater(self.check(calls), 5)

    def test_probe_of_a_name(self):
        """The resolver hears name servers, when it has dropped what it had."""
        ended, calls = self.trace("probe", "--json", "vm.example")
        self.assert_verdict(ended)
        self.assertGreater(self.check(calls), 5)
        self.assertTrue(any(ASKED.match(call) for own in calls.values() for call in own))

    def test_watch(self):
        ended, calls = self.trace(*WATCH)
        self.assertGreater(self.check(calls), 0)


if __name__ == "__main__":
    support.main()
