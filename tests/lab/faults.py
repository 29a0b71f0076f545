"""The faults: one shell snippet each, in faults/, with a header of `# key: value` lines."""

import os
import re
import subprocess
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
    environment = {**os.environ, "LAB": lab, "LAB_DIR": str(HERE)}
    script = f'. "$LAB_DIR/helpers.sh"; . "$LAB_DIR/faults/{name}"'
    subprocess.run(["sh", "-euc", script], env=environment, check=True)
