#!/usr/bin/python3
"""What the probe's own processes may do while it runs, and that none of them outlives it."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import support
from support import NOBODY, Case, Lab, Run

VM = "20.99.0.4"
PERSON = 20022
NET_ADMIN, SYS_PTRACE, DAC_READ_SEARCH = 1 << 12, 1 << 19, 1 << 2
MANY = 30000  # rules take seconds to read


def setUpModule():
    global lab
    lab = Lab()


def pids():
    """Of the processes in the client's network."""
    command = ["ip", "netns", "pids", f"{lab.name}-client"]
    return [int(pid) for pid in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def statuses():
    """By the name of each process of the probe: what /proc says of its threads."""
    found = {}
    for pid in pids():
        try:
            name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
            if name.startswith("sshwhy"):
                texts = [file.read_text(encoding="utf-8") for file in Path(f"/proc/{pid}/task").glob("*/status")]
                found[name] = [dict(line.split(":\t", 1) for line in text.splitlines()) for text in texts]
        except OSError:
            pass  # it has ended
    return found


def add_many_rules():
    rules = "".join(f"ip daddr 11.0.{n >> 8}.{n & 255} tcp dport 22 counter drop\n" for n in range(MANY))
    text = f"table inet many {{ chain output {{ type filter hook output priority 0;\n{rules}}}\n}}\n"
    subprocess.run([*lab.on("client"), "nft", "-f", "-"], input=text, check=True, text=True)


class Children(Case):
    def tearDown(self):
        lab("heal")

    def wait_for(self, name, threads=1):
        deadline = time.monotonic() + 10
        while True:
            found = statuses().get(name, [])
            if len(found) >= threads and all(int(status["Seccomp"]) == 2 for status in found):
                return found
            self.assertLess(time.monotonic(), deadline, f"{name}: {found}")

    def assert_holds(self, statuses_, capabilities, uid):
        for status in statuses_:
            self.assertEqual(set(status["Uid"].split()), {str(uid)})
            self.assertEqual(int(status["NoNewPrivs"]), 1)
            for kind in ("CapEff", "CapPrm"):
                self.assertEqual(int(status[kind], 16), capabilities)
            for kind in ("CapInh", "CapAmb"):
                self.assertEqual(int(status[kind], 16), 0)
            if uid != PERSON:
                self.assertEqual((status["Groups"].strip(), int(status["CapBnd"], 16)), ("", 0))

    def assert_ends(self, run):
        run.send(signal.SIGKILL)
        self.assertEqual(run.end().code, -signal.SIGKILL)
        self.assert_nobody_left()

    def assert_nobody_left(self):
        """The kernel takes a moment for a process that was large."""
        deadline = time.monotonic() + 5
        while pids() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(pids(), [])

    def test_who_asks_silent_name_servers(self):
        lab("break", "client-dns-silent")
        for before, uid in (([], NOBODY), (["env", f"SUDO_UID={PERSON}"], PERSON)):
            with self.subTest(uid=uid):
                run = Run("probe", "--json", "vm.example", before=[*lab.on("client"), *before])
                self.assert_holds(self.wait_for("sshwhy: names", threads=2), 0, uid)
                self.assert_ends(run)

    def test_who_reads_many_rules(self):
        lab("break", "nsg-deny")
        add_many_rules()
        run = Run("probe", "--json", VM, before=lab.on("client"))
        self.assert_holds(self.wait_for("sshwhy: rules"), NET_ADMIN, NOBODY)
        self.assert_holds(self.wait_for("sshwhy: owners"), SYS_PTRACE | DAC_READ_SEARCH, NOBODY)
        self.assert_ends(run)
        ended = Run("probe", "--json", VM, before=lab.on("client")).end()
        self.assertRegex(ended.out, "rules of the local firewall: too many to read")
        self.assert_nobody_left()

    def test_capabilities_of_the_file(self):
        """No thread and no process of an ordinary user's probe keeps what it does not say."""
        program = self.folder() / "sshwhy"
        shutil.copy(support.PROGRAM, program)
        subprocess.run(["setcap", "cap_net_raw,cap_net_admin+ep", program], check=True)
        lab("break", "client-dns-silent")
        words = ["setpriv", f"--reuid={PERSON}", f"--regid={PERSON}", "--clear-groups", program, "probe", "--json"]
        command = [str(word) for word in (*lab.on("client"), *words, "vm.example")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            self.assert_holds(self.wait_for("sshwhy: names"), 0, PERSON)
            process.send_signal(signal.SIGKILL)
        lab("heal")
        lab("break", "nsg-deny")
        add_many_rules()
        with subprocess.Popen([*command[:-1], VM], stdout=subprocess.DEVNULL) as process:
            self.assert_holds(self.wait_for("sshwhy: rules"), NET_ADMIN, PERSON)
            self.assert_holds(self.wait_for("sshwhy: owners"), 0, PERSON)
            time.sleep(1)
            self.assert_holds(statuses()["sshwhy"], 0, PERSON)
            process.send_signal(signal.SIGKILL)


if __name__ == "__main__":
    support.main()
