#!/usr/bin/python3
"""analyze that is interrupted: what was found so far is told, whole; what it cannot know is not."""

import os
import signal
import subprocess
import threading
import time

import support
from support import INTERRUPTED, ROOT, RUN, Case, Run, sshwhy

CAPTURE = ROOT / "pcaps/tcpdump-nsg-deny.pcap"
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Case):
    def fifo(self):
        fifo = self.folder() / "fifo"
        os.mkfifo(fifo)
        return fifo

    def interrupt(self, number, content, *before_it):
        """How it ends whose last file has `content`, and no end (None: nobody writes to it)."""
        fifo = self.fifo()
        run = Run("analyze", "--json", *before_it, fifo)
        writer = open(fifo, "wb", buffering=0) if content is not None else None
        if writer is not None:
            writer.write(content)
        time.sleep(0.7)  # until it has read that
        run.send(number)
        ended = run.end()
        if writer is not None:
            writer.close()
        return ended

    def assert_interrupted(self, ended, reports, said):
        self.assertEqual((ended.code, len(self.assert_reports(ended))), (INTERRUPTED, reports), ended.err)
        self.assertRegex(ended.err, rf"\Asshwhy: [^\n]*{said}\n\Z")

    def test_what_was_found_is_told(self):
        plain = sshwhy("analyze", "--json", CAPTURE).report()
        for number in ENDS:
            with self.subTest(signal=number):
                ended = self.interrupt(number, CAPTURE.read_bytes())
                self.assert_interrupted(ended, 1, r"interrupted; [1-9]\d* frames are used")
                self.assertEqual(ended.report()["verdict"], plain["verdict"])

    def test_reports_of_files_before(self):
        many = [CAPTURE] * 20  # too many to be compared
        self.assert_interrupted(self.interrupt(signal.SIGINT, b"", *many), 20, "interrupted")

    def test_from_a_pipe(self):
        with subprocess.Popen(["sh", "-c", 'cat "$0"; exec sleep 5', CAPTURE], stdout=subprocess.PIPE) as pipe:
            run = Run("analyze", "--json", "-", stdin=pipe.stdout)
            time.sleep(1)
            run.send(signal.SIGINT)
            self.assert_interrupted(run.end(), 1, "frames are used")
            pipe.kill()

    def test_nothing_was_found(self):
        for content in (None, b"", CAPTURE.read_bytes()[:10]):
            with self.subTest(content=content):
                self.assert_interrupted(self.interrupt(signal.SIGTERM, content), 0, "interrupted")

    def test_part_of_a_run_is_no_run(self):
        self.assert_interrupted(self.interrupt(signal.SIGINT, RUN.read_bytes()[:-100]), 0, "not enough of a run")

    def test_part_of_what_is_compared_is_not_compared(self):
        self.assert_interrupted(self.interrupt(signal.SIGINT, CAPTURE.read_bytes(), CAPTURE), 0, "not compared")

    def test_while_much_comes(self):
        """Records without end; impatience changes nothing."""
        bytes_ = CAPTURE.read_bytes()

        def pour(file):
            try:
                while True:
                    file.write(bytes_[24:])
            except BrokenPipeError:
                pass

        for moment in (0, 0.1, 0.5):
            fifo = self.fifo()
            run = Run("analyze", "--json", fifo)
            with open(fifo, "wb", buffering=0) as file:  # when it reads
                file.write(bytes_[:24])
                thread = threading.Thread(target=pour, args=[file])
                thread.start()
                time.sleep(moment)
                for number in (*ENDS, signal.SIGINT):
                    run.send(number)
                ended = run.end()
                thread.join()
            self.assertEqual(ended.code, INTERRUPTED)
            self.assert_reports(ended)

    def test_nohup(self):
        fifo = self.fifo()
        run = Run("analyze", "--json", fifo, before=["nohup"])
        with open(fifo, "wb", buffering=0) as file:
            file.write(CAPTURE.read_bytes())
            time.sleep(0.5)
            run.send(signal.SIGHUP)
        self.assert_verdict(run.end())


if __name__ == "__main__":
    support.main()
