#!/usr/bin/python3
"""Servers that mean no good: hostile.py KIND listens on port 22. Without KIND: their names."""

import ctypes
import os
import socket
import sys
import threading
import time


def packet(payload):
    """An SSH packet before encryption (RFC 4253, 6)."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return (len(payload) + padding + 1).to_bytes(4, "big") + bytes([padding]) + payload + bytes(padding)


def name_list(text):
    return len(text).to_bytes(4, "big") + text


def kexinit(length):
    """KEXINIT whose first two lists are so long."""
    names = name_list((b"a," * length)[: length - 1] + b"b")
    return packet(b"\x14" + os.urandom(16) + names * 2 + name_list(b"") * 8 + bytes(5))


def farewell(reason, text):
    """SSH_MSG_DISCONNECT (RFC 4253, 11.1)."""
    return packet(b"\x01" + reason.to_bytes(4, "big") + name_list(text) + name_list(b""))


def algorithms():
    """What any client shares something of."""
    lists = [b"curve25519-sha256", b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr", b"hmac-sha2-256", b"hmac-sha2-256"]
    lists += [b"none", b"none", b"", b""]
    return packet(b"\x14" + os.urandom(16) + b"".join(name_list(names) for names in lists) + bytes(5))


def endless(piece, head=b"", pause=0.0):
    """Says `head` once, then `piece` for ever."""

    def serve(connection):
        connection.sendall(head)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return serve


def once(text, then_close=False):
    def serve(connection):
        connection.sendall(text)
        if not then_close:
            time.sleep(60)

    return serve


def ignored(length):
    """SSH_MSG_IGNORE (RFC 4253, 11.2)."""
    return packet(b"\x02" + name_list(bytes(length)))


def secret_floods(connection):
    """Exchanges keys, then sends that for ever."""
    library = ctypes.CDLL("libssh.so.4")
    library.ssh_bind_new.restype = library.ssh_new.restype = ctypes.c_void_p
    server, session = ctypes.c_void_p(library.ssh_bind_new()), ctypes.c_void_p(library.ssh_new())
    host_key_option = 3  # enum ssh_bind_options_e
    library.ssh_bind_options_set(server, host_key_option, b"/run/ssh_host_ed25519_key")
    library.ssh_bind_accept_fd(server, session, connection.fileno())
    if library.ssh_handle_key_exchange(session) == 0:
        while library.ssh_send_ignore(session, b"x" * 32000) == 0:
            pass


ESCAPES = b"\x1b[2J\x1b]0;owned\x07\x9b31m\xff\xfe\xc3(\x08\x7f"
IDENTIFIED = b"SSH-2.0-x\r\n"
SERVERS = {
    "endless-banner": endless(b"x" * 60 + b"\r\n"),
    "long-banner": once(b"No admittance.\r\n" * 50000, then_close=True),
    "endless-line": endless(b"x" * 65536),
    "lines-of-64k": endless(b"x" * 65535 + b"\n"),
    "one-byte-a-second": endless(b"S", pause=1),
    "one-line-a-second": endless(b"hello\r\n", pause=1),
    "zeros": endless(bytes(4096)),
    "escapes-in-banner": once(ESCAPES + b"\r\n" + ESCAPES + b"\r\n", then_close=True),
    "escapes-in-identification": once(b"SSH-2.0-" + ESCAPES + b"\r\n"),
    "long-identification": once(b"SSH-2.0-" + b"x" * 65536 + b"\r\n"),
    "endless-kexinit": endless(kexinit(15000), IDENTIFIED),
    "huge-kexinit": once(IDENTIFIED + kexinit(200000)),
    "huge-packet": once(IDENTIFIED + b"\xff\xff\xff\xff" + b"x" * 100000),
    "endless-ignore": endless(packet(b"\x02" + name_list(b"")), IDENTIFIED),
    "endless-large-ignore": endless(ignored(32000), IDENTIFIED),
    "endless-ignore-in-key-exchange": endless(ignored(32000), IDENTIFIED + algorithms()),
    "endless-ignore-after-key-exchange": secret_floods,
    "endless-debug": endless(packet(b"\x04\1" + name_list(ESCAPES) + name_list(b"")), IDENTIFIED),
    "escapes-in-disconnect": once(IDENTIFIED + farewell(11, ESCAPES), then_close=True),
}

# What they say is SSH, or may become it, and leads nowhere.
TARPITS = ["endless-banner", "one-byte-a-second", "one-line-a-second", "endless-ignore", "endless-large-ignore",
           "endless-ignore-in-key-exchange", "endless-ignore-after-key-exchange", "endless-debug"]  # fmt: skip

FAREWELLS = {
    "refused-by-policy": once(IDENTIFIED + farewell(11, b"Connection rejected by policy"), then_close=True),
    "too-many-sessions": once(IDENTIFIED + algorithms() + farewell(12, b"Too many sessions"), then_close=True),
    "says-much": once(IDENTIFIED + algorithms() + farewell(7, b"Full. " * 5000)),
    "says-much-first": once(IDENTIFIED + farewell(7, b"Full. " * 5000)),
    "keeps-it-open": once(IDENTIFIED + algorithms() + farewell(7, b"Shutting down")),
}


def main(kind):
    def attend(connection):
        try:
            with connection:
                (SERVERS | FAREWELLS)[kind](connection)
        except OSError:
            pass  # the client has gone

    listener = socket.create_server(("::", 22), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=attend, args=[connection], daemon=True).start()


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(sys.argv[1])
    print("\n".join(SERVERS))
