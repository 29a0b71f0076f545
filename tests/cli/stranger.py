#!/usr/bin/python3
"""A host that is not the target and sends to the client what has the client's port numbers.

usage: stranger.py KIND, on a neighbour of the client's; ends when it is ended
"""

import random
import socket
import struct
import sys
import threading
import time

import traffic
from traffic import ACK, FIN, PSH, RST, SYN

CLIENT, OWN, VM = "10.20.0.10", "10.20.0.20", "20.99.0.4"
PORTS = range(61000, 65045)  # those that probes may use
LISTENER = 8080
PAUSE = 0.1  # between two sweeps


def checksum(text):
    """RFC 1071."""
    words = text + b"\0" * (len(text) % 2)
    total = sum(struct.unpack(f">{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


def checked(source, destination, segment):
    """With the checksum that TCP wants (RFC 9293 3.1)."""
    pseudo = traffic.packed(source) + traffic.packed(destination) + struct.pack(">HH", socket.IPPROTO_TCP, len(segment))
    return segment[:16] + checksum(pseudo + segment) + segment[18:]


def tcp(source, ports, flags, payload=b""):
    numbers = random.getrandbits(32), random.getrandbits(32)
    segment = traffic.tcp(ports, *numbers, flags, payload)
    return traffic.ip(source, CLIENT, socket.IPPROTO_TCP, checked(source, CLIENT, segment))


def error(port, kind, code):
    """A router's error about a SYN of the client's that never was."""
    syn = traffic.ip(CLIENT, VM, socket.IPPROTO_TCP, traffic.tcp((port, 22), random.getrandbits(32), 0, SYN), ttl=1)
    head = struct.pack(">BBHI", kind, code, 0, 0)
    return traffic.ip(OWN, CLIENT, socket.IPPROTO_ICMP, head[:2] + checksum(head + syn) + head[4:] + syn)


def sweep(packet):
    """Ever again, one packet for each port."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        while True:
            for port in PORTS:
                out.sendto(packet(port), (CLIENT, 0))
            time.sleep(PAUSE)


def visit(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.settimeout(1)
        s.bind((OWN, port))
        s.connect((CLIENT, LISTENER))
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        s.recv(100)


def visits():
    """400 connections a second to a service of the client's."""
    while True:
        for port in PORTS:
            try:
                visit(port)
            except OSError:
                pass
            time.sleep(1 / 500)


def serve():
    """That service, on the client."""
    with socket.create_server(("", LISTENER), backlog=1000) as listener:
        while True:
            peer, _ = listener.accept()
            with peer:
                try:
                    peer.recv(100)
                    peer.sendall(b"HTTP/1.0 204 No Content\r\n\r\n")
                except OSError:
                    pass


KINDS = {
    "syn": lambda: sweep(lambda port: tcp(OWN, (port, 22), SYN)),
    "visits": visits,
    "reset": lambda: sweep(lambda port: tcp(VM, (22, port), RST)),
    "fin": lambda: sweep(lambda port: tcp(VM, (22, port), FIN | ACK)),
    "ack": lambda: sweep(lambda port: tcp(VM, (22, port), ACK)),
    "syn-ack": lambda: sweep(lambda port: tcp(VM, (22, port), SYN | ACK)),
    "words": lambda: sweep(lambda port: tcp(VM, (22, port), PSH | ACK, b"HTTP/1.1 400\r\n")),
    "quote": lambda: sweep(lambda port: error(port, 3, 13)),
    "expired": lambda: sweep(lambda port: error(port, 11, 0)),
}

if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    KINDS[sys.argv[1]]()
