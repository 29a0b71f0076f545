"""The faults: one shell snippet each, in faults/, with a header of `# key: value` lines."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FAULTS = HERE / "faults"
# A cause is named after its source, whose number reports give; 0: nothing is wrong.
SOURCES = {"healthy": 0, "client": 1, "edge": 2, "endpoint": 3, "nsg": 4, "vm": 5}


def source_of(cause):
    return SOURCES[cause.split(".")[0]]


def names():
    return sorted(file.name for file in FAULTS.iterdir())


def read(name):
    """The header of a fault."""
    file = FAULTS / name
    if not file.is_file():
        raise ValueError(f"no such fault: {name}")
    header = re.findall(r"^# ([a-z0-9-]+): (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {"fault": name, **dict(header)}


def read_all():
    return [read(name) for name in names()]


def apply(name, lab):
    """Runs the fault's snippet, and does what it asks of the lab: helpers.sh has ask()."""
    asked, ask = os.pipe()
    answer, answered = os.pipe()
    script = f'. "$LAB_DIR/helpers.sh"; . "$LAB_DIR/faults/{name}"'
    environment = {**os.environ, "LAB": lab.name, "LAB_DIR": str(HERE), "LAB_ENTER": lab.on("")[0]}
    environment |= {"LAB_ASK": str(ask), "LAB_ANSWER": str(answer)}
    shell = subprocess.Popen(["sh", "-euc", script], env=environment, pass_fds=(ask, answer))
    os.close(ask)
    os.close(answer)
    with open(asked, "rb") as requests, open(answered, "w", encoding="ascii", buffering=1) as answers:
        serve(lab, requests, answers)
    if shell.wait() != 0:
        raise RuntimeError(f"fault {name} cannot be applied")


def serve(lab, requests, answers):
    """Until the shell has ended. A request is the number of its words, and these."""
    words = words_of(requests)
    for count in words:
        command, host, daemon, *rest = itertools.islice(words, int(count))
        try:
            if command == "start":
                lab.start_daemon(host, daemon, int(rest[0]), rest[1:])
            else:
                lab.stop_daemon(host, daemon)
            answers.write("done\n")
        except (OSError, RuntimeError, ValueError) as error:
            print(f"lab: {error}", file=sys.stderr)
            answers.write("failed\n")


def words_of(requests):
    """Each word is ended by a zero byte."""
    word = b""
    while byte := requests.read(1):
        if byte == b"\0":
            yield word.decode()
        word = b"" if byte == b"\0" else word + byte
