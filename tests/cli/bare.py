#!/usr/bin/python3
"""Runs a command as on a kernel that was built without seccomp and Landlock: their calls fail as they do there.

  bare.py COMMAND...
"""

import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_SECCOMP, PR_GET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 21, 38
LANDLOCK = (444, 445, 446)  # everywhere
SECCOMP, PRCTL = {"x86_64": (317, 157), "aarch64": (277, 167)}[platform.machine()]

LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
NUMBER, FIRST_ARGUMENT = 0, 16  # of struct seccomp_data


def where(value, result):
    """Two steps: `result` where what was loaded is `value`."""
    return [(EQUAL, 0, 1, value), (RETURN, 0, 0, result)]


def program():
    steps = [(LOAD, 0, 0, NUMBER)]
    for number in (SECCOMP, *LANDLOCK):
        steps += where(number, FAIL | errno.ENOSYS)
    steps += [(EQUAL, 1, 0, PRCTL), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, FIRST_ARGUMENT)]
    for option in (PR_SET_SECCOMP, PR_GET_SECCOMP):
        steps += where(option, FAIL | errno.EINVAL)
    return steps + [(RETURN, 0, 0, ALLOW)]


def strip():
    libc = ctypes.CDLL(None, use_errno=True)
    code = b"".join(struct.pack("=HBBI", *step) for step in program())
    kept = ctypes.create_string_buffer(code, len(code))
    filters = struct.pack("@HP", len(code) // 8, ctypes.addressof(kept))
    for words in ((PR_SET_NO_NEW_PRIVS, 1, None), (PR_SET_SECCOMP, 2, filters)):
        if libc.prctl(words[0], words[1], words[2], 0, 0) != 0:
            sys.exit(f"bare.py: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    strip()
    os.execvp(sys.argv[1], sys.argv[1:])
