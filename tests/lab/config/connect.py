#!/usr/bin/python3
"""Refuses connect() to a TCP port in a BPF program of the control group, as security software does.

usage: connect.py PORT

No packet is made, no firewall asked: connect() fails with EPERM. The program is attached to the
root of the control groups, looks for the network it was started in, lets all others be, and lasts
as long as this process.
"""

import ctypes
import os
import signal
import socket
import struct
import sys
import tempfile

from hook import LINK_CREATE, PROG_LOAD, bpf

SOCK_ADDR = 18
CONNECT4, CONNECT6 = 10, 11
NETNS_COOKIE = 122  # bpf_get_netns_cookie()
SO_NETNS_COOKIE = 71
PORT_AT = 24  # struct bpf_sock_addr, user_port, in network byte order


def instruction(code, registers=0, offset=0, value=0):
    return struct.pack("<BBhi", code, registers, offset, value)


def program(cookie, port):
    low, high = struct.unpack("<ii", struct.pack("<Q", cookie))
    (wanted,) = struct.unpack("<I", struct.pack("!HH", port, 0))
    return b"".join(
        (
            instruction(0xBF, 0x16),  # r6 = the context
            instruction(0x85, value=NETNS_COOKIE),  # r0 = the cookie of its network
            instruction(0x18, 0x02, value=low),  # r2 = ours
            instruction(0, value=high),
            instruction(0x5D, 0x20, offset=4),  # another network's: let it be
            instruction(0x61, 0x63, offset=PORT_AT),
            instruction(0x55, 0x03, offset=2, value=wanted),  # another port
            instruction(0xB7, value=0),  # refuse
            instruction(0x95),
            instruction(0xB7, value=1),
            instruction(0x95),
        )
    )


def load(code, kind):
    code = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    head = struct.pack("<IIQQ", SOCK_ADDR, len(code) // 8, ctypes.addressof(code), ctypes.addressof(licence))
    # log level, size and buffer, version and flags, name, interface, expected attach type
    return bpf(PROG_LOAD, head + struct.pack("<IIQII16sII", 0, 0, 0, 0, 0, b"refuse", 0, kind))


def main(port):
    with socket.socket() as here:
        (cookie,) = struct.unpack("Q", here.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8))
    groups = tempfile.mkdtemp(dir="/run")
    if ctypes.CDLL(None).mount(b"cgroup2", groups.encode(), b"cgroup2", 0, None) != 0:
        sys.exit("connect.py: cannot mount the control groups")
    root = os.open(groups, os.O_RDONLY)
    for kind in (CONNECT4, CONNECT6):
        bpf(LINK_CREATE, struct.pack("<IIII", load(program(cookie, int(port)), kind), root, kind, 0))
    print("in place", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
