"""One connection as a capture at each end of its way shows it."""

import struct

from traffic import ACK, FIN, HELLO, PSH, RST, START, SYN, ethernet, head, ip, records

COOKIE = bytes(range(7, 23))


def kexinit(cookie=COOKIE, size=1400):
    """A binary packet of RFC 4253 6 that begins as KEXINIT does."""
    body = b"\x14" + cookie
    return struct.pack(">IB", size - 4, 4) + body.ljust(size - 5, b"\0")


class Way:
    """What is sent at one end comes to the other after `delay`, translated, unless it is lost."""

    def __init__(self, client="10.20.0.10", server="20.99.0.4", nat="198.51.100.2", vm="10.1.0.4", ports=(50000, 22),
                 vm_ports=(1024, 22), isn=(0x1A2B3C4D, 0x77665544), changed=(0, 0), stamps=(111111, 222222), at=0.0,
                 ahead=0.0, delay=0.02, hops=4, ids=0x4000):  # fmt: skip
        self.ends = ((client, server), (nat, vm))
        self.ports = (ports, vm_ports)
        self.next = [isn[0], isn[1]]
        self.heard = [0, 0]
        self.changed, self.stamps, self.ahead, self.delay, self.hops = changed, stamps, ahead, delay, hops
        self.at, self.ids = START + at, ids
        self.frames = ([], [])  # at the client, at the VM

    def frame(self, end, from_client, flags, sequence, acknowledgement, payload, ttl, stamped, number):
        ports = self.ports[end] if from_client else self.ports[end][::-1]
        ends = self.ends[end] if from_client else self.ends[end][::-1]
        if end == 1:
            sequence += self.changed[0 if from_client else 1]
            acknowledgement += self.changed[1 if from_client else 0]
        options = b""
        if stamped:
            clock = int((self.at - START) * 1000)
            mine = self.stamps[0 if from_client else 1] + clock
            options = struct.pack(">BBBBII", 1, 1, 8, 10, mine & 0xFFFFFFFF, 0)
        if flags & SYN:
            options = b"\x02\x04\x05\xb4" + options
        text = struct.pack(">HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, acknowledgement & 0xFFFFFFFF if flags & ACK else 0,
                           (20 + len(options)) // 4 << 4, flags, 64240, 0, 0)  # fmt: skip
        packet = bytearray(ip(*ends, 6, text + options + payload, ttl))
        if packet[0] >> 4 == 4:
            packet[4:6] = struct.pack(">H", number)
        return ethernet(bytes(packet))

    def send(self, from_client, flags, payload=b"", after=0.03, lost=False, forged=None, again=False, hidden=()):
        """`forged`: it is seen at that end only, as coming from the other. `again`: it was sent before. `hidden`: the
        captures that do not show it."""
        self.at += after
        self.ids += 1
        side = 0 if from_client else 1
        length = len(payload) + bool(flags & (SYN | FIN))
        sequence = self.next[side] - (length if again else 0)
        numbers = (flags, sequence, self.next[1 - side])
        for end in (0, 1):
            leaves = (end == 0) == from_client
            if end in hidden or (forged is None and lost and not leaves) or (forged is not None and end != forged):
                continue
            seen = self.at + (0 if leaves else self.delay) + (self.ahead if end == 1 else 0)
            ttl = 64 if leaves else 64 - self.hops
            if forged is not None:
                ttl = 63
            frame = self.frame(end, from_client, *numbers, payload, ttl, self.stamps and not flags & RST, self.ids & 0xFFFF)
            self.frames[end].append((seen, frame))
        if not again and forged is None:
            self.next[side] += length
        return self

    def syn(self, **how):
        return self.send(True, SYN, **how)

    def syns(self, times=(0, 1, 2, 4), **how):
        for n, after in enumerate(times):
            self.send(True, SYN, after=after, again=n > 0, **how)
        return self

    def connect(self, **how):
        return self.syn(**how).send(False, SYN | ACK, after=0.05, **how).send(True, ACK, after=0.05, **how)

    def talk(self):
        """Both say who they are and what they can."""
        self.connect().send(False, PSH | ACK, HELLO, after=0.1).send(True, PSH | ACK, HELLO, after=0.1)
        return self.send(True, PSH | ACK, kexinit(), after=0.1).send(False, PSH | ACK, kexinit(COOKIE[::-1], 1000), after=0.1)

    def goes(self, copies, payload, lost=True, first=0.3):
        """The client says something, and says it again."""
        for n in range(copies):
            self.send(True, PSH | ACK, payload, after=first * 2**n, lost=lost, again=n > 0)
        return self


def others(at, ahead=0.0):
    """Somebody on the Internet asks the VM's web server."""
    way = Way(client="203.0.113.9", nat="203.0.113.9", ports=(45000, 80), vm_ports=(45000, 80), at=at, ahead=ahead,
              isn=(int(at * 1000) + 5, 77), stamps=(int(at * 7) + 99, 5), hops=9)  # fmt: skip
    return way.connect().send(True, PSH | ACK, b"GET /\r\n").send(False, PSH | ACK, b"200\r\n")


def capture(end, *ways):
    """What the capture at that end shows of them: 0, the client; 1, the VM."""
    return head() + records(sorted((frame for way in ways for frame in way.frames[end]), key=lambda frame: frame[0]))
