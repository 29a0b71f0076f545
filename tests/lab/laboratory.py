"""A lab as a whole: raising it, bringing it to its healthy state, taking it down."""

import itertools
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import threading
import time
from pathlib import Path

import baseline
import climate
import namespaces
import netlink
from topology import ADDRESSES, HOSTS, LINES, LINKS, PERSON, PERSON_ID, SSHD, TUN_ADDRESSES, with_tunnel

HERE = Path(__file__).resolve().parent
STATE = Path("/run/sshwhy-lab")
MODES = {".": 0o755, ".ssh": 0o700}  # of a home


class Lab:
    """One lab: its namespaces are NAME-HOST, its files /run/sshwhy-lab/NAME/HOST."""

    def __init__(self, name):
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
            raise ValueError(f"not a name for a lab: {name}")
        self.name = name
        self.files = STATE / name
        self.tun_mark = self.files / "tun"
        self.health = self.files / "health.json"  # {host: what it was like when it was brought to health}
        self.children = {}  # the daemons that this process has started, by pid

    @property
    def tun(self):
        return self.tun_mark.exists()

    @property
    def hosts(self):
        return with_tunnel(HOSTS) if self.tun else HOSTS

    def namespace(self, host):
        return f"{self.name}-{host}"

    def network(self, host):
        return namespaces.network(self.namespace(host))

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

    def on(self, host):
        """What stands before a command for it to run on a host."""
        return [str(self.files / "enter"), self.name, host]

    def environment(self):
        """{NAME: value}, for scripts."""
        return {
            **ADDRESSES,
            **(TUN_ADDRESSES if self.tun else {}),
            "INTERFACE": "tun0" if self.tun else "eth0",
            **{f"NETNS_{host.upper()}": self.namespace(host) for host in HOSTS},
            "VM_KEY": self.host_key("vm"),
        }

    # Up and down

    def up(self, tun=False):
        self.down()
        for host in HOSTS:
            (self.run(host) / "etc").mkdir(parents=True)
        install(self.files / "enter")
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
        namespaces.end(lambda: self.residents(HOSTS, namespaces.processes()))
        for child in self.children.values():
            child.wait()
        self.children.clear()
        names = [self.namespace(host) for host in HOSTS]
        baseline.ip([f"netns del {name}" for name in names if namespaces.exists(name)])
        shutil.rmtree(self.files, ignore_errors=True)
        if STATE.exists() and not any(STATE.iterdir()):
            STATE.rmdir()

    def residents(self, hosts, pids):
        return namespaces.residents([(self.namespace(host), self.run(host)) for host in hosts], pids)

    # The healthy state, reached from a new lab and from a broken one alike

    def settle(self, hosts=HOSTS):
        health = json.loads(self.health.read_text()) if self.health.exists() else {}
        # Should this be interrupted, nothing is known of any host.
        self.health.unlink(missing_ok=True)
        due = {host: list(self.services_due(host, health.get(host))) for host in hosts}
        self.stop_daemons({host: self.daemons(host) - self.untouched(host, due[host]) for host in hosts})
        for host in hosts:
            self.write_files(host)
        self.settle_networks(hosts, health)
        self.start_daemons({host: due[host] for host in hosts})
        for host in hosts:
            health[host] = {**health[host], "lives": self.lives(host)}
        self.health.write_text(json.dumps(health))

    def services_due(self, host, was):
        """The services that must start again; the others have not run since they were ready."""
        for service in self.hosts[host].services:
            life = was and was["lives"].get(service.name)
            file = self.run(host) / f"{service.name}.pid"
            if not (life and file.exists() and file.read_text() == f"{life[0]}\n" and namespaces.life(life[0]) == life):
                yield service

    def untouched(self, host, due):
        return {service.name for service in self.hosts[host].services if service not in due}

    def daemons(self, host):
        return {file.stem for file in self.run(host).glob("*.pid")}

    def lives(self, host):
        names = [service.name for service in self.hosts[host].services]
        return {name: namespaces.life(int((self.run(host) / f"{name}.pid").read_text())) for name in names}

    def settle_networks(self, hosts, health):
        at_work = []
        for host in hosts:
            with self.network(host):
                at_work += baseline.settle(host, self.hosts[host], health.get(host))
        baseline.finish(*at_work)
        for host in hosts:
            with self.network(host):
                health[host] = baseline.state_of()

    def write_files(self, host):
        its, run = self.hosts[host], self.run(host)
        (run / "sshd").mkdir(exist_ok=True)  # faults start sshd on other hosts too
        self.make_home(run)
        (run / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        (run / "etc/hosts.deny").write_text("")
        (run / "etc/resolv.conf").write_text(f"nameserver {its.resolver}\noptions timeout:2 attempts:1\n")
        key = run / "ssh_host_ed25519_key"
        if SSHD in its.services and not key.exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host, "-f", key]
            subprocess.run(command, check=True)
        if its.tun:
            install(run / "forwarder")

    def host_key(self, host):
        """The fingerprint of its SSH host key, while nobody gave it another."""
        command = ["ssh-keygen", "-l", "-f", self.run(host) / "ssh_host_ed25519_key.pub"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]

    def make_home(self, run):
        """root's home is the host's own, and empty; so is ann's, who is nobody on the machine."""
        users = Path("/etc/passwd").read_text(encoding="utf-8")
        users = re.sub(r"^(root:.*):[^:]*(:[^:]*)$", r"\1:/run/home\2", users, flags=re.MULTILINE)
        users += f"{PERSON}:x:{PERSON_ID}:{PERSON_ID}::/run/{PERSON}:/bin/sh\n"
        (run / "etc/passwd").write_text(users, encoding="utf-8")
        for home, owner in ((run / "home", 0), (run / PERSON, PERSON_ID)):
            if not is_empty_home(home, owner):
                shutil.rmtree(home, ignore_errors=True)
                (home / ".ssh").mkdir(parents=True)
                for folder, mode in MODES.items():
                    (home / folder).chmod(mode)
                    os.chown(home / folder, owner, owner)

    # Weather of routers: how they answer, and which way packets take

    def change_routers(self, changes):
        for host, its in changes.items():
            with self.network(host):
                for change in its:
                    change(self.hosts[host])

    # Weather of lines. One is a bridge of two ports; in bad weather a forwarder joins these instead.

    def set_weather(self, lines, weather):
        self.settle(lines)
        try:
            for line in lines:
                self.break_line(line, weather)
        except RuntimeError:
            self.settle(lines)
            raise

    def clear_weather(self):
        self.settle(LINES)
        self.change_routers(climate.undoing())

    def break_line(self, line, weather):
        install(self.run(line) / "forwarder")
        ports = list(HOSTS[line].addresses)
        command = ["/run/forwarder", *(f"link:{port}" for port in ports), *weather]
        with self.network(line):
            baseline.ip([f"link set {port} nomaster" for port in ports])
        self.await_daemon(line, "weather", self.launch(line, "weather", command),
                          lambda: namespaces.packet_sockets() == 2)

    # Daemons. Each leads a session, and that is how all of its processes are found.

    def start_daemon(self, host, daemon, port, command):
        """Returns when it listens on the port (0: at once)."""
        pid = self.launch(host, daemon, command)
        if port != 0:
            self.await_daemon(host, daemon, pid, lambda: netlink.listens(port))

    def start_daemons(self, services):
        """{host: services}. All at once."""
        started = [
            (host, service, self.launch(host, service.name, shlex.split(service.command)))
            for host, its in services.items()
            for service in its
        ]
        for host, service, pid in started:
            self.await_daemon(host, service.name, pid, lambda port=service.port: netlink.listens(port))

    def launch(self, host, daemon, command):
        """Its pid goes to /run/DAEMON.pid on the host, its output to DAEMON.log."""
        with (self.run(host) / f"{daemon}.log").open("w") as log:
            child = subprocess.Popen(
                [*self.on(host), *command],
                start_new_session=True, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # fmt: skip
        (self.run(host) / f"{daemon}.pid").write_text(f"{child.pid}\n")
        self.children[child.pid] = child
        return child.pid

    def await_daemon(self, host, daemon, pid, ready, seconds=10.0):
        """Waits until ready() in the host's network; raises when the daemon ends before."""
        deadline = time.monotonic() + seconds
        with self.network(host):
            while not ready():
                ended = self.children[pid].poll() is not None
                if ended or time.monotonic() > deadline:
                    log = (self.run(host) / f"{daemon}.log").read_text(errors="replace").strip()
                    trouble = "it has ended" if ended else "it does not get ready"
                    raise RuntimeError(f"{daemon} on {host}: {trouble}: {log}")
                time.sleep(0.003)

    def stop_daemon(self, host, daemon):
        self.stop_daemons({host: [daemon]})

    def stop_daemons(self, daemons):
        """{host: names}. All at once."""
        files = [self.run(host) / f"{name}.pid" for host, names in daemons.items() for name in names]
        sessions = {int(file.read_text()) for file in files}
        namespaces.end(lambda: self.residents(daemons, namespaces.members(sessions)))
        for session in sessions & self.children.keys():
            self.children.pop(session).wait()
        for file in files:
            file.unlink()


def is_empty_home(home, owner):
    """Whether it is as it was made: nothing but an empty .ssh in it, and its owner's."""
    return home.is_dir() and all(
        os.listdir(home / folder) == files and access(home / folder) == (stat.S_IFDIR | MODES[folder], owner, owner)
        for folder, files in ((".", [".ssh"]), (".ssh", []))
    )


def access(folder):
    its = folder.lstat()
    return its.st_mode, its.st_uid, its.st_gid


def install(program):
    """A program of the lab's own, NAME.c, becomes the file of that name. To compile takes as long as to raise the lab."""
    source = HERE / f"{program.name}.c"
    compiled = HERE / "__pycache__" / f"{program.name}.{os.uname().machine}"
    if not compiled.exists() or compiled.stat().st_mtime <= source.stat().st_mtime:
        compiled.parent.mkdir(exist_ok=True)
        new = compiled.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", new, source], check=True)
        new.rename(compiled)
    if not program.exists():
        shutil.copy(compiled, program)
