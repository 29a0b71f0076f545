"""Network namespaces as hosts: be in the network of one, find and end what runs in it.

A host has its own network, and a folder of the lab's own that is /run to everything
in it; files in its /run/etc stand in place of those in /etc (enter.c). Nothing else differs
from the machine: same files, same process table.
"""

import ctypes
import os
import re
import signal
import time
from contextlib import contextmanager
from pathlib import Path

NETNS = Path("/run/netns")

CLONE_NEWNET = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def network(name):
    """This thread is in the network of namespace `name`, and in its own again afterwards."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        other = os.open(NETNS / name, os.O_RDONLY)
        try:
            _set_network(other)
        finally:
            os.close(other)
        try:
            yield
        finally:
            _set_network(own)
    finally:
        os.close(own)


def _set_network(handle):
    if libc.setns(handle, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


def packet_sockets():
    """How many packet sockets this network has."""
    return len(Path("/proc/thread-self/net/packet").read_text(encoding="ascii").splitlines()) - 1


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def residents(hosts, pids):
    """Those of the processes that are of these hosts, [(name, run)]: in the network, or with the /run."""
    networks = {os.stat(NETNS / name).st_ino for name, _ in hosts if exists(name)}
    folders = "|".join("/".join(run.parts[-3:]) for _, run in hosts)
    folder = re.compile(rf"/({folders})(//deleted)? /run ")
    with_run = {}  # by the number of the mounts: most processes share theirs, which are long to read
    found = []
    for pid in pids:
        try:
            mounts = os.stat(f"/proc/{pid}/ns/mnt").st_ino
            if mounts not in with_run:
                with_run[mounts] = folder.search(Path(f"/proc/{pid}/mountinfo").read_text())
            if with_run[mounts] or os.stat(f"/proc/{pid}/ns/net").st_ino in networks:
                found.append(pid)
        except OSError:
            pass  # it ended meanwhile
    return found


def members(sessions):
    """The processes of these sessions."""
    return [pid for pid in processes() if session_of(pid) in sessions] if sessions else []


def session_of(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None  # it ended meanwhile


def life(pid):
    """When a process began, and how often it has left the processor; None unless it is asleep.

    Where both are what they were, it has not run since.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        switches = re.findall(r"ctxt_switches:\t(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return [pid, fields[18], *switches] if state == "S" else None


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
