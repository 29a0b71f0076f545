#!/usr/bin/env python3
"""What a probe may do when it listens to the network, and what it needs for getting there."""

import support
from support import CANNOT_WRITE, HEALTHY, Case, Lab, Run, sshwhy

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


if __name__ == "__main__":
    support.main()
