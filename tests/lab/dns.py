#!/usr/bin/python3
"""A DNS server for a handful of names: dns.py ADDRESS FILE (FILE as /etc/hosts).

Answers A, AAAA and PTR over UDP; a name that FILE lacks does not exist (NXDOMAIN). An address is
called what FILE calls it first.
"""

import ipaddress
import socket
import struct
import sys

A, PTR, AAAA = 1, 12, 28
ANSWER, AUTHORITATIVE, RECURSION_WANTED, RECURSION_DONE = 0x8000, 0x0400, 0x0100, 0x0080
NXDOMAIN = 3
TTL_SECONDS = 5


def read_names(path):
    """{name: [(type, data), ...]}"""
    names = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            address, *aliases = line.split("#")[0].split() or [None]
            for name in aliases:
                data = ipaddress.ip_address(address).packed
                names.setdefault(name, []).append((A if len(data) == 4 else AAAA, data))
            for name in aliases[:1]:
                names.setdefault(ipaddress.ip_address(address).reverse_pointer, [(PTR, encode(name))])
    return names


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"


def read_question(query):
    """(name, type, the question's bytes) of the only question in a query."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    (kind,) = struct.unpack_from("!H", query, at + 1)
    return ".".join(labels), kind, query[12 : at + 5]


def answer(query, names):
    name, kind, question = read_question(query)
    (identity, flags) = struct.unpack_from("!HH", query)
    flags = ANSWER | AUTHORITATIVE | RECURSION_DONE | (flags & RECURSION_WANTED)
    flags |= 0 if name in names else NXDOMAIN
    records = [
        struct.pack("!HHHIH", 0xC00C, kind, 1, TTL_SECONDS, len(data)) + data
        for its, data in names.get(name, [])
        if its == kind
    ]
    header = struct.pack("!HHHHHH", identity, flags, 1, len(records), 0, 0)
    return header + question + b"".join(records)


def main(address, path):
    names = read_names(path)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        query, client = server.recvfrom(512)
        try:
            reply = answer(query, names)
        except (IndexError, UnicodeDecodeError, struct.error):
            continue  # not a question
        server.sendto(reply, client)


if __name__ == "__main__":
    main(*sys.argv[1:])
