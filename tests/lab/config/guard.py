"""Ends every TCP connection of this host to port 22, a millisecond after it comes: what some security
software does. `ss -K` in a loop does the same, but not always before a server has said its first word.

sock_diag(7): a dump of the connections, SOCK_DESTROY for each that is to end.
"""
import os
import socket
import struct
import time

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, SOCK_DESTROY = 4, 20, 21
REQUEST, DUMP = 0x1, 0x300
DONE_OR_ERROR = (2, 3)
OPEN = 1 << 1  # established
HEADER, SOCKET_ID = struct.Struct("=IHHII"), slice(4, 52)  # of an inet_diag_msg: ports, addresses, cookie


def message(kind, flags, family, states, socket_id=bytes(48)):
    body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, states) + socket_id
    return HEADER.pack(HEADER.size + len(body), kind, REQUEST | flags, 1, 0) + body


def connections(diag, family):
    """What identifies each connection, as the kernel lists it."""
    diag.send(message(SOCK_DIAG_BY_FAMILY, DUMP, family, OPEN))
    while True:
        data = diag.recv(65536)
        while data:
            length, kind = HEADER.unpack_from(data)[:2]
            if kind in DONE_OR_ERROR:
                return
            yield data[HEADER.size:length][SOCKET_ID]
            data = data[(length + 3) & ~3:]


def main():
    # ahead of all that is busy: a server speaks a few milliseconds after it has accepted
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
    print("in place", flush=True)
    while True:
        for family in (socket.AF_INET, socket.AF_INET6):
            for one in list(connections(diag, family)):
                if struct.unpack_from("!HH", one)[1] == 22:
                    diag.send(message(SOCK_DESTROY, 0x4, family, OPEN, one))
                    diag.recv(65536)  # its acknowledgement
        time.sleep(0.001)


main()
