#!/usr/bin/python3
"""Who holds which socket with what rights while a probe goes on; and what becomes of it when somebody
gets the better of one of its processes."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import support
from support import NOBODY, Case, Lab, Run

VM = "20.99.0.4"
COURIER = "sshwhy courier"
CAPTURES = "0003"  # ETH_P_ALL: the socket hears; else it can only send


def setUpModule():
    global lab
    lab = Lab()
    lab("break", "nsg-deny")


def processes():
    """{pid: its name} in the client's network."""
    pids = subprocess.run(
        ["ip", "netns", "pids", f"{lab.name}-client"], check=True, capture_output=True, text=True
    ).stdout.split()
    names = {}
    for pid in pids:
        try:
            names[int(pid)] = Path("/proc", pid, "comm").read_text().strip()
        except OSError:
            pass  # it has ended
    return names


def wait_until(holds, seconds=5):
    deadline = time.monotonic() + seconds
    while not (result := holds()):
        if time.monotonic() > deadline:
            raise AssertionError("it does not come")
        time.sleep(0.005)
    return result


def status(pid):
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())


def limits(pid):
    """{name: (soft, hard)}"""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): tuple(line[26:].split()[:2]) for line in lines}


def sockets(pid):
    """[(kind, protocol)] of its descriptors, with the kernel's tables; files by their names."""
    tables = {}
    for kind in ("packet", "raw", "raw6", "tcp", "tcp6", "udp", "udp6", "unix", "netlink"):
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            inode = {"packet": 8, "unix": 6, "netlink": 9}.get(kind, 9)
            tables[words[inode]] = (kind, words[3] if kind == "packet" else "")
    # who waits in TIME_WAIT and who is only bound stand in no table of TCP
    held = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        name = os.readlink(fd)
        inode = re.fullmatch(r"socket:\[(\d+)\]", name)
        held.append(tables.get(inode[1], ("unlisted", "")) if inode else (name, ""))
    return held


class Probe(Case):
    def start(self, *arguments, **options):
        """A probe that meets silence, and its two processes."""
        run = Run("probe", "--json", *arguments, VM, before=[*lab.on("client"), *options.pop("before", ())], **options)
        self.addCleanup(self.assert_nothing_left)
        return run

    def courier(self):
        return wait_until(lambda: [pid for pid, name in processes().items() if name == COURIER])[0]

    def assert_nothing_left(self):
        wait_until(lambda: not processes() and not lab.tables())

    def end(self, run, seconds):
        """How it ended, which it must in time."""
        wait_until(
            lambda: os.waitid(os.P_PID, run.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None, seconds
        )
        return run.end()


class Rights(Probe):
    def test_while_the_sweep_goes_on(self):
        run = self.start()
        child = self.courier()
        main = int(status(child)["PPid"])
        time.sleep(0.7)
        for pid in (main, child):
            self.check_privilege(pid)
        self.check_sockets_of_who_reads(main)
        self.check_sockets_of_courier(child)
        self.check_cell(child)
        self.assert_verdict(run.end())

    def check_privilege(self, pid):
        told = status(pid)
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(told[name], 16), 0, name)
        self.assertEqual(set(told["Uid"].split()), {str(NOBODY)})
        self.assertEqual(told["NoNewPrivs"], "1")

    def check_sockets_of_who_reads(self, pid):
        held = sockets(pid)
        self.assertNotIn(("raw", ""), held)
        self.assertNotIn(("raw6", ""), held)
        self.assertEqual({protocol for kind, protocol in held if kind == "packet"}, {CAPTURES})

    def check_sockets_of_courier(self, pid):
        held = sockets(pid)
        self.assertEqual([protocol for kind, protocol in held if kind == "packet"], ["0000"])
        self.assertNotIn("socket:", Path(f"/proc/{pid}/maps").read_text())  # a capture's ring
        kinds = [kind for kind, _ in held]
        self.assertEqual(kinds.count("/dev/null"), 3)
        self.assertEqual((kinds.count("raw"), kinds.count("raw6"), kinds.count("unix")), (1, 1, 1))
        self.assertLessEqual(set(kinds), {"/dev/null", "packet", "raw", "raw6", "unix", "unlisted"})
        self.assertEqual(kinds.count("unlisted"), 2)  # of the kernel's three, those not connected yet

    def check_cell(self, pid):
        told, most = status(pid), limits(pid)
        self.assertEqual(told["Seccomp"], "2")
        for name in ("Max processes", "Max open files", "Max file size", "Max core file size"):
            self.assertEqual(most[name], ("0", "0"), name)
        size = int(told["VmSize"].split()[0]) * 1024
        self.assertLessEqual(int(most["Max address space"][1]), size + (1 << 20))
        self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0)  # it is not dumpable


class Ended(Probe):
    """Whichever of the two ends first, and when."""

    def assert_no_fault_of_ours(self, ended):
        if ended.code == support.UNAVAILABLE:  # it had not begun
            self.assert_one_line_error(ended, support.UNAVAILABLE)
            self.assertIn("the process that sends packets", ended.err)
            return
        report = self.assert_verdict(ended)
        self.assertRegex("\n".join(report["not_observed"]), "the process that sends packets")
        self.assertFalse(report["verdict"]["cause"].startswith("client."), report["verdict"])

    def test_with_the_probe(self):
        for moment in (0, 0.3):
            with self.subTest(moment=moment):
                run = self.start()
                self.courier()
                time.sleep(moment)
                run.send(signal.SIGKILL)
                run.end()
                self.assert_nothing_left()

    def test_the_courier_alone(self):
        for how, moment in (
            (signal.SIGKILL, 0),
            (signal.SIGKILL, 0.1),
            (signal.SIGKILL, 0.7),
            (signal.SIGSTOP, 0.02),
            (signal.SIGSTOP, 0.3),
        ):
            with self.subTest(signal=how, moment=moment):
                run = self.start()
                courier = self.courier()
                time.sleep(moment)
                os.kill(courier, how)
                self.assert_no_fault_of_ours(self.end(run, 8))
                self.assert_nothing_left()


class Several(Case):
    """A name with as many addresses as are probed at once, for somebody who is not root."""

    ADDRESSES = (VM, "20.99.0.71", "20.99.0.72", "20.99.0.73")
    USER = 20022

    def test_with_the_capabilities_of_the_file(self):
        folder = self.folder()
        program, hosts = folder / "sshwhy", folder / "hosts"
        shutil.copy(support.PROGRAM, program)
        subprocess.run(["setcap", "cap_net_raw,cap_net_admin+ep", program], check=True)
        hosts.write_text("".join(f"{address} several\n" for address in self.ADDRESSES))
        become = f"exec setpriv --reuid={self.USER} --regid={self.USER} --clear-groups"
        script = f'mount --bind "$0" /etc/hosts && {become} "$@"'
        words = [*lab.on("client"), "unshare", "--mount", "sh", "-c", script, hosts, program, "probe", "--json", "several"]
        with subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE, text=True) as process:
            courier = wait_until(lambda: [pid for pid, name in processes().items() if name == COURIER])[0]
            told = wait_until(lambda: status(courier)["Seccomp"] == "2" and status(courier))
            self.assertEqual((set(told["Uid"].split()), int(told["CapPrm"], 16)), ({str(self.USER)}, 0))
            report = json.loads(process.communicate()[0])
        self.assertNotRegex("\n".join(report["not_observed"]), "the process that sends packets")
        self.assertEqual((report["target"]["host"], report["verdict"]["outcome"]), ("several", "ambiguous"))
        asked = [also["text"].split()[1] for also in report["also"] if also["text"].startswith("address ")]
        self.assertEqual({report["target"]["address"], *asked}, set(self.ADDRESSES))


# Stands for a stranger who has got the better of a process and does there what $TRY says: in the courier
# behind its first connect(), in the probe with a letter to the courier.
STRANGER = """
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int in_courier;
static const char *try = "";
static int (*real_connect)(int, const struct sockaddr *, socklen_t);
static ssize_t (*real_send)(int, const void *, size_t, int);

__attribute__((constructor)) static void prepare(void)
{
	try = getenv("TRY");
	real_connect = dlsym(RTLD_NEXT, "connect");
	real_send = dlsym(RTLD_NEXT, "send");
}

int prctl(int option, ...)
{
	int (*real_prctl)(int, ...) = dlsym(RTLD_NEXT, "prctl"); /* other libraries prepare first */
	unsigned long a[4];
	va_list list;
	va_start(list, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	in_courier |= option == PR_SET_NAME && strcmp((char *)a[0], "sshwhy courier") == 0;
	return real_prctl(option, a[0], a[1], a[2], a[3]);
}

int connect(int fd, const struct sockaddr *to, socklen_t length)
{
	struct sockaddr name = { 0 };
	int told = real_connect(fd, to, length);
	if (!in_courier)
		return told;
	if (strcmp(try, "file") == 0)
		open("/etc/passwd", O_RDONLY);
	else if (strcmp(try, "socket") == 0)
		socket(AF_INET, SOCK_DGRAM, 0);
	else if (strcmp(try, "program") == 0)
		execl("/run/nothing", "nothing", (char *)0);
	else if (strcmp(try, "child") == 0)
		fork();
	else if (strcmp(try, "hear") == 0)
		recv(4, (char[64]){ 0 }, 64, MSG_DONTWAIT);
	else if (strcmp(try, "everything") == 0)
		setsockopt(4, SOL_SOCKET, SO_DETACH_FILTER, "", 0);
	else if (strcmp(try, "sender") == 0)
		real_connect(4, &name, sizeof(name));
	else if (strcmp(try, "trace") == 0)
		kill(getppid(), 0);
	return told;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
	char changed[2048];
	int type = 0;
	socklen_t size = sizeof(type);
	if (!in_courier)
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	if (strcmp(try, "port") != 0 || type != SOCK_SEQPACKET || length > sizeof(changed))
		return real_send(fd, bytes, length, flags);
	memcpy(changed, bytes, length);
	changed[8] = 25; /* where a letter has the remote port */
	return real_send(fd, changed, length, flags);
}
"""


class Breach(Probe):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.library = Path(folder.name, "stranger.so")
        command = ["cc", "-D_GNU_SOURCE", "-include", "signal.h", "-shared", "-fPIC", "-o", cls.library, "-xc", "-"]
        subprocess.run(command, input=STRANGER, text=True, check=True)

    def not_observed(self, what, *arguments):
        run = self.start(*arguments, before=["env", f"LD_PRELOAD={self.library}", f"TRY={what}"])
        return self.assert_verdict(self.end(run, 8))["not_observed"]

    def test_the_library_alone_harms_nothing(self):
        self.assertNotRegex("\n".join(self.not_observed("nothing", "--timeout", "1")), "process that sends")

    def test_in_the_courier(self):
        for what in ("file", "socket", "program", "child", "hear", "everything", "sender", "trace"):
            with self.subTest(what=what):
                self.assertIn("the process that sends packets has ended", self.not_observed(what))

    def test_in_the_probe(self):
        self.assertIn(
            "the process that sends packets was asked for what no plan does, and refused", self.not_observed("port")
        )


if __name__ == "__main__":
    support.main()
