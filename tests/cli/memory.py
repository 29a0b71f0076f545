#!/usr/bin/python3
"""A reader that runs out of memory says so, or says what it says elsewhere: it neither crashes nor leaves something out.

  memory.py --shim LIBRARY [--runs N] [--seed N]    the library of tests/shim
"""

import argparse
import errno
import os
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import support

CALLS = ("malloc", "calloc", "realloc", "mmap")
FOR_GOOD = 2**31
COMMANDS = [
    (command, *options, *words)
    for command, words in (("analyze", (support.RUN,)), ("explain", ("nsg.deny",)))
    for options in ((), ("--json",))
]  # fmt: skip
ROW = struct.Struct("24sII")


def run(shim, words, plan=None):
    """How it ended, and how often it called what may fail."""
    with tempfile.NamedTemporaryFile(prefix="sshwhy-memory-") as counts:
        counts.write(bytes(1 << 16))
        counts.flush()
        env = {**os.environ, "LD_PRELOAD": shim, "SHORTAGE_COUNTS": counts.name, **({"SHORTAGE": plan} if plan else {})}
        done = subprocess.run([support.PROGRAM, *map(str, words)], env=env, capture_output=True, timeout=60)
        rows = {name.rstrip(b"\0").decode(): called for name, called, _ in ROW.iter_unpack(Path(counts.name).read_bytes())}
    return done, sum(rows.get(name, 0) for name in CALLS)


def wrong(done, plain):
    if done.returncode == support.UNAVAILABLE:
        return "" if b"sshwhy: " in done.stderr else "nothing is said"
    if done.returncode != plain.returncode:
        return f"it ends with {done.returncode}"
    return "" if done.stdout == plain.stdout else "it says something else"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shim", required=True)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    failed = 0
    for words in COMMANDS:
        plain, count = run(options.shim, words)
        if count == 0:
            sys.exit(f"the shim is not at work: {plain.stderr}")
        for _ in range(options.runs // len(COMMANDS)):
            first = dice.randint(1, count)
            plan = f"{','.join(CALLS)}:{first}:{dice.choice((first, FOR_GOOD))}:{errno.ENOMEM}"
            done, _ = run(options.shim, words, plan)
            said = wrong(done, plain)
            failed += said != ""
            if said:
                print(f"FAIL {' '.join(map(str, words))}, SHORTAGE={plan}: {said} [{done.returncode}, {done.stderr[-200:]!r}]")
    print(f"{options.runs - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
