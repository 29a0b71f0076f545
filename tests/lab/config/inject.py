#!/usr/bin/python3
"""Resets SSH connections from beside the path, as an intrusion detection system on a mirror port.

usage: inject.py INTERFACE PORT

For each packet to PORT that begins with "SSH-" its sender gets a forged reset, numbered behind
what the server has said by then; the packet itself travels on.
"""

import socket
import struct
import sys

RESET, TTL = 0x14, 64


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def payload_length(frame, link, at):
    """Short frames are padded: the IP header knows."""
    (total,) = struct.unpack_from("!H", frame, 16 if link == 0x0800 else 18)
    end = 14 + total + (0 if link == 0x0800 else 40)
    return end - at - (frame[at + 12] >> 4) * 4


def forge(frame, link, at, said):
    """The answer to a frame: its addresses turned round, a reset where the server would go on."""
    ports, (sequence, acknowledgement) = frame[at : at + 4], struct.unpack_from("!II", frame, at + 4)
    length = payload_length(frame, link, at)
    if said is not None and 0 < said - acknowledgement & 0xFFFFFFFF < 1 << 31:
        acknowledgement = said
    tcp = ports[2:] + ports[:2] + struct.pack(
        "!IIBBHHH", acknowledgement, sequence + length & 0xFFFFFFFF, 0x50, RESET, 0, 0, 0
    )
    if link == 0x0800:
        source, destination = frame[26:30], frame[30:34]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, TTL, 6, 0)
        head = head[:10] + struct.pack("!H", checksum(head + destination + source)) + destination + source
    else:
        source, destination = frame[22:38], frame[38:54]
        head = struct.pack("!IHBB", 0x60000000, 20, 6, TTL) + destination + source
    tcp = tcp[:16] + struct.pack("!H", checksum(destination + source + struct.pack("!HH", 6, 20) + tcp)) + tcp[18:]
    return frame[6:12] + frame[:6] + frame[12:14] + head + tcp


def main(interface, port):
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    tap.bind((interface, 0))
    said = {}  # by the client's port: where the server goes on
    print("in place", flush=True)
    while True:
        frame, (_, _, kind, *_) = tap.recvfrom(2048)
        (link,) = struct.unpack_from("!H", frame, 12)
        at = {0x0800: 34, 0x86DD: 54}.get(link)
        if at is None or len(frame) < at + 20 or frame[23 if at == 34 else 20] != 6:
            continue
        from_port, to_port, sequence = struct.unpack_from("!HHI", frame, at)
        if from_port == int(port):
            said[to_port] = sequence + payload_length(frame, link, at) & 0xFFFFFFFF
        if kind == socket.PACKET_OUTGOING:
            continue
        words = frame[at + (frame[at + 12] >> 4) * 4 :]
        if to_port == int(port) and words.startswith(b"SSH-"):
            tap.send(forge(frame, link, at, said.get(from_port)))


main(*sys.argv[1:])
