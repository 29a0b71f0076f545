"""A lab as a whole: raising it, bringing it to its healthy state, taking it down."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
from functools import partial
from pathlib import Path

import baseline
import climate
import namespaces
from topology import HOSTS, LINES, LINKS, PERSON, PERSON_ID, SSHD, with_tunnel

HERE = Path(__file__).resolve().parent
STATE = Path("/run/sshwhy-lab")


class Lab:
    """One lab: its namespaces are NAME-HOST, its files /run/sshwhy-lab/NAME/HOST."""

    def __init__(self, name):
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
            raise ValueError(f"not a name for a lab: {name}")
        self.name = name
        self.files = STATE / name
        self.tun_mark = self.files / "tun"

    @property
    def tun(self):
        return self.tun_mark.exists()

    @property
    def hosts(self):
        return with_tunnel(HOSTS) if self.tun else HOSTS

    def namespace(self, host):
        return f"{self.name}-{host}"

    def run(self, host):
        """The folder that is /run on this host."""
        return self.files / host

    def must_be_up(self):
        if not self.files.exists():
            raise RuntimeError(f"lab {self.name} is not up")

    def must_have(self, host):
        self.must_be_up()
        if host not in HOSTS:
            raise ValueError(f"no such host: {host} (there are {', '.join(HOSTS)})")

    def become(self, host, command):
        """This process becomes the command, on the host."""
        namespaces.enter(self.namespace(host), self.run(host))
        namespaces.execute(command)

    # Up and down

    def up(self, tun):
        self.down()
        for host in HOSTS:
            (self.run(host) / "etc").mkdir(parents=True)
        if tun:
            self.tun_mark.touch()
        self.make_network()
        self.settle()

    def make_network(self):
        lines = [f"netns add {self.namespace(host)}" for host in HOSTS]
        # Interface numbers all differ: a pair with equal ones comes up a second late,
        # because the kernel takes it for no pair (linkwatch_urgent_event).
        number = itertools.count(11)
        for link in filter(None, map(str.split, LINKS.splitlines())):
            (host, interface), (peer, port) = (end.split(":") for end in link)
            lines.append(
                f"link add {interface} netns {self.namespace(host)} index {next(number)} type veth"
                f" peer name {port} netns {self.namespace(peer)} index {next(number)}"
            )
        for host, its in HOSTS.items():
            if its.switch:
                lines.append(f"link add bridge netns {self.namespace(host)} type bridge mcast_snooping 0")
        baseline.ip(lines)
        for host, its in self.hosts.items():
            if its.marked:
                for family in ("-4", "-6"):
                    rule = f"rule add fwmark 1 table {its.marked}"
                    baseline.ip([rule], family, "-netns", self.namespace(host))
            if its.tun:
                baseline.ip(["tuntap add dev tun0 mode tun"], "-netns", self.namespace(host))

    def down(self):
        namespaces.end(lambda: self.residents(HOSTS))
        names = [self.namespace(host) for host in HOSTS]
        baseline.ip([f"netns del {name}" for name in names if namespaces.exists(name)])
        shutil.rmtree(self.files, ignore_errors=True)
        if STATE.exists() and not any(STATE.iterdir()):
            STATE.rmdir()

    def residents(self, hosts):
        return namespaces.residents([(self.namespace(host), self.run(host)) for host in hosts])

    # The healthy state, reached from a new lab and from a broken one alike

    def settle(self, hosts=HOSTS):
        namespaces.in_parallel([partial(self.settle_host, host) for host in hosts])

    def settle_host(self, host):
        its = self.hosts[host]
        for file in self.run(host).glob("*.pid"):
            self.stop_daemon(host, file.stem)
        self.write_files(host)
        namespaces.enter_network(self.namespace(host))
        baseline.settle(host, its)
        for service in its.services:
            self.start_daemon(host, service.name, service.port, shlex.split(service.command))

    def write_files(self, host):
        its, run = self.hosts[host], self.run(host)
        (run / "sshd").mkdir(exist_ok=True)
        self.make_home(run)
        (run / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        (run / "etc/hosts.deny").write_text("")
        (run / "etc/resolv.conf").write_text(f"nameserver {its.resolver}\noptions timeout:2 attempts:1\n")
        key = run / "ssh_host_ed25519_key"
        if SSHD in its.services and not key.exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host, "-f", key]
            subprocess.run(command, check=True)
        if its.tun:
            self.install_forwarder(host)

    def host_key(self, host):
        """The fingerprint of its SSH host key, while nobody gave it another."""
        command = ["ssh-keygen", "-l", "-f", self.run(host) / "ssh_host_ed25519_key.pub"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]

    def make_home(self, run):
        """root's home is the host's own, and empty; so is ann's, who is nobody on the machine."""
        users = Path("/etc/passwd").read_text(encoding="utf-8")
        users = re.sub(r"^(root:.*):[^:]*(:[^:]*)$", r"\1:/run/home\2", users, flags=re.MULTILINE)
        users += f"{PERSON}:x:{PERSON_ID}:{PERSON_ID}::/run/{PERSON}:/bin/sh\n"
        for home, owner in (("home", 0), (PERSON, PERSON_ID)):
            shutil.rmtree(run / home, ignore_errors=True)
            (run / home / ".ssh").mkdir(parents=True, mode=0o700)
            for folder in (run / home, run / home / ".ssh"):
                os.chown(folder, owner, owner)
        (run / "etc/passwd").write_text(users, encoding="utf-8")

    def install_forwarder(self, host):
        program = self.run(host) / "forwarder"
        if not program.exists():
            command = ["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", program, HERE / "forwarder.c"]
            subprocess.run(command, check=True)

    # Weather of routers: how they answer, and which way packets take

    def change_routers(self, changes):
        namespaces.in_parallel([partial(self.change_host, host, its) for host, its in changes.items()])

    def change_host(self, host, changes):
        namespaces.enter_network(self.namespace(host))
        for change in changes:
            change(self.hosts[host])

    # Weather of lines. One is a bridge of two ports; in bad weather a forwarder joins these instead.

    def set_weather(self, lines, weather):
        self.settle(lines)
        try:
            namespaces.in_parallel([partial(self.break_line, line, weather) for line in lines])
        except RuntimeError:
            self.settle(lines)
            raise

    def clear_weather(self):
        self.settle(LINES)
        self.change_routers(climate.undoing())

    def break_line(self, line, weather):
        self.install_forwarder(line)
        namespaces.enter_network(self.namespace(line))
        ports = list(HOSTS[line].addresses)
        baseline.ip([f"link set {port} nomaster" for port in ports])
        command = ["/run/forwarder", *(f"link:{port}" for port in ports), *weather]
        self.start(line, "weather", command, lambda: namespaces.packet_sockets() == 2)

    # Daemons. Each leads a session, and that is how all of its processes are found.

    def start_daemon(self, host, daemon, port, command):
        """Returns when it listens on the port (0: at once)."""
        namespaces.enter_network(self.namespace(host))
        self.start(host, daemon, command, lambda: port == 0 or namespaces.listens(port))

    def start(self, host, daemon, command, ready):
        """Must be called in the host's network; returns when ready() there."""
        pid = namespaces.start(self.namespace(host), self.run(host), daemon, command)
        try:
            namespaces.wait_for(ready, pid)
        except RuntimeError as error:
            log = (self.run(host) / f"{daemon}.log").read_text(errors="replace").strip()
            raise RuntimeError(f"{daemon} on {host}: {error}: {log}") from error

    def stop_daemon(self, host, daemon):
        file = self.run(host) / f"{daemon}.pid"
        session = int(file.read_text())
        namespaces.end(lambda: self.session_members(host, session))
        file.unlink()

    def session_members(self, host, session):
        return [pid for pid in self.residents([host]) if namespaces.session_of(pid) == session]
