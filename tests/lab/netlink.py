"""Netlink: what the kernel says of the network that this thread is in, and is told to do there."""

import os
import socket
import struct

ROUTE, SOCKETS, NETFILTER = 0, 4, 12  # families of netlink sockets
REQUEST, ACK, DUMP = 1, 4, 0x300
ERROR, DONE = 2, 3
HEADER = struct.Struct("=IHHII")


def ask(family, kind, body, flags=ACK):
    """Sends one message; returns the bodies of all that is answered."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family) as netlink:
        netlink.send(HEADER.pack(HEADER.size + len(body), kind, REQUEST | flags, 1, 0) + body)
        bodies = []
        while True:
            for its, answer in split(netlink.recv(1 << 18)):
                if its == ERROR and (error := -struct.unpack_from("=i", answer)[0]):
                    raise OSError(error, f"netlink {family}, message {kind}: {os.strerror(error)}")
                if its in (ERROR, DONE):
                    return bodies
                bodies.append(answer)


def split(data):
    """The kind and the body of each message."""
    at = 0
    while at < len(data):
        length, kind, *_ = HEADER.unpack_from(data, at)
        yield kind, data[at + HEADER.size : at + length]
        at += length + 3 & ~3


def attributes(data, at):
    """{kind: bytes} of what stands after the fixed part of a body."""
    found = {}
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += length + 3 & ~3
    return found


# Links, addresses, routes


LINK, ADDRESS, GET_ROUTE, DELETE_ROUTE = 18, 22, 26, 25
OF_KERNEL, OF_BOOT = 2, 3  # who made a route: `ip` when it is not said
IS_CACHED = 0x200


def configuration():
    """What somebody may have configured here, in a form to compare: no counters, no ages, no carrier."""
    return sorted(
        repr(line)
        for line in [
            *map(link, ask(ROUTE, LINK, struct.pack("=BxHiIIHHI", 0, 0, 0, 0, 0, 8, 29, 8), DUMP)),
            *map(address, ask(ROUTE, ADDRESS, bytes(8), DUMP)),
            *(route(body) for body in routes() if not is_of_kernel(body)),
        ]
    )


def link(body):
    IS_ADMINISTRATIVE = ~0x10070040  # no carrier, and what follows from one
    NAME, MTU, MASTER, HARDWARE = 3, 4, 10, 1
    _, kind, index, flags, _ = struct.unpack_from("=BxHiII", body)
    its = attributes(body, 16)
    return "link", kind, index, flags & 0xFFFFFFFF & IS_ADMINISTRATIVE, [its.get(key) for key in (NAME, MTU, MASTER, HARDWARE)]


def address(body):
    LOCAL, ADDRESS, FLAGS = 2, 1, 8
    IS_LASTING = ~0x44  # neither tentative nor optimistic, which pass
    family, length, flags, scope, index = struct.unpack_from("=BBBBi", body)
    its = attributes(body, 8)
    return "address", family, length, flags & IS_LASTING, scope, index, its.get(LOCAL), its.get(ADDRESS)


def route(body):
    AGES, EXPIRES = 12, 23
    IS_REACHABLE = ~0x11  # neither dead nor without carrier
    *fixed, flags = struct.unpack_from("=8BI", body)
    its = attributes(body, 12)
    return "route", fixed, flags & 0xFFFFFFFF & IS_REACHABLE, sorted(pair for pair in its.items() if pair[0] not in (AGES, EXPIRES))


def routes():
    """All routes, and what was learnt about some (path MTU, redirects), which the kernel keeps with them."""
    return [
        body
        for family in (socket.AF_INET, socket.AF_INET6)
        for body in ask(ROUTE, GET_ROUTE, struct.pack("=8BI", family, *[0] * 8), DUMP)
    ]


def is_cached(body):
    return struct.unpack_from("=8BI", body)[8] & IS_CACHED != 0


def is_of_kernel(body):
    return body[5] == OF_KERNEL and not is_cached(body)


def flush_routes():
    """Deletes the routes that somebody has made, and so what was learnt about them."""
    for body in routes():
        if body[5] == OF_BOOT and not is_cached(body):
            ask(ROUTE, DELETE_ROUTE, body)


# Netfilter


def rules_count():
    """How often the nftables here were changed, ever."""
    GET_GENERATION, GENERATION = 0x0A10, 1
    (answer,) = ask(NETFILTER, GET_GENERATION, bytes(4))
    return int.from_bytes(attributes(answer, 4)[GENERATION], "big")


def has_rules():
    """Whether there is any table of nftables."""
    GET_TABLE = 0x0A01
    return bool(ask(NETFILTER, GET_TABLE, bytes(4), DUMP))


def forget_connections():
    """Empties the table of connection tracking."""
    DELETE_CONNECTIONS = 0x0102
    ask(NETFILTER, DELETE_CONNECTIONS, bytes(4))


# Sockets


def listens(port):
    """Whether something listens on a port, TCP or UDP."""
    BY_FAMILY, LISTENING, ANY_STATE = 20, 1 << 10, 0xFFFFFFFF
    questions = [(socket.IPPROTO_TCP, LISTENING), (socket.IPPROTO_UDP, ANY_STATE)]
    return any(
        struct.unpack_from("!H", body, 4)[0] == port
        for protocol, states in questions
        for family in (socket.AF_INET, socket.AF_INET6)
        for body in ask(SOCKETS, BY_FAMILY, struct.pack("=BBBxI", family, protocol, 0, states) + bytes(48), DUMP)
    )
