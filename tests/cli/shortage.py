#!/usr/bin/python3
"""Probes that run out of something: what is then missing is told, and blames nobody.

Each probe of a fault of the lab has calls into libc fail, chosen by dice (tests/shim/shortage.c). It ends in time,
with an exit code of the manual's, leaves nothing behind, and its verdict is the undisturbed one's, or in doubt.

  shortage.py --shim LIBRARY [--runs N] [--seed N] [--only CALL[,CALL...]:FROM:UNTIL:ERRNO] [--trace] [FAULT...]
"""

import argparse
import errno
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import support  # leads to tests/lab
import trial

FAULTS = (
    "healthy", "nsg-deny", "vm-sshd-down", "client-firewall-out-drop", "client-firewall-out-reset",
    "edge-firewall-drop", "edge-ids-reset", "vm-host-key", "client-proxy-command", "vm-kex", "vm-sshd-hung-silent",
    "client-dns-gone",
)  # fmt: skip

MEMORY = ("malloc", "calloc", "realloc", "mmap")
# Each of these takes a descriptor.
DESCRIPTORS = (
    "socket", "socketpair", "pipe", "pipe2", "dup", "eventfd", "signalfd", "fopen", "fopen64", "opendir", "open",
    "open64", "openat", "openat64",
)  # fmt: skip
# What runs out: the calls that then fail, and how. No errno here is one that a network or a firewall gives to the
# same call: those are evidence.
SHORTAGES = [
    (MEMORY, ("ENOMEM",)),
    *(((name,), ("ENOMEM",)) for name in MEMORY),
    (DESCRIPTORS, ("EMFILE", "ENFILE", "ENOMEM", "EPERM")),
    (("socket",), ("EMFILE", "ENOBUFS", "ENOMEM", "EPERM")),
    (("fopen", "fopen64", "open", "open64", "openat", "openat64", "opendir", "fdopendir", "fdopen", "open_memstream"),
     ("EMFILE", "ENOMEM", "EPERM")),
    (("send", "sendto", "sendmsg"), ("ENOBUFS", "ENOMEM", "EAGAIN")),
    (("sendto",), ("ENOBUFS", "ENOMEM", "EAGAIN")),
    (("sendmsg",), ("ENOBUFS", "ENOMEM", "EAGAIN")),
    (("bind",), ("EADDRINUSE", "ENOMEM", "EPERM")),
    (("connect",), ("EADDRNOTAVAIL", "EAGAIN", "ENOBUFS", "ENOMEM")),
    (("getsockname",), ("ENOBUFS", "EPERM")),
    (("getsockopt",), ("ENOBUFS", "EPERM", "ENOMEM")),
    (("setsockopt",), ("ENOBUFS", "EPERM", "ENOMEM")),
    (("recv", "recvfrom", "recvmsg"), ("ENOBUFS", "ENOMEM", "EINTR", "EAGAIN", "EPERM")),
    (("read",), ("EINTR", "EIO", "ENOMEM", "EPERM")),
    (("write",), ("EINTR", "ENOSPC", "EPERM")),
    (("poll", "ppoll"), ("EINTR", "ENOMEM", "EPERM")),
    (("fcntl", "fcntl64", "dup2"), ("EMFILE", "ENOMEM", "EPERM")),
    (("ioctl",), ("ENOMEM", "EPERM")),
    (("fork", "pthread_create"), ("EAGAIN", "ENOMEM")),
    (("getrandom",), ("EPERM", "ENOSYS", "EINTR")),
    (("stat", "lstat", "fstat", "readlink", "access"), ("ENOMEM", "EPERM")),
    (("setresuid", "seteuid", "setgroups", "initgroups"), ("EAGAIN", "EPERM")),
    (("getpwuid", "getpwnam"), ("EMFILE", "ENOMEM")),
    (("if_nametoindex", "if_indextoname", "getifaddrs"), ("EMFILE", "ENOMEM", "EPERM")),
    (("fallocate", "ftruncate"), ("ENOSPC", "EPERM")),
    (("getaddrinfo", "getnameinfo"), ("EMFILE", "ENOMEM")),
]  # fmt: skip
FOR_GOOD = 2**31

CODES = {0, 1, 2, 3, 69, 73, 77}  # of those of the manual, what a probe of this kind may end with
SURE, LIKELY = 0.9, 0.5
SECONDS = 16  # --timeout is 10
ROW = struct.Struct("24sII")


class Shortage:
    """Some calls and how they fail, as the shim takes it."""

    def __init__(self, text):
        self.text = text

    @classmethod
    def drawn(cls, dice, counts):
        """One of those that an undisturbed probe would have met."""
        calls, errors = dice.choice([s for s in SHORTAGES if any(counts.get(name) for name in s[0])])
        count = sum(counts.get(name, 0) for name in calls)
        first = dice.randint(1, count) if dice.random() < 0.6 else min(count, dice.randint(1, 40))
        error = dice.choice(errors)
        last = dice.choices((first, first + dice.randint(1, 5), FOR_GOOD), (5, 2, 0 if error == "EINTR" else 3))[0]
        return cls(f"{','.join(calls)}:{first}:{last}:{getattr(errno, error)}")


class Probe:
    """One run of the program with the shim: how it ended, and what it called."""

    def __init__(self, options, lab, env, fault, shortage=None):
        counts = tempfile.NamedTemporaryFile(prefix="sshwhy-shortage-")
        counts.write(bytes(1 << 16))
        counts.flush()
        settings = [f"LD_PRELOAD={options.shim}", f"SHORTAGE_COUNTS={counts.name}"]
        if shortage is not None:
            settings += [f"SHORTAGE={shortage.text}"] + ["SHORTAGE_TRACE=1"] * options.trace
        folder = tempfile.TemporaryDirectory(prefix="sshwhy-shortage-")
        os.chmod(folder.name, 0o777)
        words = [*lab.on("client"), *fault.caller, "env", *settings, support.PROGRAM, "probe", "--json", "-w",
                 f"{folder.name}/run.pcapng", *fault.options_in(env), fault.target(env, False)]  # fmt: skip
        started = time.monotonic()
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              start_new_session=True) as process:  # fmt: skip
            try:
                self.out, self.err = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                self.out, self.err = process.communicate()
                self.err += f"it goes on after {SECONDS} s"
        self.code = process.returncode
        self.seconds = time.monotonic() - started
        self.report = json.loads(self.out) if self.out.endswith("}\n") else None
        rows = ROW.iter_unpack(Path(counts.name).read_bytes())
        named = {name.rstrip(b"\0").decode(): numbers for name, *numbers in rows if name[0] != 0}
        if not named:
            sys.exit(f"the shim is not at work: {self.err}")
        self.failed = named.pop("chosen")[1]
        self.called = {name: called for name, (called, _) in named.items()}
        self.again = None
        if self.report is not None and self.code < 64:
            done = subprocess.run([support.PROGRAM, "analyze", "--json", f"{folder.name}/run.pcapng"],
                                  stdout=subprocess.PIPE, text=True)  # fmt: skip
            self.again = json.loads(done.stdout) if done.stdout else None
        folder.cleanup()


def probability(report, cause):
    return next((row["probability"] for row in report["causes"] if row["cause"] == cause), 0)


def wrong_verdict(plain, report):
    """What it claims that the undisturbed report does not."""
    verdict, before = report["verdict"], plain["verdict"]
    for row in report["causes"]:
        if row["source"] == 1 and row["probability"] >= LIKELY > probability(plain, row["cause"]):
            yield f"{row['cause']} {row['probability']:.2f} is blamed"
    if verdict["outcome"] not in ("healthy", "unknown") and verdict["confidence"] >= SURE and verdict["sources"][:1] != before["sources"][:1]:
        yield f"{verdict['outcome']} {verdict['cause']} {verdict['confidence']:.2f} is told for sure"
    changed = (verdict["outcome"], verdict["cause"]) != (before["outcome"], before["cause"])
    if changed and verdict["outcome"] in ("fault", "healthy") and not set(report["not_observed"]) - set(plain["not_observed"]):
        yield f"{verdict['outcome']} {verdict['cause']} {verdict['confidence']:.2f}, and no limit is told"


def wrong(plain, probe, left):
    """All that is wrong with a probe that ran out of something."""
    if probe.code not in CODES:
        yield f"it ends with {probe.code}"
    if "Sanitizer" in probe.err or "runtime error" in probe.err:
        yield "a sanitizer complains"
    if probe.seconds > SECONDS:
        yield f"it takes {probe.seconds:.1f} s"
    if left:
        yield f"it leaves {left}"
    if probe.report is None:
        if probe.code < 64:
            yield "there is no report"
        elif "sshwhy: " not in probe.err:
            yield "nothing is said"
        return
    yield from wrong_verdict(plain, probe.report)
    if probe.code < 64 and (probe.again is None or probe.again["verdict"] != probe.report["verdict"]):
        yield "the saved run says something else"


def processes(lab):
    command = ["ip", "netns", "pids", f"{lab.name}-client"]
    return set(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split())


def what_is_left(lab, before):
    """Of a probe that has ended, a moment later at the latest."""
    deadline = time.monotonic() + 3
    while (left := processes(lab) - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    tables = [line for line in lab.tables().splitlines() if "sshwhy-" in line]
    return " ".join([*left, *tables])


class Trial:
    """A fault of the lab, and what probes say of it undisturbed."""

    def __init__(self, options, lab, env, name):
        self.options, self.lab, self.env = options, lab, env
        self.fault = trial.Fault(name)
        lab("break", name)
        self.before = processes(lab)
        self.plain = Probe(options, lab, env, self.fault)
        if self.plain.report is None:
            sys.exit(f"{name}: undisturbed it ends with {self.plain.code}: {self.plain.err}")

    def run(self, shortage):
        """Whether all is well; says what is not."""
        probe = Probe(self.options, self.lab, self.env, self.fault, shortage)
        said = list(wrong(self.plain.report, probe, what_is_left(self.lab, self.before)))
        if said or self.options.trace:
            told = probe.report["verdict"] if probe.report else None
            words = f"{told['outcome']} {told['cause']} {told['confidence']:.2f}" if told else probe.err.strip()[-300:]
            print(f"{'FAIL' if said else 'ok  '} {self.fault.name} --only {shortage.text} ({probe.failed} failed): "
                  f"{'; '.join(said)} [{probe.code}, {probe.seconds:.1f} s, {words}]", flush=True)  # fmt: skip
        if self.options.trace:
            print(probe.err, flush=True)
            for row in probe.report["not_observed"] if probe.report else ():
                print("      not observed:", row)
        return not said


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shim", required=True)
    parser.add_argument("--runs", type=int, default=len(FAULTS), help="in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=Shortage, help="this one instead, as it was told")
    parser.add_argument("--trace", action="store_true", help="who called what fails, and what is not observed")
    parser.add_argument("faults", nargs="*", default=FAULTS)
    return parser.parse_args()


def main():
    options = read_arguments()
    dice = random.Random(options.seed)
    lab = support.Lab()
    failed = done = 0
    try:
        env = dict(row.split("=", 1) for row in lab("env").split())
        faults = options.faults if options.runs >= len(options.faults) else dice.sample(options.faults, options.runs)
        for number, name in enumerate(faults):
            case = Trial(options, lab, env, name)
            runs = 1 if options.only else options.runs // len(faults) + (number < options.runs % len(faults))
            for _ in range(runs):
                failed += not case.run(options.only or Shortage.drawn(dice, case.plain.called))
                done += 1
            lab("heal")
    finally:
        lab("down")
    print(f"{done - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
