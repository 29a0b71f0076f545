#!/usr/bin/python3
"""Captures that are made to cost: bombs.py KIND writes one to stdout, gzipped. Without KIND: their names.

Each is made of few bytes that repeat, so that a small file asks for much memory, or much time.
"""

import json
import struct
import sys
import zlib

from traffic import ACK, HELLO, PSH, SYN, START, Talk, ethernet, ip, tcp

CLIENT, VM = "10.20.0.10", "20.99.0.4"
LONGEST = 1 << 20  # frame that is read
NOTES = 1000  # of the longest


# -- pcapng ---------------------------------------------------------------------------------


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def section(*comments):
    head = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    return block(0x0A0D0D0A, head + b"".join(option(1, text) for text in comments) + option(0, b""))


def long_section(count, options):
    """A section header of `count` times the options, in pieces."""
    length = 28 + count * len(options) + 4
    yield struct.pack("<IIIHHq", 0x0A0D0D0A, length, 0x1A2B3C4D, 1, 0, -1)
    for _ in range(count):
        yield options
    yield option(0, b"") + struct.pack("<I", length)


def interface(options=b""):
    return block(1, struct.pack("<HHI", 1, 0, 0) + options)


def packet(frame, at=0.0, options=b""):
    stamp = int((START + at) * 1000000)
    head = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame + bytes(-len(frame) % 4) + options)


# -- runs of sshwhy's own ---------------------------------------------------------------------

NS = int(START * 1000000000)
QUESTION = {"sshwhy": "run/1", "host": VM, "address": VM, "port": 22, "vantage": "client", "interface": "eth0",
            "local": CLIENT, "mtu": 1500, "started": NS, "stopped": NS + 10 * 10**9}  # fmt: skip


def note(**fields):
    return json.dumps(fields).encode()


def opening(port, purpose="ssh", way="kernel", remote=22):
    return note(event="open", time=NS, way=way, purpose=purpose, local_port=port, remote_port=remote)


def run(*notes):
    return section(json.dumps(QUESTION).encode(), *notes) + interface()


def talk(port, at=0.0, remote=22):
    return Talk(CLIENT, VM, (port, remote), at)


def frames_of(one):
    return b"".join(packet(frame, at - START) for at, frame in one.frames)


def long_frames():
    """Each as long as a frame may be."""
    yield run(opening(61000))
    yield frames_of(talk(61000).connect())
    frame = packet(ethernet(ip(VM, CLIENT, 6, tcp((22, 61000), 2001, 1001, ACK, bytes(60000))))[:60000].ljust(LONGEST - 64, b"\0"), 1)
    for _ in range(200):
        yield frame


def short_frames():
    """As many as there may be."""
    yield run(opening(61000))
    yield frames_of(talk(61000).connect())
    many = packet(ethernet(ip(VM, CLIENT, 6, tcp((22, 61000), 2001, 1001, ACK))), 1) * 1000
    for _ in range(1000):
        yield many


def connections():
    """As many as there are notes for, each with what both sides say first."""
    ports = range(20000, 20000 + 4090)
    yield run(*map(opening, ports))
    for port in ports:
        one = talk(port).connect().add(False, PSH | ACK, HELLO).add(True, PSH | ACK, HELLO)
        yield frames_of(one)


def sweeps():
    """SYNs of as many ports as there are notes for."""
    ports = range(20000, 20000 + 4090)
    yield run(*(opening(port, ("sweep", "control")[port % 2], "raw", (22, 80)[port % 2]) for port in ports))
    once = b""
    for port in ports:
        segment = tcp((port, (22, 80)[port % 2]), 1000, 0, SYN)
        once += packet(ethernet(ip(CLIENT, VM, 6, segment, port % 24 + 1)), 1)
    for _ in range(60):
        yield once


def compared():
    """Few ports with all the SYNs that are kept of each, to be compared with one another."""
    ports = range(61000, 61200)
    yield run(*(opening(port, ("sweep", "control")[port % 2], "raw", (22, 80)[port % 2]) for port in ports))
    for n in range(160):
        for port in ports:
            segment = tcp((port, (22, 80)[port % 2]), 1000 + n, 0, SYN)
            yield packet(ethernet(ip(CLIENT, VM, 6, segment, n % 24 + 1)), 1 + n / 100)


def long_notes():
    text = note(event="limit", text="x" * 65000)
    yield from long_section(1, option(1, json.dumps(QUESTION).encode()) + option(1, text) * NOTES)


def escaped_notes():
    """Each byte of which takes more to write than to read."""
    text = note(event="limit", text="\x01" * 10900)
    yield from long_section(1, option(1, json.dumps(QUESTION).encode()) + option(1, text) * NOTES)


def listed_notes():
    """Texts that are lists of bytes, as those are written that are no UTF-8."""
    text = b'{"event":"limit","text":[' + b"7," * 32000 + b"7]}"
    yield from long_section(1, option(1, json.dumps(QUESTION).encode()) + option(1, text) * NOTES)


def nested_notes():
    text = b'{"event":"limit","text":' + b"[" * 65000
    yield from long_section(1, option(1, json.dumps(QUESTION).encode()) + option(1, text) * NOTES)


def many_sections():
    """Notes of as many sections as are wanted."""
    yield run(opening(61000))
    one = section(note(event="limit", text="x" * 60000)) + interface()
    for _ in range(3000):
        yield one


def own_addresses():
    """Each packet is compared with the addresses of this machine."""
    yield run(opening(61000), *(note(event="local", text=f"10.{n >> 8}.{n & 255}.1") for n in range(4090)))
    many = packet(ethernet(ip("10.255.255.1", VM, 6, tcp((61000, 22), 1001, 2001, ACK))), 1) * 1000
    for _ in range(200):
        yield many


def names():
    """What name servers call as many routers as there are notes for."""
    routers = [f"10.{n >> 8}.{n & 255}.1" for n in range(4000)]
    yield run(opening(61000, "sweep", "raw"), *(note(event="name", text=r, detail="r.example") for r in routers))
    for n in range(160):
        syn = ip(CLIENT, VM, 6, tcp((61000, 22), 1000 + n, 0, SYN), n % 24 + 1)
        yield packet(ethernet(syn), 1 + n / 100)
        yield packet(ethernet(ip(routers[-n - 1], CLIENT, 1, struct.pack(">BBHI", 11, 0, 0, 0) + syn)), 1.001 + n / 100)


# -- captures of others ----------------------------------------------------------------------


def others(*heads):
    yield b"".join(heads)
    yield frames_of(talk(40000).refused())


def comments():
    """Of a section: as many and as long as there may be."""
    yield from long_section(4096, option(1, b"x" * 20000))
    yield from others(interface())


def interface_names():
    """Interfaces that have thousands of names each."""
    yield section()
    one = interface(option(2, b"x" * 255) * 3900)
    for _ in range(200):
        yield one
    yield from others()


def interfaces():
    yield section()
    many = interface(option(2, b"x" * 255)) * 1000
    for _ in range(65):
        yield many
    yield from others()


def sections():
    many = (section() + interface(option(2, b"x" * 60))) * 1000
    for _ in range(65):
        yield many
    yield section() * 100000
    yield from others(section(), interface())


def packet_options():
    """Packets of a few bytes with a mebibyte of options."""
    yield section() + interface()
    one = packet(b"x" * 60, options=option(2988, b"x" * 65000) * 15)
    for _ in range(200):
        yield one
    yield from others()


def long_block():
    """A block that nobody reads, half a gigabyte of nothing."""
    yield section() + interface()
    length = (512 << 20) + 12
    yield struct.pack("<II", 0x0BAD, length)
    for _ in range(512):
        yield bytes(1 << 20)
    yield struct.pack("<I", length)
    yield from others()


def long_connection():
    """One conversation of half a gigabyte."""
    yield section() + interface()
    yield frames_of(talk(40000).connect().add(False, PSH | ACK, HELLO).add(True, PSH | ACK, HELLO))
    many = packet(ethernet(ip(VM, CLIENT, 6, tcp((22, 40000), 2022, 1022, ACK, bytes(60000)))), 1) * 16
    for _ in range(500):
        yield many


def attempts():
    """One conversation of very many attempts."""
    yield section() + interface()
    for n in range(50000):
        yield packet(ethernet(ip(CLIENT, VM, 6, tcp((n % 60000 + 1024, 22), n, 0, SYN))), n / 100)


def full_conversations():
    """Each with all that is written down of one."""
    yield section() + interface()
    for n in range(1500):
        server = f"192.0.{n >> 8}.{n & 255}"
        one = Talk(CLIENT, server, (40000, 22), n / 1000).connect()
        for _ in range(6):
            one.add(False, PSH | ACK, b"hello\r\n" * 1000).add(True, PSH | ACK, b"SSH-2.0-" + b"x" * 7000)
        yield frames_of(one)


RUNS = [long_frames, short_frames, connections, sweeps, compared, long_notes, escaped_notes, listed_notes,
        nested_notes, many_sections, own_addresses, names]  # fmt: skip
CAPTURES = [comments, interface_names, interfaces, sections, packet_options, long_block, long_connection,
            attempts, full_conversations]  # fmt: skip
KINDS = {make.__name__.replace("_", "-"): make for make in RUNS + CAPTURES}


def main(kind):
    press = zlib.compressobj(1, wbits=31)
    for piece in KINDS[kind]():
        sys.stdout.buffer.write(press.compress(piece))
    sys.stdout.buffer.write(press.flush())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        print(*KINDS, sep="\n")
