#!/usr/bin/python3
"""The VM itself sends what is right, far too often: the truth stays what it was.

usage: flood.py KIND, on the VM; ends when it is ended
"""

import socket
import struct
import sys
import threading

import traffic
from stranger import checked, checksum
from traffic import FIN, RST, SYN

EVERY_PROTOCOL = 3  # ETH_P_ALL
OWN = socket.PACKET_OUTGOING
MOST = 200  # packets that are said again and again
HEADER, SOURCE, FLAGS = 20, 12, 33  # of IPv4: how long, where in it, where behind it
CHECKSUM = 16  # of TCP
MTU = 1500


def is_ours(packet):
    return packet[0] == 0x45 and packet[9] == socket.IPPROTO_TCP and not packet[FLAGS] & (RST | FIN)


def ends(packet):
    return [socket.inet_ntoa(packet[at : at + 4]) for at in (SOURCE, SOURCE + 4)]


def again(packet, kind):
    """What the VM has sent, with the checksum that its interface would have made."""
    segment = packet[HEADER:]
    blank = segment[:CHECKSUM] + bytes(2) + segment[CHECKSUM + 2 :]
    return packet[:HEADER] + checked(*ends(packet), blank) if kind == OWN and len(packet) <= MTU else None


def syn_ack_again(packet, kind):
    return again(packet, kind) if packet[FLAGS] & SYN else None


def expired(packet, kind):
    """A true quote of what has come: its TTL had run out here, says this lie that is no fault."""
    if kind == OWN:
        return None
    sender, own = ends(packet)
    head = struct.pack(">BBHI", 11, 0, 0, 0)
    message = head[:2] + checksum(head + packet[:64]) + head[4:] + packet[:64]
    return traffic.ip(own, sender, socket.IPPROTO_ICMP, message)


KINDS = {"words": again, "syn-acks": syn_ack_again, "errors": expired}


def listen(make, said):
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERY_PROTOCOL)) as wire:
        while len(said) < MOST:
            packet, (_, _, kind, _, _) = wire.recvfrom(65536)
            made = make(packet, kind) if is_ours(packet) else None
            if made is not None and made not in said:
                said.append(made)


def main(kind):
    said = []
    threading.Thread(target=listen, args=(KINDS[kind], said), daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        while True:
            for packet in said[:]:
                out.sendto(packet, (ends(packet)[1], 0))


if __name__ == "__main__":
    main(sys.argv[1])
