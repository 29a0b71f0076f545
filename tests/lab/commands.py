"""The commands of `lab`, for it and for tests that run them in their own process."""

import inspect
import itertools
import json
import os
import subprocess
import sys

import climate
import faults
from laboratory import HERE, Lab

EX_USAGE = 64


def command_up(lab, option=""):
    if option not in ("", "--tun"):
        raise ValueError(f"up: no such option: {option}")
    lab.up(tun=option == "--tun")


def command_down(lab):
    lab.down()


def command_env(lab):
    lab.must_be_up()
    return "".join(f"{key}={value}\n" for key, value in lab.environment().items())


def command_run(lab, host, *command):
    if not command:
        raise ValueError("run what?")
    lab.must_have(host)
    return subprocess.run([*lab.on(host), *command], check=True, stdout=subprocess.PIPE, text=True).stdout


def command_shell(lab, host):
    lab.must_have(host)
    os.environ["PS1"] = f"{lab.namespace(host)}:\\w\\$ "
    program, *words = lab.on(host)
    os.execv(program, [program, *words, "bash", "--norc"])


def command_list(_lab, option=""):
    if option not in ("", "--json"):
        raise ValueError(f"list: no such option: {option}")
    if option == "--json":
        return json.dumps(faults.read_all(), indent=1) + "\n"
    return "".join(
        f"{fault['fault']:32}{fault['cause']:20}{fault['sources']:8}{fault['about']}\n" for fault in faults.read_all()
    )


def command_break(lab, *names):
    lab.must_be_up()
    for name in names:
        faults.read(name)
    for name in names:
        faults.apply(name, lab)


def command_heal(lab):
    lab.must_be_up()
    lab.settle()


def command_weather(lab, *settings):
    lab.must_be_up()
    lines = [setting.removeprefix("on=") for setting in settings if setting.startswith("on=")]
    climate_words = [setting for setting in settings if setting.partition("=")[0] in climate.KEYS]
    weather = [setting for setting in settings if not setting.startswith("on=") and setting not in climate_words]
    if not settings or set(lines) - {"cable", "fibre"}:
        raise ValueError("what weather, and where?")
    if weather == ["clear"]:
        lab.clear_weather()
        return
    lab.change_routers(climate.changes(climate_words))
    if weather:
        lab.set_weather(lines or ["fibre"], weather)


def command_start(lab, host, daemon, port, *command):
    lab.must_have(host)
    lab.start_daemon(host, daemon, int(port), command)


def command_stop(lab, host, daemon):
    lab.must_have(host)
    lab.stop_daemon(host, daemon)


COMMANDS = {
    name.removeprefix("command_"): function
    for name, function in list(globals().items())
    if name.startswith("command_")
}


def perform(lab, command, *arguments):
    """A command of `lab`; returns what it prints."""
    return COMMANDS[command](lab, *map(str, arguments)) or ""


def main(name, *arguments):
    command = COMMANDS.get(arguments[0]) if arguments else None
    if not command or not takes(command, arguments[1:]):
        print(usage(), file=sys.stderr)
        return EX_USAGE
    try:
        print(perform(Lab(name), *arguments), end="")
    except ValueError as error:
        print(f"lab: {error}", file=sys.stderr)
        return EX_USAGE
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def usage():
    """What stands at the head of `lab`."""
    head = itertools.takewhile(lambda line: line.startswith("#"), (HERE / "lab").read_text().splitlines()[1:])
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in head)


def takes(command, arguments):
    try:
        inspect.signature(command).bind(None, *arguments)
    except TypeError:
        return False
    return True
