"""Packets of others' conversations, for captures made by the tests: Ethernet, IPv4, TCP."""

import ipaddress
import struct

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
HELLO = b"SSH-2.0-OpenSSH_9.6\r\n"
START = 1700000000.0
ETHERNET = 1


def packed(address):
    return ipaddress.ip_address(address).packed


def ethernet(packet):
    return bytes.fromhex("020000000001020000000002") + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


def ip(source, destination, protocol, payload, ttl=64):
    if ":" in source:
        return struct.pack(">IHBB", 6 << 28, len(payload), protocol, ttl) + packed(source) + packed(destination) + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, ttl, protocol, 0)
    return head + packed(source) + packed(destination) + payload


def tcp(ports, sequence, acknowledgement, flags, payload=b""):
    return struct.pack(">HHIIBBHHH", *ports, sequence, acknowledgement, 5 << 4, flags, 64240, 0, 0) + payload


class Talk:
    """The packets of one connection, each with the time at which it was seen."""

    def __init__(self, client, server, ports=(40000, 22), at=0.0, ttls=(64, 59)):
        self.client, self.server, self.ports, self.ttls = client, server, ports, ttls
        self.at, self.frames = START + at, []
        self.up, self.down = 1000, 2000  # the next sequence numbers

    def add(self, from_client, flags, payload=b"", after=0.01, sequence=None, ttl=None):
        self.at += after
        ends = (self.client, self.server) if from_client else (self.server, self.client)
        ports = self.ports if from_client else self.ports[::-1]
        mine, other = (self.up, self.down) if from_client else (self.down, self.up)
        number = mine if sequence is None else sequence
        segment = tcp(ports, number, other if flags & ACK else 0, flags, payload)
        frame = ethernet(ip(*ends, 6, segment, ttl or self.ttls[0 if from_client else 1]))
        self.frames.append((self.at, frame))
        if sequence is None:
            length = len(payload) + bool(flags & (SYN | FIN))
            if from_client:
                self.up += length
            else:
                self.down += length
        return self

    def syn(self, **how):
        return self.add(True, SYN, **how)

    def silence(self, times=(0, 1, 2, 4)):
        for n, after in enumerate(times):
            self.add(True, SYN, after=after, sequence=1000)
        return self

    def refused(self):
        self.syn()
        self.up = 1001
        return self.add(False, RST | ACK, sequence=0)

    def connect(self):
        return self.syn().add(False, SYN | ACK).add(True, ACK)

    def closed(self):
        """Accepted, then closed without a word."""
        return self.connect().add(False, FIN | ACK).add(True, ACK).add(True, FIN | ACK)

    def not_ssh(self, words=b"HTTP/1.1 400 Bad Request\r\n\r\n"):
        return self.connect().add(True, PSH | ACK, HELLO).add(False, PSH | ACK, words).add(False, FIN | ACK)

    def unreachable(self, router, code=13):
        """A router's ICMP error, which quotes the SYN."""
        quoted = ip(self.client, self.server, 6, tcp(self.ports, 1000, 0, SYN), 60)
        message = struct.pack(">BBHI", 3, code, 0, 0) + quoted
        self.at += 0.01
        self.frames.append((self.at, ethernet(ip(router, self.client, 1, message, 62))))
        return self


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def count(code, number):
    """An option of a pcapng block."""
    return struct.pack("<HHQ", code, 8, number)


def pcapng(frames, statistics=b"", lost_before=None):
    """Of one interface. `statistics`: options of its statistics block; `lost_before` a frame, by its index."""
    blocks = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, struct.pack("<HHI", ETHERNET, 0, 0))]
    for index, (at, frame) in enumerate(frames):
        stamp = round(at * 1000000)
        body = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame)) + frame
        lost = (lost_before or {}).get(index)
        blocks.append(block(6, body + b"\0" * (-len(body) % 4) + (count(4, lost) if lost else b"")))
    if statistics:
        blocks.append(block(5, bytes(12) + statistics))
    return b"".join(blocks)


def tick(at):
    """A frame of somebody else's, so that time goes on."""
    frame = ethernet(ip("10.9.9.9", "10.9.9.8", 17, b"\0" * 20))
    return [(START + at, frame), (START + at + 0.001, frame)]


def records(frames):
    return b"".join(
        struct.pack("<IIII", int(at), int(at % 1 * 1000000), len(frame), len(frame)) + frame for at, frame in frames
    )


def head(link=ETHERNET):
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)


def pcap(*talks):
    """All of them in one capture, in the order of time."""
    frames = [frame for talk in talks for frame in (talk.frames if isinstance(talk, Talk) else talk)]
    return head() + records(sorted(frames, key=lambda frame: frame[0]))
