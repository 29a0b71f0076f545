#!/usr/bin/python3
"""Whoever has sudo for this program alone writes the files that he could write without."""

import fcntl
import os
import socket
import stat
import subprocess
import threading
import time
import unittest
from contextlib import contextmanager

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

    def as_ann(self, *arguments, **options):
        before = [*lab.on("client"), "unshare", "--mount", "--uts", "sh", "-c", SUDO, self.place / "sudoers"]
        return Run(*arguments, before=before, **options).end()

    def anns(self, name, make, *arguments):
        """Something of ann's, by its name in her folder."""
        path = self.own / name
        make(path, *arguments)
        os.chown(path, ANN, ANN, follow_symlinks=False)
        return path

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

    def assert_refused(self, file, commands=COMMANDS, within=5):
        before = self.everything()
        for command in commands:
            with self.subTest(file=file, command=command):
                started = time.monotonic()
                ended = self.write(command, file)
                self.assert_one_line_error(ended, CANNOT_WRITE)
                self.assertLess(time.monotonic() - started, within)
                self.assertEqual(self.everything(), before)

    def assert_each_refused(self, *files):
        """By the commands in turn."""
        for number, file in enumerate(files):
            self.assert_refused(file, [list(COMMANDS)[number % len(COMMANDS)]])

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
        self.assert_each_refused(link, dangling, own)

    def test_a_hard_link_in_a_sticky_folder(self):
        link = self.place / "link"
        link.hardlink_to(self.root_file("secret", 0o600))
        self.assert_refused(link)

    def test_folders_of_root(self):
        (self.secret / "file").write_bytes(b"root's")
        (self.own / "folder").symlink_to(self.secret)
        for folder in (self.secret, self.own / "folder"):
            self.assert_each_refused(folder / "file", folder / "new")

    def test_etc(self):
        for folder in ("/etc", "/etc/cron.d", "/root"):
            new = f"{folder}/sshwhy-test"
            self.addCleanup(lambda new=new: os.path.lexists(new) and os.unlink(new))
            self.assert_refused(new)
            self.assertFalse(os.path.lexists(new))

    def test_files_of_roots_group(self):
        """Its groups are given up with root."""
        self.assert_each_refused(*(self.root_file(f"{mode:o}", mode) for mode in (0o660, 0o620, 0o060)))

    def test_files_of_others_in_her_own_folder(self):
        files = [self.own / "root", self.own / "nobody"]
        for file, owner in zip(files, (0, NOBODY)):
            file.write_bytes(b"another's")
            os.chown(file, owner, owner)
            file.chmod(0o644)
        self.assert_each_refused(*files)

    def test_what_is_no_file(self):
        null = self.anns("null", os.mknod, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        disk = self.anns("disk", os.mknod, 0o666 | stat.S_IFBLK, os.makedev(7, 250))
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        named = self.anns("socket", lambda path: listener.bind(str(path)))
        self.assert_each_refused(self.own, null, disk, named, "/dev/null")

    def test_what_is_open(self):
        """The report goes to standard output, nothing else does; what root has open is root's."""
        self.assert_each_refused("/dev/stdout", "/dev/fd/1", "/dev/fd/3", "/dev/stderr", "/proc/self/fd/1")

    def test_what_the_kernel_makes(self):
        self.assert_each_refused("/proc/self/comm", "/proc/self/oom_score_adj", "/proc/self/mem", "/proc/new")
        self.assert_refused("/proc/sys/kernel/hostname")  # one of the test's own

    def test_a_fifo_that_nobody_reads(self):
        self.assert_refused(self.anns("fifo", os.mkfifo))

    def test_one_of_a_ring(self):
        """The others stay as they were."""
        (self.own / "ring-0").write_bytes(b"older")
        os.chown(self.own / "ring-0", ANN, ANN)
        (self.own / "ring-2").symlink_to(self.root_file())
        before = self.everything()
        ended = self.as_ann(*COMMANDS["watch"][:-1], "3", "-w", self.own / "ring")
        self.assert_one_line_error(ended, CANNOT_WRITE)
        self.assertEqual(self.everything(), before)

    @contextmanager
    def exchanging(self, name, *files):
        """Meanwhile `name` is one of `files` after the other."""
        ended = threading.Event()

        def exchange():
            while not ended.is_set():
                for file in files:
                    os.link(file, self.own / "next", follow_symlinks=False)
                    os.rename(self.own / "next", name)
                    (self.own / "next").unlink(missing_ok=True)  # of two names for one file none is renamed
                    time.sleep(0.003)

        thread = threading.Thread(target=exchange)
        thread.start()
        yield
        ended.set()
        thread.join()

    def test_what_is_exchanged_meanwhile(self):
        """Each call that opens something is held up for as long as several exchanges take."""
        roots = self.root_file(), self.root_file("secret", 0o600)
        links = [self.anns(f"link{i}", lambda path, file=file: path.symlink_to(file)) for i, file in enumerate(roots)]
        files = [*links, self.anns("fifo", os.mkfifo), self.anns("file", lambda path: path.write_bytes(b""))]
        slow = ["strace", "-o", "/dev/null", "-e", "inject=openat:delay_exit=11000", "-P", self.own / "name"]
        for command in COMMANDS:
            before = [*lab.on("client"), "env", f"SUDO_UID={ANN}", *slow]
            with self.exchanging(self.own / "name", *files):
                ended = Run(*COMMANDS[command], "-w", self.own / "name", before=before).end()
            self.assertIn(ended.code, (*support.VERDICTS.values(), CANNOT_WRITE), ended.err)
            for file in roots:
                self.assertEqual(file.read_bytes(), b"root's")

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

    def test_a_file_of_her_group(self):
        file = self.root_file("file", 0o660)
        os.chown(file, 0, ANN)
        for command in COMMANDS:
            with self.subTest(command=command):
                status = self.assert_written(command, file)
                self.assertEqual((status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)), (0, ANN, 0o660))

    def test_through_a_folder_that_is_a_link(self):
        (self.own / "real").mkdir()
        os.chown(self.own / "real", ANN, ANN)
        self.anns("folder", lambda path: path.symlink_to("real"))
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assert_written(command, self.own / "folder" / command)

    def test_a_fifo_that_is_read(self):
        fifo = self.anns("fifo", os.mkfifo)
        for command in COMMANDS:
            with self.subTest(command=command), subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
                ended = self.write(command, fifo)
                self.assertLess(ended.code, support.USAGE, ended.err)
                whole = self.folder() / "run"
                whole.write_bytes(reader.stdout.read())
                self.assertIn(support.sshwhy("analyze", whole).code, support.VERDICTS.values())

    def test_a_fifo_whose_reader_does_not_read(self):
        """It is waited for, but not for ever."""
        fifo = self.anns("fifo", os.mkfifo)
        reader = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        os.write(reader, bytes(fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ) - 4096))
        os.write(reader, bytes(4096))
        ended = self.write("probe", fifo)
        self.assertEqual(ended.code, CANNOT_WRITE, ended.err)
        self.assertLess(ended.seconds, 8)

    def test_standard_output_goes_where_she_says(self):
        for command in COMMANDS:
            file = self.anns(f"{command}.json", lambda path: path.write_bytes(b""))
            with self.subTest(command=command), open(file, "wb") as out:
                ended = self.as_ann(*COMMANDS[command], stdout=out)
                self.assertLess(ended.code, support.USAGE, ended.err)
                self.assertEqual(file.stat().st_size > 0, command == "probe")


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
