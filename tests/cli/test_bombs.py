#!/usr/bin/python3
"""Captures that are made to cost (bombs.py) cost bounded memory and time, and no wrong fact."""

import subprocess
import sys

import bombs
import support
from support import Case, sshwhy

class Bomb(Case):
    def make(self, kind):
        """In a process of its own: the largest size of one that starts another counts for both."""
        file = self.folder() / "bomb"
        with open(file, "wb") as out:
            subprocess.run([sys.executable, bombs.__file__, kind], stdout=out, check=True)
        return file

    def analyze(self, *files):
        ended = sshwhy("analyze", "--json", *files, preexec_fn=support.limits)
        self.assert_bounded(ended)
        self.assert_clean(ended)
        return ended

    def check_run(self, kind):
        """Of a run, what there is no room for is told, and nothing is taken for silent."""
        report = self.assert_verdict(self.analyze(self.make(kind)))
        told = "silence proves nothing" in " ".join(report["not_observed"])
        silent = [row["fact"] for row in report["evidence"] if "silent" in row["fact"]]
        self.assertTrue(told or kind in SMALL)
        self.assertTrue(silent == [] or kind in SMALL, silent)

    def check_capture(self, kind):
        """The conversation behind it is found."""
        reports = self.assert_reports(self.analyze(self.make(kind)))
        if kind in LAST_REFUSED:
            self.assertEqual(reports[-1]["evidence"][0]["fact"], "syn.reset")


# Runs that have room for all there is, and cost time only; whose notes are none; or stand in sections
# behind the first, where nobody looks for notes.
SMALL = ("names", "many-sections")
LAST_REFUSED = ("comments", "interface-names", "interfaces", "sections", "packet-options", "long-block")


class Joined(Bomb):
    def test_two(self):
        file = self.make("full-conversations")
        self.analyze(file, file)


def test_of(check, kind):
    return lambda self: check(self, kind)


for make in bombs.RUNS + bombs.CAPTURES:
    check = Bomb.check_run if make in bombs.RUNS else Bomb.check_capture
    setattr(Bomb, "test_" + make.__name__, test_of(check, make.__name__.replace("_", "-")))
for name in [name for name in dir(Bomb) if name.startswith("test_")]:
    setattr(Joined, name, None)  # once is enough

if __name__ == "__main__":
    support.main()
