#!/usr/bin/python3
"""Drops TCP from or to a port in a BPF program at an interface, as security software does.

usage: hook.py INTERFACE egress|ingress PORT

The hook lies below the firewall, whose lists do not show it, and lasts as long as this process.
The port is the destination's on the way out and the source's on the way in.
"""

import ctypes
import platform
import signal
import socket
import struct
import sys

BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
PROG_LOAD, LINK_CREATE = 5, 28
SCHED_CLS = 3
ATTACH = {"ingress": (46, 0), "egress": (47, 2)}  # TCX, and where TCP has the port
NEXT, DROP = -1, 2


# Instructions: code, value, and where to jump when the value is another.
FRAME, BYTE, HALF, UNLESS, SET, EXIT = 0xBF, 0x30, 0x28, 0x55, 0xB7, 0x95


def program(port, at):
    """Ethernet's type is at 12; IPv4 has its protocol at 9 and 20 bytes, IPv6 at 6 and 40."""
    lines = [
        (FRAME, 0), (HALF, 12),
        (UNLESS, 0x0800, "v6"), (BYTE, 14 + 9), (UNLESS, 6, "next"), (HALF, 14 + 20 + at),
        (UNLESS, port, "next"), (SET, DROP), (EXIT, 0),
        "v6",
        (UNLESS, 0x86DD, "next"), (BYTE, 14 + 6), (UNLESS, 6, "next"), (HALF, 14 + 40 + at),
        (UNLESS, port, "next"), (SET, DROP), (EXIT, 0),
        "next",
        (SET, NEXT), (EXIT, 0),
    ]  # fmt: skip
    places, code = {}, []
    for line in lines:
        if isinstance(line, str):
            places[line] = len(code)
        else:
            code.append(line)
    return b"".join(
        struct.pack("<BBhi", what, 0x16 if what == FRAME else 0, places[to[0]] - at - 1 if to else 0, value)
        for at, (what, value, *to) in enumerate(code)
    )


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"))
    result = ctypes.CDLL(None, use_errno=True).syscall(BPF, command, buffer, len(buffer))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    return result


def main(interface, way, port):
    kind, at = ATTACH[way]
    code = program(int(port), at)
    code, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    addresses = ctypes.addressof(code), ctypes.addressof(licence)
    loaded = bpf(PROG_LOAD, struct.pack("<IIQQ", SCHED_CLS, len(code) // 8, *addresses))
    bpf(LINK_CREATE, struct.pack("<IIII", loaded, socket.if_nametoindex(interface), kind, 0))
    print("in place", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
