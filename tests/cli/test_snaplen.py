#!/usr/bin/python3
"""Captures cut to the usual 68 and 96 bytes a packet lose detail, never truth.

Each saved run of pcaps/ becomes what a plain tcpdump of its kernel's connection would have kept:
no notes, no comments, one interface, and packets cut short.
"""

import json
import struct
import sys

import support
from support import MALFORMED, ROOT, Case, sshwhy

sys.path.insert(0, str(ROOT / "tests/lab"))
import faults  # noqa: E402 (the lab's)

PCAPNG = b"\x0a\x0d\x0d\x0a"
SECTION, INTERFACE, ENHANCED, COMMENT = 0x0A0D0D0A, 1, 6, 1
WHOLE = 1 << 18


def blocks(content):
    at = 0
    while at < len(content):
        kind, length = struct.unpack_from("<II", content, at)
        yield kind, content[at + 8 : at + length - 4]
        at += length


def notes(section):
    """What a saved run keeps beside its packets."""
    at = 16
    while at + 4 <= len(section):
        code, length = struct.unpack_from("<HH", section, at)
        if code == COMMENT:
            yield json.loads(section[at + 4 : at + 4 + length])
        at += 4 + (length + 3) // 4 * 4


def ports_of(packet):
    """The ports of a TCP segment, or of the one that an ICMP error quotes."""
    if packet[12:14] == b"\x08\x00":
        protocol, rest = packet[23], packet[14 + (packet[14] & 15) * 4 :]
        if protocol == 1 and len(rest) > 8:
            rest = rest[8 + (rest[8] & 15) * 4 :]
    elif packet[12:14] == b"\x86\xdd":
        protocol, rest = packet[20], packet[54:]
        if protocol == 58:
            rest = rest[48:]
    else:
        return set()
    return set(struct.unpack_from(">HH", rest)) if len(rest) >= 4 else set()


def records(content):
    """(time, bytes, length on the wire) of what the kernel's own connection shows, and the link."""
    if content[:4] != PCAPNG:
        link = struct.unpack_from("<I", content, 20)[0]
        at, found = 24, []
        while at < len(content):
            seconds, fraction, captured, on_wire = struct.unpack_from("<IIII", content, at)
            found.append((seconds * 10**9 + fraction * 1000, content[at + 16 : at + 16 + captured], on_wire))
            at += 16 + captured
        return link, found
    kernel, link, found = set(), None, []
    for kind, body in blocks(content):
        if kind == SECTION:
            for note in notes(body):
                if (note.get("event"), note.get("way"), note.get("purpose")) == ("open", "kernel", "ssh"):
                    kernel.add(note["local_port"])
        elif kind == INTERFACE and link is None:
            link = struct.unpack_from("<H", body)[0]
        elif kind == ENHANCED:
            interface, high, low, captured, on_wire = struct.unpack_from("<5I", body)
            packet = body[20 : 20 + captured]
            if interface == 0 and ports_of(packet) & kernel:
                found.append((high << 32 | low, packet, on_wire))
    return link, found


def plain(content, snaplen):
    link, found = records(content)
    text = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snaplen, link or 1)
    for time, packet, on_wire in found:
        packet = packet[:snaplen]
        text += struct.pack("<IIII", time // 10**9, time % 10**9, len(packet), on_wire) + packet
    return text


class Snaplen(Case):
    def verdict(self, run, snaplen):
        file = self.scratch / "plain.pcap"
        file.write_bytes(plain(run.read_bytes(), snaplen))
        ended = sshwhy("analyze", "--json", file)
        self.assertLess(ended.code, MALFORMED, ended.err)
        reports = self.assert_reports(ended)
        self.assertLessEqual(len(reports), 1)
        return reports[0]["verdict"] if reports else None

    def untruth(self, run, snaplen):
        fault = faults.read(run.stem.removeprefix("tcpdump-").removesuffix("-6"))
        true = {faults.source_of(fault[key]) for key in ("cause", "looks-like") if key in fault}
        verdict = self.verdict(run, snaplen)
        if verdict is None or verdict["confidence"] < 0.9:
            return None
        if verdict["outcome"] == "healthy":  # what no packet shows, the whole capture does not show either
            return None if 0 in true or self.verdict(run, WHOLE)["outcome"] == "healthy" else "healthy"
        return verdict["cause"] if verdict["sources"] and verdict["sources"][0] not in true else None

    def test_no_other_source(self):
        self.scratch = self.folder()
        runs = sorted((ROOT / "pcaps").glob("*.pcap*"))
        self.assertGreater(len(runs), 80)
        for run in runs:
            for snaplen in (68, 96):
                with self.subTest(run=run.name, snaplen=snaplen):
                    self.assertIsNone(self.untruth(run, snaplen))


if __name__ == "__main__":
    support.main()
