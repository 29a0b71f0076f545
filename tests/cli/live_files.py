#!/usr/bin/env python3
"""Whoever has sudo for this program alone writes the files that he could write without."""

import os
import stat
import subprocess
import time
import unittest

import support
from support import CANNOT_WRITE, NOBODY, RUN, Case, Lab, Run

VM = "20.99.0.4"
ANN = 20022  # of the lab's hosts

# ann's sudo, for the program and nothing else; none of it outlives the command.
SUDO = """
printf 'Defaults !pam_acct_mgmt, !pam_session\\nann ALL=(root) NOPASSWD: %s\\n' "$1" >"$0"
hostname localhost && chmod 440 "$0" && mount --bind "$0" /etc/sudoers || exit 99
exec setpriv --reuid=20022 --regid=20022 --clear-groups sudo -n "$@"
"""
COMMANDS = {
    "probe": ("probe", "--json", "--timeout", "0.3", VM),
    "watch": ("watch", "--json", "-i", "eth0", "--duration", "0.3", "--ring", "1"),
}


def setUpModule():
    global lab
    lab = Lab()
    lab("break", "nsg-deny")


class Files(Case):
    def setUp(self):
        self.place = self.folder()  # root's, for everybody, and sticky like /tmp
        self.place.chmod(0o1777)
        self.own = self.place / "ann"
        self.own.mkdir()
        os.chown(self.own, ANN, ANN)
        self.secret = self.place / "root"
        self.secret.mkdir(mode=0o700)

    def root_file(self, name="file", mode=0o644):
        file = self.place / name
        file.write_bytes(b"root's")
        file.chmod(mode)
        return file

    def write(self, command, file):
        """How ann's `sudo sshwhy ... -w file` ends."""
        return self.as_ann(*COMMANDS[command], "-w", file)

    def as_ann(self, *arguments):
        before = [*lab.on("client"), "unshare", "--mount", "--uts", "sh", "-c", SUDO, self.place / "sudoers"]
        return Run(*arguments, before=before).end()

    def everything(self):
        """All that there is, and whose: owners, modes, contents."""
        return {
            path: (s.st_ino, s.st_uid, s.st_gid, s.st_mode, path.read_bytes() if stat.S_ISREG(s.st_mode) else None)
            for path in self.place.rglob("*")
            if path.name != "sudoers"
            for s in [path.lstat()]
        }


class Foreign(Files):
    """What ann may not write: it stays as it was."""

    def assert_refused(self, file, within=5):
        before = self.everything()
        for command in COMMANDS:
            with self.subTest(file=file, command=command):
                started = time.monotonic()
                ended = self.write(command, file)
                self.assert_one_line_error(ended, CANNOT_WRITE)
                self.assertLess(time.monotonic() - started, within)
                self.assertEqual(self.everything(), before)

    def test_files_of_root(self):
        self.assert_refused(self.root_file())
        self.assert_refused(self.root_file("secret", 0o600))

    def test_symbolic_links(self):
        target = self.root_file()
        link, dangling, own = self.own / "link", self.own / "dangling", self.own / "own"
        link.symlink_to(target)
        dangling.symlink_to(self.secret / "new")
        (self.own / "file").write_bytes(b"ann's")
        own.symlink_to("file")
        for file in (link, dangling, own):
            os.chown(file, ANN, ANN, follow_symlinks=False)
            self.assert_refused(file)

    def test_a_hard_link_in_a_sticky_folder(self):
        link = self.place / "link"
        link.hardlink_to(self.root_file("secret", 0o600))
        self.assert_refused(link)

    def test_folders_of_root(self):
        (self.secret / "file").write_bytes(b"root's")
        (self.own / "folder").symlink_to(self.secret)
        for file in (self.secret / "file", self.secret / "new", self.own / "folder/file", self.own / "folder/new"):
            self.assert_refused(file)

    def test_etc(self):
        new = "/etc/sshwhy-test"
        self.addCleanup(lambda: os.path.lexists(new) and os.unlink(new))
        self.assert_refused(new)
        self.assertFalse(os.path.lexists(new))

    def test_what_is_no_file(self):
        device = self.own / "device"
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.chown(device, ANN, ANN)
        for file in (self.own, device, "/dev/null"):
            self.assert_refused(file)

    def test_a_fifo_that_nobody_reads(self):
        fifo = self.own / "fifo"
        os.mkfifo(fifo)
        os.chown(fifo, ANN, ANN)
        self.assert_refused(fifo)

    def test_a_probe_that_does_not_begin(self):
        """It leaves no empty file."""
        before = self.everything()
        file = self.own / "run.pcapng"
        ended = self.as_ann("probe", "-i", "none0", "-w", file, VM)
        self.assertEqual(ended.code, support.UNAVAILABLE, ended.err)
        self.assertEqual(self.everything(), before)


class Own(Files):
    """What ann may write."""

    def assert_written(self, command, file):
        ended = self.write(command, file)
        self.assertLess(ended.code, support.USAGE, ended.err)
        self.assertEqual(file.read_bytes()[:4], b"\x0a\x0d\x0d\x0a")
        return file.stat()

    def test_a_new_file_is_private(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                status = self.assert_written(command, self.own / command)
                self.assertEqual((status.st_uid, status.st_gid), (ANN, ANN))
                self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)

    def test_an_older_file_is_replaced_and_keeps_its_mode(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                file = self.own / command
                file.write_bytes(RUN.read_bytes() + bytes(1 << 20))
                os.chown(file, ANN, ANN)
                file.chmod(0o640)
                status = self.assert_written(command, file)
                self.assertEqual((status.st_uid, stat.S_IMODE(status.st_mode)), (ANN, 0o640))
                self.assertLess(status.st_size, 1 << 20)

    def test_a_fifo_that_is_read(self):
        fifo = self.own / "fifo"
        os.mkfifo(fifo)
        os.chown(fifo, ANN, ANN)
        with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
            ended = self.write("probe", fifo)
            self.assertLess(ended.code, support.USAGE, ended.err)
            self.assertEqual(reader.stdout.read(4), b"\x0a\x0d\x0d\x0a")


class Root(Case):
    """root without sudo has root's rights, and follows no links either."""

    def write(self, file):
        return Run("probe", "--timeout", "0.3", "-w", file, VM, before=lab.on("client")).end()

    def test_a_file_of_another(self):
        folder = self.folder()
        folder.chmod(0o700)
        os.chown(folder, NOBODY, NOBODY)
        self.assertLess(self.write(folder / "run.pcapng").code, support.USAGE)
        status = (folder / "run.pcapng").stat()
        self.assertEqual((status.st_uid, stat.S_IMODE(status.st_mode)), (0, 0o600))

    def test_a_file_that_may_not_grow(self):
        """An older run stays, and of a new one what had room."""
        old, new = self.folder() / "old", self.folder() / "new"
        old.write_bytes(RUN.read_bytes())
        for file in (old, new):
            before = [*lab.on("client"), "prlimit", "--fsize=1000"]
            ended = Run("probe", "-q", "--timeout", "0.3", "-w", file, VM, before=before).end()
            self.assertEqual(ended.code, CANNOT_WRITE, ended.err)
        self.assertEqual(old.read_bytes(), RUN.read_bytes())
        report = self.assert_verdict(support.sshwhy("analyze", "--json", new))
        self.assertIn("the rest of the plan: the saved run was cut short", report["not_observed"])

    def test_a_symbolic_link(self):
        folder = self.folder()
        (folder / "link").symlink_to("file")
        self.assert_one_line_error(self.write(folder / "link"), CANNOT_WRITE)
        self.assertFalse((folder / "file").exists())


if __name__ == "__main__":
    support.main()
