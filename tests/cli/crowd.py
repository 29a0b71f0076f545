#!/usr/bin/python3
"""Twenty probes at once, in faults of the lab that dice choose: none is sure of a wrong source.

A round is a fault, probed by all at once: all the same target, or as many targets as there are, of which each was
asked alone before. Routers that say less to many are a reason for doubt, not for another verdict.

  crowd.py [--rounds N] [--seed N] [--at-once N] [--targets N] [--verbose] [FAULT...]
"""

import argparse
import collections
import concurrent.futures
import json
import random
import subprocess
import sys

import support  # leads to tests/lab
import faults
import trial

SURE = 0.9
SSHD = ("/usr/sbin/sshd", "-D", "-e", "-f", str(support.ROOT / "tests/lab/config/sshd_config"))
# Besides the fault's own target: a VM over IPv6, hosts on this side of the edge, addresses that nobody has.
OTHERS = (
    "2001:db8:99::4", "10.20.0.20", "20.99.0.4:80", "20.99.0.4:2222", "20.99.0.4:443", "[2001:db8:99::4]:80", "10.20.0.1",
    *(f"10.20.0.{last}" for last in range(91, 97)), *(f"20.99.0.{last}" for last in range(91, 97)),
)  # fmt: skip


def probe(lab, env, fault, target):
    """The report; None and what it says instead when there is none."""
    words = [*lab.on("client"), *fault.caller, support.PROGRAM, "probe", "--json", *fault.options_in(env), target]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return (json.loads(done.stdout), "") if done.stdout else (None, f"{done.returncode}: {done.stderr.strip()}")


def told(report):
    verdict = report["verdict"]
    return f"{verdict['outcome']} {verdict['cause']} {verdict['confidence']:.2f}"


class Round:
    """A fault, and whom to probe at once: each target with the sources that may be named for sure."""

    def __init__(self, lab, env, name, targets):
        self.lab, self.env, self.fault = lab, env, trial.Fault(name)
        own = self.fault.target(env, False)
        self.allowed = {own: set(self.fault.sources) if self.fault.source else set()}
        for target in [target for target in OTHERS if target != own][: targets - 1]:
            report, _ = probe(lab, env, self.fault, target)
            if report is not None:
                self.allowed[target] = set(report["verdict"]["sources"])

    def wrong(self, target, report, said):
        if report is None:
            return f"there is no report: {said}"
        verdict, allowed = report["verdict"], self.allowed[target]
        if verdict["outcome"] == "unknown" or verdict["confidence"] < SURE:
            return None
        named = set(verdict["sources"][:1])
        return None if named <= allowed and (named or not allowed) else f"{told(report)}, but {sorted(allowed)} is true"

    def run(self, at_once, verbose):
        """How many are wrong."""
        targets = (list(self.allowed) * at_once)[:at_once]
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            reports = list(pool.map(lambda target: probe(self.lab, self.env, self.fault, target), targets))
        failed = 0
        verdicts = collections.Counter()
        for target, (report, said) in zip(targets, reports, strict=True):
            wrong = self.wrong(target, report, said)
            failed += wrong is not None
            verdicts[told(report).rsplit(" ", 1)[0] if report else "none"] += 1
            if wrong:
                print(f"FAIL {self.fault.name} {target}: {wrong}", flush=True)
                for row in report["evidence"] if report and verbose else ():
                    print("      ", row["fact"], row["text"])
        if verbose:
            print(f"{self.fault.name}:", ", ".join(f"{n} x {verdict}" for verdict, n in verdicts.most_common()), flush=True)
        return failed


def admit_all(lab):
    """Until the lab is healed: so many at once are to meet the fault, not sshd's MaxStartups."""
    lab("stop", "vm", "sshd")
    lab("start", "vm", "sshd", "22", *SSHD, "-o", "MaxStartups=500")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--verbose", action="store_true", help="what all of them say, and on what the wrong ones rest")
    parser.add_argument("--targets", type=int, help="so many in every round (drawn)")
    parser.add_argument("faults", nargs="*", help="these, one after the other (drawn from all)")
    return parser.parse_args()


def main():
    options = read_arguments()
    dice = random.Random(options.seed)
    chosen = options.faults or [dice.choice(faults.names()) for _ in range(options.rounds)]
    lab = support.Lab()
    failed = 0
    try:
        env = dict(row.split("=", 1) for row in lab("env").split())
        for name in chosen:
            admit_all(lab)
            lab("break", name)
            targets = options.targets or dice.choice((1, 1, 4, options.at_once))
            failed += Round(lab, env, name, targets).run(options.at_once, options.verbose)
            lab("heal")
    finally:
        lab("down")
    print(f"{len(chosen) * options.at_once - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
