"""Network namespaces as hosts: enter one, start daemons in it, end what runs in it.

A host has its own network, and a folder of the lab's own that is /run to everything
in it; files in its /run/etc stand in place of those in /etc. Nothing else differs
from the machine: same files, same process table.
"""

import ctypes
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

NETNS = Path("/run/netns")

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_BIND, MS_REC, MS_SLAVE = 0x1000, 0x4000, 0x80000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


def _call(function, *arguments):
    if function(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{function.__name__}: {os.strerror(error)}")


def _mount(source, target, kind=None, flags=0):
    _call(libc.mount, *(a and str(a).encode() for a in (source, target, kind)), flags, None)


def enter_network(name):
    """This process moves to the network of namespace `name`, and stays in its files."""
    handle = os.open(NETNS / name, os.O_RDONLY)
    _call(libc.setns, handle, CLONE_NEWNET)
    os.close(handle)


def enter(name, run):
    """This process becomes one of host `name`, whose /run is the folder `run`."""
    enter_network(name)
    _call(libc.unshare, CLONE_NEWNS)
    _mount(None, "/", flags=MS_SLAVE | MS_REC)
    _mount("sysfs", "/sys", "sysfs")
    for file in (run / "etc").iterdir():
        _mount(file, Path("/etc", file.name).resolve(), flags=MS_BIND)
    _mount(run, "/run", flags=MS_BIND)


# What tells of the person who runs the lab: on a host there is only root.
PERSONAL = ("SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND", "SSH_AUTH_SOCK", "LD_PRELOAD")


def execute(command):
    """This process becomes the command, without the signals Python ignores."""
    for name in PERSONAL:
        os.environ.pop(name, None)
    os.environ["HOME"] = "/run/home"
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        os._exit(127)


def fork(work):
    """Runs work() in a child; the child's exit status is 1 when it raised."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        os.write(2, f"lab: {error}\n".encode())
    finally:
        os._exit(status)


def in_parallel(works):
    """Runs each of the functions in its own child; raises if one failed."""

    def run_while_parent_lives(work):
        _call(libc.prctl, PR_SET_PDEATHSIG, signal.SIGKILL)
        work()

    children = [fork(partial(run_while_parent_lives, work)) for work in works]
    statuses = [os.waitpid(child, 0)[1] for child in children]
    if any(statuses):
        raise RuntimeError("part of that failed")


def start(name, run, daemon, command):
    """Starts a daemon on a host; its pid goes to /run/DAEMON.pid there, its output to DAEMON.log."""

    def work():
        (run / f"{daemon}.pid").write_text(f"{os.getpid()}\n")
        log = os.open(run / f"{daemon}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        enter(name, run)
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        for stream, target in ((0, null), (1, log), (2, log)):
            os.dup2(target, stream)
        os.chdir("/")
        execute(command)

    return fork(work)


def wait_for(ready, pid, seconds=10.0):
    """Waits until ready(); raises when the child `pid`, which is to bring that about, ends before."""
    deadline = time.monotonic() + seconds
    while not ready():
        if os.waitpid(pid, os.WNOHANG)[0]:
            raise RuntimeError("it has ended")
        if time.monotonic() > deadline:
            raise RuntimeError("it does not get ready")
        time.sleep(0.003)


def listens(port):
    """Whether this network has a listener on a port, TCP or UDP."""
    wanted = re.compile(rf"^ *\d+: [0-9A-F]+:{port:04X} [0-9A-F]+:[0-9A-F]+ (\w+)", re.MULTILINE)
    return any(
        state == "0A" or table.startswith("udp")
        for table in ("tcp", "tcp6", "udp", "udp6")
        for state in wanted.findall(Path("/proc/self/net", table).read_text(encoding="ascii"))
    )


def packet_sockets():
    """How many packet sockets this network has."""
    return len(Path("/proc/self/net/packet").read_text(encoding="ascii").splitlines()) - 1


def residents(hosts):
    """The processes of these hosts, [(name, run)]: those in the network, those with the /run."""
    networks = {os.stat(NETNS / name).st_ino for name, _ in hosts if exists(name)}
    folders = "|".join("/".join(run.parts[-3:]) for _, run in hosts)
    folder = re.compile(rf"/({folders})(//deleted)? /run ")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = os.stat(process / "ns/net").st_ino in networks
            if here or folder.search((process / "mountinfo").read_text()):
                found.append(int(process.name))
        except OSError:
            pass  # it ended meanwhile
    return found


def session_of(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None  # it ended meanwhile


def exists(name):
    return (NETNS / name).exists()


def end(list_pids, seconds=20.0):
    """Kills the processes list_pids() returns, until it returns none."""
    deadline = time.monotonic() + seconds
    while pids := list_pids():
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes that do not end: {pids}")
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.002)


def forget_connections():
    """Empties the connection tracking table of this network namespace (ctnetlink)."""
    NFNL_CTNETLINK_DELETE, REQUEST_ACK = 0x0102, 0x0005
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
        netlink.send(struct.pack("=IHHIIBBH", 20, NFNL_CTNETLINK_DELETE, REQUEST_ACK, 1, 0, 0, 0, 0))
        (error,) = struct.unpack_from("=i", netlink.recv(4096), 16)
    if error:
        raise OSError(-error, "cannot empty the connection tracking table")
