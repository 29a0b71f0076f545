#!/usr/bin/env python3
"""What a probe may do when it listens to the network, and what it needs for getting there."""

import support
from support import CANNOT_WRITE, HEALTHY, NOBODY, NOT_PERMITTED, Case, Lab, Run, sshwhy

VM = "20.99.0.4"


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


if __name__ == "__main__":
    support.main()
