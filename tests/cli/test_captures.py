#!/usr/bin/python3
"""Captures that are missing, damaged, hostile or of something else."""

import base64
import gzip
import os
import random
import struct
import threading

import support
from support import AMBIGUOUS, HEALTHY, MALFORMED, NO_INPUT, RUN, UNKNOWN, USAGE, Case, sshwhy

CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([192, 0, 2, 1])
FIN, SYN, ACK, PSH_ACK, SYN_ACK = 0x01, 0x02, 0x10, 0x18, 0x12


def segment(source, destination, ports, sequence, acknowledgement, flags, payload=b""):
    """A TCP segment over IPv4, without checksums."""
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledgement, 5 << 4, flags, 64240, 0, 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, source, destination) + tcp


def pcap(packets, keep=None):
    """A capture of IP packets, a millisecond apart; of each, it holds `keep` bytes."""
    text = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for number, packet in enumerate(packets):
        held = packet[:keep]
        text += struct.pack("<IIII", 1700000000, number * 1000, len(held), len(packet)) + held
    return text


def conversation(said, port=22):
    """A connection whose server says so."""
    up, down = (40000, port), (port, 40000)
    return pcap(
        [
            segment(CLIENT, SERVER, up, 1, 0, SYN),
            segment(SERVER, CLIENT, down, 1, 2, SYN_ACK),
            segment(CLIENT, SERVER, up, 2, 2, ACK),
            segment(SERVER, CLIENT, down, 2, 2, PSH_ACK, said),
        ]
    )


class Captures(Case):
    def file(self, content, name="capture.pcap"):
        file = self.folder() / name
        file.write_bytes(content)
        return file

    def analyze(self, content):
        return sshwhy("analyze", "--json", self.file(content))


class Missing(Captures):
    def test_no_such_file(self):
        self.assert_one_line_error(sshwhy("analyze", "/no/such/file.pcap"), NO_INPUT)

    def test_folder(self):
        self.assert_one_line_error(sshwhy("analyze", "/"), NO_INPUT)

    def test_others_are_still_analysed(self):
        ended = sshwhy("analyze", "--json", "/no/such/file.pcap", RUN)
        self.assertEqual((ended.code, len(self.assert_reports(ended))), (NO_INPUT, 1))

    def test_name_is_escaped(self):
        ended = sshwhy("analyze", "/no/\x1b[31m\x9b\r\nfile")
        self.assert_one_line_error(ended, NO_INPUT)
        self.assert_clean(ended)


class Other(Captures):
    def test_empty(self):
        self.assert_one_line_error(self.analyze(b""), MALFORMED)

    def test_garbage(self):
        self.assert_one_line_error(self.analyze(b"no capture at all\n" * 100), MALFORMED)

    def test_noise(self):
        self.assert_one_line_error(self.analyze(random.Random(1).randbytes(100000)), MALFORMED)

    def test_no_ssh(self):
        http = segment(CLIENT, SERVER, (40000, 80), 1, 0, SYN)
        for content in (pcap([]), pcap([http]), pcap([b"\0" * 60])):
            ended = self.analyze(content)
            self.assertEqual(ended.code, UNKNOWN)
            self.assertEqual(len(ended.err.splitlines()), 1)

    def test_unknown_link_type(self):
        ended = self.analyze(pcap([segment(CLIENT, SERVER, (40000, 22), 1, 0, SYN)])[:20] + b"\xe7\x03\0\0")
        self.assertIn(ended.code, (UNKNOWN, MALFORMED))


class Damaged(Captures):
    """What precedes the damage is analysed; the damage is told, with its offset."""

    def test_cut(self):
        whole = RUN.read_bytes()
        section = struct.unpack_from("<I", whole, 4)[0]
        for length in range(section + 500, len(whole) - 1, len(whole) // 25):
            length |= 1  # blocks end at multiples of four: this is within one
            with self.subTest(length=length):
                ended = self.analyze(whole[:length])
                self.assertEqual((ended.code, len(self.assert_reports(ended))), (MALFORMED, 1))
                self.assertRegex(ended.err, r"\Asshwhy: [^\n]* at byte \d+[^\n]*\n\Z")

    def test_cut_in_the_head(self):
        for length in (1, 3, 4, 12, 27, 28, 100):
            with self.subTest(length=length):
                ended = self.analyze(RUN.read_bytes()[:length])
                self.assert_one_line_error(ended, MALFORMED)

    def test_cut_pcap(self):
        whole = conversation(b"SSH-2.0-x\r\n")
        ended = self.analyze(whole[:-3])
        self.assertEqual((ended.code, len(self.assert_reports(ended))), (MALFORMED, 1))

    def test_flipped_bits(self):
        """Whatever it is then, it costs no crash and no half line."""
        dice = random.Random(7)
        whole = RUN.read_bytes()
        for _ in range(150):
            content = bytearray(whole)
            for _ in range(dice.choice((1, 3, 30))):
                content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
            ended = self.analyze(bytes(content))
            self.assertIn(ended.code, (HEALTHY, 1, AMBIGUOUS, UNKNOWN, MALFORMED), ended.err)
            self.assert_reports(ended)
            self.assert_clean(ended)

    def test_huge_lengths(self):
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
        ended = self.analyze(head + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 0xFFFFFFFF) + b"\0" * 64)
        self.assertEqual(ended.code, MALFORMED)
        self.assertLess(ended.megabytes, 200)


def session(lines, server=SERVER, acknowledged=None, keep=None):
    """A connection in which each line (who, what) is said and acknowledged, and which the server ends.
    `keep`: bytes of each packet that the capture holds; `acknowledged`: by the client, at the end."""
    up, down = (40000, 22), (22, 40000)
    next_up, next_down = 2, 2
    packets = [
        segment(CLIENT, server, up, 1, 0, SYN),
        segment(server, CLIENT, down, 1, 2, SYN_ACK),
        segment(CLIENT, server, up, 2, 2, ACK),
    ]
    for who, said in lines:
        if who == "client":
            packets.append(segment(CLIENT, server, up, next_up, next_down, PSH_ACK, said))
            next_up += len(said)
            packets.append(segment(server, CLIENT, down, next_down, next_up, ACK))
        else:
            packets.append(segment(server, CLIENT, down, next_down, next_up, PSH_ACK, said))
            next_down += len(said)
            packets.append(segment(CLIENT, server, up, next_up, next_down, ACK))
    if acknowledged:
        packets.append(segment(CLIENT, server, up, next_up, next_down + acknowledged, ACK))
    packets.append(segment(server, CLIENT, down, next_down + (acknowledged or 0), next_up, ACK | FIN))
    return pcap(packets, keep)


def packets_of(content):
    at = 24
    while at < len(content):
        captured = struct.unpack_from("<I", content, at + 8)[0]
        yield content[at + 16 : at + 16 + captured]
        at += 16 + captured


def stamped(content, stamps):
    """The same records at other times, in seconds."""
    head, at, text = content[:24], 24, b""
    for stamp in stamps:
        captured = struct.unpack_from("<I", content, at + 8)[0]
        text += struct.pack("<II", stamp, 0) + content[at + 8 : at + 16 + captured]
        at += 16 + captured
    return head + text


class Odd(Captures):
    """Sound, but not as one is used to."""

    HELLO = session((("server", b"SSH-2.0-x\r\n"),))

    def test_time_goes_back(self):
        for stamps in ([1700000000 - 3600 * i for i in range(6)], [0xFFFFFFFF, 0, 0xFFFFFFFF, 0, 5, 1], [0] * 6):
            with self.subTest(stamps=stamps):
                ended = self.analyze(stamped(self.HELLO, stamps))
                report = self.assert_verdict(ended)
                self.assertGreaterEqual(report["duration_seconds"] or 0, 0)
                self.assert_clean(ended)

    def test_empty_records(self):
        empty = struct.pack("<IIII", 1700000000, 0, 0, 0)
        told = self.assert_verdict(self.analyze(self.HELLO))
        among = self.HELLO[:24] + 1000 * empty + self.HELLO[24:]
        report = self.assert_verdict(self.analyze(among))
        self.assertEqual(report["verdict"], told["verdict"])

    def test_growing_file(self):
        """What is appended meanwhile is read or not; it ends, and what it says is whole."""
        file = self.file(self.HELLO, "growing.pcap")
        stop = threading.Event()

        def grow():
            with file.open("ab", buffering=0) as out:
                for _ in range(200):  # not for ever: a reader that keeps up would read for ever
                    out.write(self.HELLO[24:] * 50 + self.HELLO[24:31])
                    out.write(self.HELLO[31:])
                    if stop.wait(0.001):
                        return

        writer = threading.Thread(target=grow)
        writer.start()
        ended = sshwhy("analyze", "--json", file)
        stop.set()
        writer.join()
        self.assertIn(ended.code, (1, AMBIGUOUS, UNKNOWN, MALFORMED), ended.err)
        self.assertEqual(len(self.assert_reports(ended)), 1)
        if ended.code == MALFORMED:
            self.assertRegex(ended.err, r" at byte \d+")


class Lacking(Captures):
    """What the capture does not hold, or nobody can read, is no fault of anybody's."""

    HELLO = (("server", b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"), ("client", b"SSH-2.0-OpenSSH_9.2\r\n"))

    def assert_blames_nobody(self, content):
        report = self.assert_verdict(self.analyze(content))
        self.assertEqual(report["verdict"]["outcome"], "unknown")

    def test_whole(self):
        """The same, with nothing lacking, is a fault: else the tests below test nothing."""
        report = self.assert_verdict(self.analyze(session(self.HELLO)))
        self.assertIn(report["verdict"]["outcome"], ("fault", "ambiguous"))

    def test_cut(self):
        for keep in (40, 42, 44):
            with self.subTest(keep=keep):
                self.assert_blames_nobody(session(self.HELLO, keep=keep))

    def test_cut_behind_version(self):
        """That the server speaks SSH 2 is left, and the lengths tell that it says no more: as good as all."""
        whole = self.assert_verdict(self.analyze(session(self.HELLO)))
        report = self.assert_verdict(self.analyze(session(self.HELLO, keep=60)))
        for key in ("outcome", "cause", "sources"):
            self.assertEqual(report["verdict"][key], whole["verdict"][key])

    def test_cut_and_missed(self):
        self.assert_blames_nobody(session(self.HELLO, keep=60, acknowledged=2000))

    def test_goes_on_by_lengths(self):
        """Turns enough for a key exchange and what follows it, and the capture holds two bytes of each."""
        turn = (("server", b"SSH-" + bytes(396)), ("client", b"SSH-" + bytes(396)))
        report = self.assert_verdict(self.analyze(session(turn * 5, keep=42)))
        self.assertEqual(report["verdict"]["outcome"], "healthy")
        self.assertLess(report["verdict"]["confidence"], 0.9)
        self.assertIn("talk.past-the-key-exchange", [row["fact"] for row in report["evidence"]])
        self.assert_blames_nobody(session(turn * 4, keep=42))
        self.assert_blames_nobody(session((("server", b"200 " + bytes(396)), turn[1]) * 5, keep=42))

    def test_missed(self):
        """The client acknowledges what the capture does not hold."""
        self.assert_blames_nobody(session(self.HELLO, acknowledged=2000))

    def test_one_way(self):
        """A capture of what one side sends."""
        for source in (CLIENT, SERVER):
            with self.subTest(source=source):
                kept = [packet for packet in packets_of(session(self.HELLO)) if packet[12:16] == source]
                ended = self.analyze(pcap(kept))
                self.assertEqual(ended.code, UNKNOWN, ended.out)

    def test_client_of_something_else(self):
        self.assert_blames_nobody(session((self.HELLO[0], ("client", b"GET / HTTP/1.1\r\n\r\n"))))

    def test_version_1(self):
        old = (("server", b"SSH-1.5-OpenSSH_3.9\n"), ("client", b"SSH-1.5-OpenSSH_3.9\n"))
        self.assert_blames_nobody(session(old + (("server", b"\0" * 276), ("client", b"\0" * 156))))

    def test_neighbour(self):
        """Beside the client, an answer that no router passed on is as it should be."""
        neighbour = bytes([10, 0, 0, 2])
        report = self.assert_verdict(self.analyze(session((self.HELLO[0],), server=neighbour)))
        self.assertNotEqual(report["verdict"]["cause"], "edge.proxy")


class Rejected(Captures):
    """Which of a SYN's copies a router's word is about."""

    def told(self, identification, at):
        """Four SYNs, a second apart; a router says "host unreachable" of that one, so late."""
        packets = []
        for number in range(4):
            syn = bytearray(segment(CLIENT, SERVER, (40000, 22), 1, 0, SYN))
            syn[4:6] = struct.pack(">H", 100 + number)
            packets.append((number, bytes(syn)))
        quoted = bytearray(packets[0][1])
        quoted[4:6] = struct.pack(">H", identification)
        icmp = struct.pack(">BBHI", 3, 1, 0, 0) + quoted
        router = bytes((198, 18, 7, 2))
        packets.append((at, struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 9, 0, 63, 1, 0, router, CLIENT) + icmp))
        content = pcap([packet for _, packet in packets])
        report = self.assert_verdict(self.analyze(stamped(content, [1700000000 + second for second, _ in packets])))
        return {row["fact"] for row in report["evidence"]}

    def test_first(self):
        """It has waited for the VM's link address for three seconds, and the others with it."""
        self.assertIn("syn.unreachable-after-a-wait", self.told(100, 3))

    def test_last(self):
        self.assertIn("syn.unreachable-by-router", self.told(103, 3))

    def test_changed_on_the_way(self):
        self.assertIn("syn.unreachable-by-router", self.told(7, 3))


class Unheard(Captures):
    """Whether large packets of the client's are lost, or all of them."""

    def lost(self, *middle, head=1400):
        """Both identify themselves; `head` bytes are said six times and never acknowledged. `middle`: (second,
        packet), after the first of them."""
        up, down, hello = (40000, 22), (22, 40000), b"SSH-2.0-OpenSSH_9.2\r\n"
        first = 2 + len(hello)
        segments = [
            (0, segment(CLIENT, SERVER, up, 1, 0, SYN)),
            (0, segment(SERVER, CLIENT, down, 1, 2, SYN_ACK)),
            (0, segment(CLIENT, SERVER, up, 2, 2, ACK)),
            (0, segment(SERVER, CLIENT, down, 2, 2, PSH_ACK, hello)),
            (0, segment(CLIENT, SERVER, up, 2, first, PSH_ACK, hello)),
            (0, segment(SERVER, CLIENT, down, first, first, ACK)),
            (0, segment(CLIENT, SERVER, up, first, first, ACK, bytes(head))),
        ]
        segments += middle
        segments += [(n, segment(CLIENT, SERVER, up, first, first, ACK, bytes(head))) for n in (1, 2, 4, 8, 16)]
        content = pcap([packet for _, packet in segments])
        report = self.assert_verdict(self.analyze(stamped(content, [1700000000 + at for at, _ in segments])))
        return {row["fact"] for row in report["evidence"]}, report["verdict"]

    def tail(self, acknowledges=False):
        at = 2 + 21 + (0 if acknowledges else 1400)
        if acknowledges:
            return segment(SERVER, CLIENT, (22, 40000), at, at, ACK)
        return segment(CLIENT, SERVER, (40000, 22), at, 2 + 21, PSH_ACK, bytes(100))

    def test_large_alone(self):
        facts, verdict = self.lost((0, self.tail()), (0, self.tail(acknowledges=True)))
        self.assertIn("ssh.large-packets-vanish", facts)
        self.assertEqual(verdict["cause"], "edge.mtu")

    def test_nothing_behind_it(self):
        facts, verdict = self.lost()
        self.assertIn("ssh.large-packets-vanish", facts)

    def test_all(self):
        facts, verdict = self.lost((0, self.tail()), (0, self.tail()))
        self.assertIn("ssh.identification-swallowed", facts)
        self.assertNotEqual(verdict["cause"], "edge.mtu")
        self.assertLess(verdict["confidence"], 0.9)

    def test_perhaps_all(self):
        """One small segment may be lost by chance."""
        facts, verdict = self.lost((0, self.tail()))
        self.assertFalse(facts & {"ssh.large-packets-vanish", "ssh.identification-swallowed"})
        self.assertEqual(verdict["outcome"], "unknown")

    def test_small(self):
        facts, verdict = self.lost(head=600)
        self.assertIn("ssh.identification-swallowed", facts)
        self.assertLess(verdict["confidence"], 0.9)


class Hostile(Captures):
    """Bytes from the network, in text and in JSON."""

    def test_banner(self):
        banner = b"SSH-2.0-\x1b]0;owned\x07\x9b2J\xff\xfe\xc3(\xe2\x80\xae \x08\x00\r\n"
        for said in (banner, banner.replace(b"SSH-2.0-", b""), b"\x1b[2J" * 20000):
            for form in ("--json", "--verbose"):
                with self.subTest(said=said[:20], form=form):
                    ended = sshwhy("analyze", form, self.file(conversation(said[:60000])))
                    self.assertLess(ended.code, USAGE, ended.err)
                    self.assert_clean(ended)
        self.assert_verdict(self.analyze(conversation(banner)))


class Forms(Captures):
    """The same run, however it comes."""

    def setUp(self):
        self.expected = self.stable(sshwhy("analyze", "--json", RUN))

    def stable(self, ended):
        report = self.assert_verdict(ended)
        del report["capture"]
        return report

    def test_gzip(self):
        file = self.file(gzip.compress(RUN.read_bytes()), "run.pcapng.gz")
        self.assertEqual(self.stable(sshwhy("analyze", "--json", file)), self.expected)

    def test_standard_input(self):
        with RUN.open("rb") as run:
            self.assertEqual(self.stable(sshwhy("analyze", "--json", "-", stdin=run)), self.expected)

    def test_pipe(self):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.close(reader)
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(RUN.read_bytes())
            os._exit(0)
        os.close(writer)
        self.assertEqual(self.stable(sshwhy("analyze", "--json", "-", stdin=reader)), self.expected)
        os.close(reader)
        os.wait()


class KnownHosts(Captures):
    """What a file knows of the host key that somebody else's capture shows."""

    CAPTURE = support.RUN.parent / "tcpdump-healthy.pcap"
    HEAD = struct.pack("!I", 11) + b"ssh-ed25519" + struct.pack("!I", 32)

    def key(self, change=0):
        content = self.CAPTURE.read_bytes()
        blob = bytearray(content[content.index(self.HEAD) :][: len(self.HEAD) + 32])
        blob[-1] ^= change
        return base64.b64encode(bytes(blob)).decode()

    def on_port(self, port):
        """The same with the server elsewhere: Ethernet, IPv4 and TCP without options before the ports."""
        content, at = bytearray(self.CAPTURE.read_bytes()), 24
        while at < len(content):
            length = struct.unpack_from("<I", content, at + 8)[0]
            for place in (at + 16 + 34, at + 16 + 36):
                if content[place : place + 2] == struct.pack("!H", 22):
                    struct.pack_into("!H", content, place, port)
            at += 16 + length
        return self.file(bytes(content), "elsewhere.pcap")

    def facts(self, line, capture=None):
        known = self.file(line.encode() + b"\n", "known_hosts")
        report = sshwhy("analyze", "--json", "--known-hosts", known, capture or self.CAPTURE).report()
        return {row["fact"] for row in report["evidence"] if row["fact"].startswith("key.")}

    def test_answers(self):
        for line, fact in (
            (f"20.99.0.4 ssh-ed25519 {self.key()}", "key.known"),
            (f"20.99.0.4 ssh-ed25519 {self.key(1)}", "key.changed"),
            (f"@revoked 20.99.0.4 ssh-ed25519 {self.key()}", "key.changed"),
            (f"20.99.0.5 ssh-ed25519 {self.key()}", "key.not-known-yet"),
        ):
            self.assertEqual(self.facts(line), {fact}, line)

    def test_another_port(self):
        """As ssh asks: with the port, then without; and then another key is none that has changed."""
        capture = self.on_port(2222)
        for line, fact in (
            (f"[20.99.0.4]:2222 ssh-ed25519 {self.key()}", "key.known"),
            (f"[20.99.0.4]:2222 ssh-ed25519 {self.key(1)}", "key.changed"),
            (f"[20.99.0.4]:2222 ssh-ed25519 {self.key(1)}\n20.99.0.4 ssh-ed25519 {self.key()}", "key.changed"),
            (f"20.99.0.4 ssh-ed25519 {self.key()}", "key.known"),
            (f"20.99.0.4 ssh-ed25519 {self.key(1)}", "key.not-known-yet"),
        ):
            self.assertEqual(self.facts(line, capture), {fact}, line)

    def test_without_a_file_nobody_knows(self):
        report = sshwhy("analyze", "--json", self.CAPTURE).report()
        self.assertFalse([row for row in report["evidence"] if row["fact"].startswith("key.")])

    def test_no_such_file(self):
        ended = sshwhy("analyze", "--known-hosts", "/no/such/file", self.CAPTURE)
        self.assert_one_line_error(ended, NO_INPUT)


if __name__ == "__main__":
    support.main()
