"""A trial: a fault of the lab, probed, and what is wrong with the report. What diagnose, weather, deep, next,
captures and ends have in common.
"""
import functools
import json
import os
import pathlib
import re
import string
import subprocess
import threading

import commands
import faults
import laboratory
import topology

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = str(HERE.parent.parent / "build/release/sshwhy")
PATIENCE = HERE.parent.parent / "include/sshwhy/patience.h"
REPLAYED = ("verdict", "causes", "evidence", "path", "ssh", "next", "fix", "also")


class Fault:
    """A file of tests/lab/faults and what its header lines promise."""

    def __init__(self, name):
        self.name = name
        self.header = faults.read(name)
        self.cause = self.header["cause"]
        self.source = faults.source_of(self.cause)
        self.expected_cause = self.header.get("looks-like", self.cause)
        self.sources = [int(word) for word in self.header["sources"].split()]
        self.options = self.header.get("options", "--deployment arm").split()

    def options_in(self, env):
        """The options, with the lab's own values for $VM_KEY and the like."""
        return [string.Template(word).safe_substitute(env) for word in self.options]

    @property
    def caller(self):
        """What stands before the program: the fault's own environment, and sudo's when a user calls it."""
        words = self.header.get("env", "").split()
        if self.header.get("as") == topology.PERSON:
            number = topology.PERSON_ID
            words += [f"SUDO_UID={number}", f"SUDO_GID={number}", f"SUDO_USER={topology.PERSON}"]
        return ["env", *words] if words else []

    def target(self, env, six):
        return self.header.get("target", env["VM6" if six else "VM"])


@functools.cache
def lab_of(name):
    """A lab that this process works on: to start the program `lab` takes longer than most of what it does."""
    return laboratory.Lab(name)


def lab(name, *words):
    """What the program `lab` does and prints."""
    return commands.perform(lab_of(name), *words)


def on(name, host):
    """What stands before a command for it to run on a host."""
    return lab_of(name).on(host)


def probe(program, name, env, fault, target, save):
    """The live run; its report and exit code."""
    done = subprocess.run(
        [*on(name, "client"), *fault.caller, program, "probe", "--json", "-w", save,
         *fault.options_in(env), target], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr


def promised(name):
    """Seconds within which patience.h promises a verdict."""
    return float(re.search(rf"#define {name}\s+SECONDS\((\d+)\)", PATIENCE.read_text())[1])


def judge(fault, code, report):
    """What is wrong with the live report; empty when nothing is."""
    wrong = []
    verdict = report["verdict"]
    if fault.cause == "healthy":
        if verdict["outcome"] != "healthy" or code != 0:
            wrong.append(f"healthy, but {verdict['outcome']} {verdict['cause']}")
        return wrong
    if fault.source not in verdict["sources"]:
        wrong.append(f"source {fault.source} is not among {verdict['sources']} ({verdict['cause']})")
    extra = set(verdict["sources"]) - set(fault.sources)
    if extra:
        wrong.append(f"too many sources: {verdict['sources']}, allowed {fault.sources}")
    if len(fault.sources) == 1 and verdict["cause"] != fault.expected_cause:
        wrong.append(f"cause {verdict['cause']}, not {fault.expected_cause}")
    if code != (1 if verdict["outcome"] == "fault" else 2):
        wrong.append(f"exit code {code} for {verdict['outcome']}")
    silent = any(row["fact"] == "syn.silent" for row in report["evidence"])
    if report["duration_seconds"] > promised("VERDICT_OF_SILENCE" if silent else "VERDICT_AT_LATEST"):
        wrong.append(f"took {report['duration_seconds']:.2f} s")
    return wrong


def replay(program, save, report):
    done = subprocess.run([program, "analyze", "--json", save], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        again = json.loads(done.stdout)
    except ValueError:
        return [f"replay: {done.stderr.strip() or done.stdout[:80]!r}"]
    return [f"replay differs in {key}" for key in REPLAYED if again[key] != report[key]]


class Workers:
    """A lab for each worker thread, raised once."""

    def __init__(self):
        self.local = threading.local()
        self.names = []
        self.lock = threading.Lock()

    def lab(self):
        if not hasattr(self.local, "name"):
            with self.lock:
                self.local.name = f"diag{os.getpid() % 10000}{chr(97 + len(self.names))}"
                self.names.append(self.local.name)
            lab(self.local.name, "up")
            self.local.env = lab_of(self.local.name).environment()
        return self.local.name, self.local.env

    def down(self):
        for name in self.names:
            lab(name, "down")
