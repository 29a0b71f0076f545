#!/usr/bin/python3
"""Captures of others: many conversations in one pass, each reported when it is settled."""

import json
import os
import select
import struct
import subprocess
import time
from pathlib import Path

import support
from support import AMBIGUOUS, FAULT, HEALTHY, MALFORMED, PROGRAM, UNKNOWN, Case, sshwhy
from traffic import ACK, FIN, HELLO, PSH, RST, START, SYN, Talk, count, head, pcap, pcapng, records, tick

CAPTURES = Path(PROGRAM).parent / "tests/captures"
SANITIZED = "ASAN_OPTIONS" in os.environ  # memory is not the program's own then
SERVER = "192.0.2.1"


class Traffic(Case):
    def file(self, content, name="capture.pcap"):
        file = self.folder() / name
        file.write_bytes(content)
        return file

    def analyze(self, *talks, options=()):
        return sshwhy("analyze", "--json", *options, self.file(pcap(*talks)))

    def one(self, *talks, options=()):
        return self.assert_verdict(self.analyze(*talks, options=options))

    def facts(self, report):
        return [row["fact"] for row in report["evidence"]]


class Conversations(Traffic):
    def test_one_report_each(self):
        ended = self.analyze(
            Talk("10.0.0.1", SERVER).refused(),
            Talk("10.0.0.2", SERVER, at=1).refused(),
            Talk("10.0.0.1", SERVER, (40001, 2222), at=2).refused(),
            options=("--port", "2222"),
        )
        reports = self.assert_reports(ended)
        found = [(r["local_address"], r["target"]["port"], r["attempts"]) for r in reports]
        self.assertEqual(found, [("10.0.0.1", 22, 1), ("10.0.0.2", 22, 1), ("10.0.0.1", 2222, 1)])

    def test_retries_are_attempts(self):
        talks = [Talk("10.0.0.1", SERVER, (40000 + n, 22), at=5 * n).refused() for n in range(7)]
        report = self.one(*talks)
        self.assertEqual((report["attempts"], self.facts(report)[0]), (7, "syn.reset"))

    def test_same_port_again(self):
        talks = [Talk("10.0.0.1", SERVER, at=5).refused(), Talk("10.0.0.1", SERVER).not_ssh()]
        talks[0].frames = [(at, frame.replace(b"\0\0\x03\xe8", b"\0\0\x13\xe8").replace(b"\0\0\x03\xe9", b"\0\0\x13\xe9"))
                           for at, frame in talks[0].frames]  # fmt: skip
        report = self.one(*talks)
        self.assertEqual((report["attempts"], self.facts(report)[0]), (2, "syn.reset"))

    def test_last_attempts_decide(self):
        """A port that was silent and then answers is not silent."""
        report = self.one(Talk("10.0.0.1", SERVER).silence(), Talk("10.0.0.1", SERVER, (40001, 22), at=20).closed())
        self.assertIn("ssh.closed-before-banner", self.facts(report))
        report = self.one(Talk("10.0.0.1", SERVER).closed(), Talk("10.0.0.1", SERVER, (40001, 22), at=20).silence(), tick(40))
        self.assertIn("syn.silent", self.facts(report))

    def counted(self, stood, then, pause=6):
        """The facts where so many connections stood, one every `pause` seconds, before `then`."""
        talks = [Talk("10.0.0.1", SERVER, (40000 + n, 22), at=pause * n).closed() for n in range(stood)]
        return self.facts(self.one(*talks, then(Talk("10.0.0.1", SERVER, (41000, 22), at=pause * stood)), tick(pause * stood + 20)))

    def test_a_limit_of_new_connections(self):
        self.assertIn("later.silent-to-what-comes-next", self.counted(3, Talk.silence))
        self.assertIn("later.rejects-what-comes-next", self.counted(5, lambda talk: talk.syn().unreachable(SERVER, 3)))
        for few in self.counted(2, Talk.silence), self.counted(3, Talk.silence, pause=25):
            self.assertIn("syn.silent", few)
            self.assertNotIn("later.silent-to-what-comes-next", few)

    def test_attempt_cut_off_by_the_end(self):
        report = self.one(Talk("10.0.0.1", SERVER).not_ssh(), Talk("10.0.0.1", SERVER, (40001, 22), at=20).syn())
        self.assertIn("ssh.not-ssh", self.facts(report))

    def test_other_port_by_its_words(self):
        """The server is whoever is spoken to; its SYN was seen before anybody knew."""
        talk = Talk("10.0.0.1", SERVER, (40000, 7022)).connect().add(False, PSH | ACK, HELLO)
        report = self.one(talk.add(True, PSH | ACK, HELLO, after=0.1).add(False, RST | ACK))
        self.assertEqual((report["target"]["port"], report["ssh"]["banner"]), (7022, HELLO.decode().strip()))
        self.assertIn("ssh.cut-after-identification", self.facts(report))
        self.assertEqual(report["vantage"], "client")
        row = next(row for row in report["evidence"] if row["fact"] == "syn.answered")
        self.assertEqual(row["packets"], [1, 2])
        self.assertEqual(self.one(talk, Talk("10.0.0.1", SERVER, (40009, 7022), at=9).refused())["attempts"], 2)

    def test_no_ssh_on_other_ports(self):
        ended = self.analyze(Talk("10.0.0.1", SERVER, (40000, 80)).connect().add(True, PSH | ACK, b"GET / SSH-\r\n"))
        self.assertEqual((ended.code, ended.out), (UNKNOWN, ""))

    def test_icmp_belongs_to_what_it_quotes(self):
        report = self.one(Talk("10.0.0.1", SERVER).syn().unreachable("198.51.100.7"))
        self.assertIn("syn.prohibited-by-router", self.facts(report))

    def test_ipv6(self):
        report = self.one(Talk("2001:db8::1", "2001:db8:99::4").refused())
        self.assertEqual((report["target"]["address"], self.facts(report)[0]), ("2001:db8:99::4", "syn.reset"))

    def test_middle(self):
        """The SYN is missing: before the identification that is no loss, after it nothing is known."""
        talk = Talk("10.0.0.1", SERVER).connect().add(False, PSH | ACK, HELLO)
        talk.add(True, PSH | ACK, HELLO, after=0.1).add(False, RST | ACK)
        talk.frames = talk.frames[3:]
        report = self.one(talk)
        self.assertIn("ssh.cut-after-identification", self.facts(report))
        self.assertIn("the middle of a connection", " ".join(report["not_observed"]))
        talk = Talk("10.0.0.1", SERVER).connect().add(True, PSH | ACK, b"\x17" * 40).add(False, PSH | ACK, b"\x18" * 40)
        talk.frames = talk.frames[3:]
        self.assertEqual(self.one(talk)["verdict"]["outcome"], "unknown")

    def test_half_of_the_way(self):
        """Only one direction was captured: nobody was silent."""
        talks = [Talk("10.0.0.1", SERVER, (40000 + n, 22), at=3 * n).connect().add(True, PSH | ACK, HELLO) for n in range(4)]
        for talk in talks:
            del talk.frames[1]
        report = self.one(*talks, tick(30))
        self.assertEqual(report["verdict"]["outcome"], "unknown")
        self.assertIn("silence", " ".join(report["not_observed"]))

    def test_client_ends_first(self):
        """Who reads the identification and goes is no fault."""
        talk = Talk("10.0.0.1", SERVER).connect().add(False, PSH | ACK, HELLO).add(True, FIN | ACK).add(False, FIN | ACK)
        self.assertEqual(self.one(talk)["verdict"]["outcome"], "unknown")


class Healthy:
    """Sessions that a client makes with a server, each a copy of a real one: from its own port, at its own time."""

    def __init__(self):
        content = (support.ROOT / "pcaps/tcpdump-healthy.pcap").read_bytes()
        self.frames, at = [], 24
        while at < len(content):
            seconds, microseconds, captured, _ = struct.unpack_from("<IIII", content, at)
            self.frames.append((seconds + microseconds / 1e6, content[at + 16 : at + 16 + captured]))
            at += 16 + captured
        self.first = self.frames[0][0]
        self.last = self.frames[-1][0] - self.first
        self.port = self.frames[0][1][34:36]

    def session(self, port, at=0.0):
        def rewritten(frame):
            source = frame[34:36] == self.port
            return frame[:34] + (port + frame[36:38] if source else frame[34:36] + port) + frame[38:]

        port = struct.pack(">H", port)
        return [(START + at + when - self.first, rewritten(frame)) for when, frame in self.frames]


class Parallel(Traffic):
    """More connections of one client than are written down: those that are not are known all the same."""

    def assert_healthy(self, attempts, *talks):
        report = self.one(*talks)
        self.assertEqual((report["verdict"]["outcome"], report["attempts"]), ("healthy", attempts))

    def test_at_once(self):
        healthy = Healthy()
        for count in (2, 5, 8, 60, 1000):
            with self.subTest(sessions=count):
                self.assert_healthy(count, *(healthy.session(20000 + n, n / 10000) for n in range(count)))

    def test_one_after_the_other(self):
        healthy = Healthy()
        self.assert_healthy(60, *(healthy.session(20000 + n, 2 * n) for n in range(60)))

    def test_late_ends(self):
        """Of connections that were over long ago; of one that goes on, and of one that nobody answered."""
        healthy = Healthy()
        for frame in (healthy.frames[0], healthy.frames[1], healthy.frames[2], healthy.frames[3], healthy.frames[-1]):
            talks = [healthy.session(20000 + n, 2 * n) for n in range(8)]
            late = []
            for flags in (None, RST, FIN | ACK, ACK):
                for n in range(3):
                    when, copy = healthy.session(20000 + n)[healthy.frames.index(frame)]
                    changed = copy if flags is None else copy[:47] + bytes([flags]) + copy[48:]
                    late.append((START + 20 + n + (flags or 0) / 100, changed))
            self.assert_healthy(8, *talks, late)

    def test_unanswered_then_late(self):
        """The SYN-ACKs come when six more SYNs have gone: none of them is another attempt."""
        healthy = Healthy()
        sessions = [healthy.session(20000 + n) for n in range(10)]
        syns = [(at + n / 1000, frame) for n, session in enumerate(sessions) for at, frame in session[:1]]
        rest = [(at + 1 + n / 1000, frame) for n, session in enumerate(sessions) for at, frame in session[1:]]
        self.assert_healthy(10, syns, rest)

    def test_the_same_port_once_more(self):
        """A new SYN is a new attempt, on whatever port."""
        talks = [Talk("10.0.0.1", SERVER, (40000 + n, 22), at=n).closed() for n in range(8)]
        again = Talk("10.0.0.1", SERVER, at=20)
        again.up = 5000
        self.assertEqual(self.one(*talks, again.closed())["attempts"], 9)

    def test_ended_go_first(self):
        """One that stands still is not dropped for others that are over."""
        mute = Talk("10.0.0.1", SERVER, (39999, 22)).connect().add(False, PSH | ACK, HELLO)
        mute.add(True, PSH | ACK, HELLO, after=5)
        refused = [Talk("10.0.0.1", SERVER, (40000 + n, 22), at=0.1 + n / 10).refused() for n in range(20)]
        report = self.one(mute, *refused, Talk("10.0.0.1", SERVER, at=8, ports=(40100, 22)).syn())
        self.assertEqual(report["attempts"], 22)


class Silence(Traffic):
    """What is left out of a capture is nobody's silence: who misses an answer repeats what it said."""

    def assert_blames_nobody(self, *talks, options=()):
        for report in self.assert_reports(self.analyze(*talks, tick(90), options=options)):
            self.assertIn(report["verdict"]["outcome"], ("healthy", "unknown"), report["verdict"])

    def test_syns_alone(self):
        """tcpdump 'tcp[tcpflags] & tcp-syn != 0', and the same of one direction."""
        sessions = [Healthy().session(20000 + n, 5 * n) for n in range(8)]
        for count, kept in ((1, 2), (3, 2), (8, 2), (1, 1), (3, 1), (8, 1)):
            for vantage in ("client", "vm"):
                with self.subTest(sessions=count, kept=kept, vantage=vantage):
                    talks = [session[:kept] for session in sessions[:count]]
                    self.assert_blames_nobody(*talks, options=("--vantage", vantage))

    def test_first_packets(self):
        """Of each flow, as samplers keep them."""
        session = Healthy().session(20000)
        for kept in range(1, len(session)):
            for vantage in ("client", "vm"):
                with self.subTest(kept=kept, vantage=vantage):
                    self.assert_blames_nobody(session[:kept], options=("--vantage", vantage))

    def test_client_resets(self):
        """nmap -sS: who resets the SYN-ACK has had it."""
        talks = [Talk("10.0.0.1", SERVER, (40000 + n, 22), at=n).syn().add(False, SYN | ACK).add(True, RST) for n in range(4)]
        self.assert_blames_nobody(*talks)

    def test_client_hears_no_answer(self):
        talk = Talk("10.0.0.1", SERVER).syn()
        for after in (1, 2, 4):
            talk.add(False, SYN | ACK, sequence=2000).add(True, SYN, after=after, sequence=1000)
        self.assertIn("in.ignored", self.facts(self.one(talk, tick(30))))

    def stalled(self, *later):
        talk = Talk("10.0.0.1", SERVER).connect().add(True, PSH | ACK, HELLO).add(False, ACK)
        for after, from_client, flags in later:
            talk.add(from_client, flags, after=after)
        return self.one(talk, tick(90))

    def test_watched_to_the_end(self):
        """A mute service is one when the client was seen to wait for it; else the capture may end before."""
        self.assertIn("ssh.silent-service", self.facts(self.stalled((30, True, FIN | ACK))))
        self.assertEqual(self.stalled()["verdict"]["outcome"], "unknown")


class Settling(Traffic):
    def test_before_the_end(self):
        """A report is out when its conversation is over, while the capture goes on."""
        with subprocess.Popen([PROGRAM, "analyze", "--json", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write(head() + records(Talk("10.0.0.1", SERVER).refused().frames + tick(600) + tick(601)))
            process.stdin.write(records(Talk("10.0.0.2", SERVER, at=602).refused().frames + tick(603)))
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], 20)
            self.assertTrue(ready)
            self.assertEqual(json.loads(process.stdout.readline())["local_address"], "10.0.0.1")
            process.stdin.close()
            self.assertEqual(json.loads(process.stdout.readline())["local_address"], "10.0.0.2")

    def test_quiet_means_settled(self):
        ended = self.analyze(
            Talk("10.0.0.1", SERVER).refused(), tick(1000), Talk("10.0.0.1", SERVER, (40001, 22), at=1001).not_ssh()
        )
        self.assertEqual([report["attempts"] for report in self.assert_reports(ended)], [1, 1])

    def test_a_pause_parts_attempts(self):
        """Where nobody else's packets move the clock, either: what ends the pause does."""
        silent = Talk("10.0.0.1", SERVER).silence((0, 1, 2, 4, 8, 16))
        for name, later in (
            ("a session", Healthy().session(40001, 86400)),
            ("one packet", Talk("10.0.0.1", SERVER, (40001, 22), at=86400).syn()),
            ("once more", Talk("10.0.0.1", SERVER, at=86400).silence()),
        ):
            with self.subTest(later=name):
                reports = self.assert_reports(self.analyze(silent, later))
                self.assertEqual([report["attempts"] for report in reports], [1, 1])
                self.assertIn("syn.silent", self.facts(reports[0]))
                self.assertNotIn("86400", json.dumps(reports))
        days = [Talk("10.0.0.1", SERVER, at=86400 * n).syn() for n in range(5)]
        self.assertEqual(len(self.assert_reports(self.analyze(*days))), 5)

    def test_one_odd_time_of_its_own(self):
        talks = [Talk("10.0.0.1", SERVER, (40000 + n, 22), at=n).refused() for n in range(5)]
        talks[2].frames[0] = (START + 90000, talks[2].frames[0][1])
        frames = [frame for talk in talks for frame in talk.frames]
        report = self.assert_verdict(sshwhy("analyze", "--json", self.file(head() + records(frames))))
        self.assertEqual(report["attempts"], 5)

    def test_one_odd_time_settles_nothing(self):
        talks = [Talk("10.0.0.1", SERVER, (40000 + n, 22), at=n).refused() for n in range(4)]
        odd = tick(5000)[0]
        frames = sorted(frame for talk in talks for frame in talk.frames)
        file = self.file(head() + records(frames[:3] + [odd] + frames[3:]))
        report = self.assert_verdict(sshwhy("analyze", "--json", file))
        self.assertEqual(report["attempts"], 4)

    def test_rest_of_a_settled_connection(self):
        talk = Talk("10.0.0.1", SERVER).connect().add(False, PSH | ACK, HELLO).add(True, PSH | ACK, HELLO)
        late = Talk("10.0.0.1", SERVER, at=9000)
        late.up, late.down = talk.up, talk.down
        late.add(True, PSH | ACK, b"x" * 100).add(False, ACK)
        self.assertEqual(len(self.assert_reports(self.analyze(talk, tick(8000), late))), 1)


class Place(Traffic):
    """Where the capture was taken, and what that makes of the same packets."""

    def vantage(self, *talks):
        return self.one(*talks)["vantage"]

    def test_inferred(self):
        for ttls, place in (((64, 59), "client"), ((59, 64), "vm"), ((128, 50), "client"), ((60, 61), None), ((64, 64), None)):
            with self.subTest(ttls=ttls):
                report = self.one(Talk("10.0.0.1", SERVER, ttls=ttls).refused())
                self.assertEqual(report["vantage"], place)
                self.assertEqual(any("vantage" in line for line in report["not_observed"]), place is None)

    def test_given(self):
        report = self.one(Talk("10.0.0.1", SERVER, ttls=(59, 64)).refused(), options=("--vantage", "client"))
        self.assertEqual(report["vantage"], "client")
        self.assertIn("syn.reset", self.facts(report))

    def test_vm_is_silent(self):
        """A SYN that has come to the VM was dropped there; another connection shows whose machine it is."""
        silent = Talk("10.0.0.1", SERVER, ttls=(57, 64)).silence()
        web = Talk("10.0.0.5", SERVER, (5555, 443), ttls=(57, 64)).connect()
        report = self.one(web, silent, tick(30))
        self.assertEqual((report["vantage"], report["verdict"]["sources"]), ("vm", [5]))
        self.assertIn("arrived.silent", self.facts(report))
        report = self.one(silent, tick(30))  # without it, the SYN may be lost behind this place
        self.assertEqual((report["vantage"], report["verdict"]["outcome"]), (None, "ambiguous"))

    def test_vm_resets(self):
        report = self.one(Talk("10.0.0.1", SERVER, ttls=(57, 64)).refused())
        self.assertEqual(report["verdict"]["sources"], [5])

    def test_answer_is_lost_on_the_way_back(self):
        talk = Talk("10.0.0.1", SERVER, ttls=(57, 64)).syn()
        for after in (0.01, 1, 2, 4):
            talk.add(False, SYN | ACK, after=after, sequence=2000)
        report = self.one(talk, tick(30))
        self.assertIn("back.never-acknowledged", self.facts(report))
        self.assertEqual(report["verdict"]["outcome"], "ambiguous")
        self.assertNotIn(5, report["verdict"]["sources"])
        report = self.one(Talk("10.0.0.1", SERVER, ttls=(60, 61)).syn(), tick(30))
        self.assertEqual(report["verdict"]["outcome"], "unknown")

    def test_client_falls_silent(self):
        """Seen from the VM, that is no fault of the VM."""
        talk = Talk("10.0.0.1", SERVER, ttls=(57, 64)).connect()
        for after in (0.01, 0.2, 0.4, 0.8, 1.6):
            talk.add(False, PSH | ACK, HELLO, after=after, sequence=2001)
        report = self.one(talk, Talk("10.0.0.1", SERVER, ttls=(57, 64), at=130).add(False, FIN | ACK, sequence=2022), tick(150))
        self.assertIn("far.falls-silent", self.facts(report))
        self.assertNotEqual(report["verdict"]["sources"][:1], [5])

    def test_reset_from_beside_the_way(self):
        talk = Talk("10.0.0.1", SERVER, ttls=(57, 64)).connect().add(False, PSH | ACK, HELLO)
        report = self.one(talk.add(True, PSH | ACK, HELLO).add(True, RST | ACK, ttl=61), tick(30))
        self.assertIn("far.cut-by-another", self.facts(report))


class People(Traffic):
    def many(self, count):
        return [Talk(f"10.0.{n // 200}.{n % 200 + 1}", SERVER, at=n).refused() for n in range(count)]

    def test_summary(self):
        ended = sshwhy("analyze", self.file(pcap(*self.many(3), Talk("10.1.0.1", "192.0.2.9", ttls=(57, 64)).refused())))
        self.assertEqual(ended.out.count("Causes left"), 4)
        table = ended.out[ended.out.index("4 conversations") :].splitlines()
        self.assertIn("192.0.2.9:22", table[2])
        self.assertEqual(len(table), 6)
        self.assert_clean(ended)

    def test_many(self):
        """Of many, the table alone; the worst come first, the rest is counted."""
        ended = sshwhy("analyze", self.file(pcap(*self.many(300), Talk("10.1.0.1", "192.0.2.9", ttls=(57, 64)).refused())))
        lines = ended.lines
        self.assertTrue(lines[0].startswith("301 conversations: "), lines[0])
        self.assertIn("192.0.2.9:22", lines[2])
        self.assertIn("and 101 more", lines[-1])

    def test_quiet_and_verbose(self):
        file = self.file(pcap(*self.many(20)))
        self.assertEqual(len(sshwhy("analyze", "-q", file).lines), 20)
        self.assertEqual(sshwhy("analyze", "-v", file).out.count("Causes left"), 20)

    def test_one_needs_no_table(self):
        self.assertNotIn("conversation:", sshwhy("analyze", self.file(pcap(*self.many(1)))).out)

    def test_only(self):
        file = self.file(
            pcap(
                Talk("10.0.0.1", SERVER).refused(),
                Talk("10.0.0.2", "192.0.2.9").not_ssh(),
                Talk("10.0.0.3", "192.0.2.9", (40000, 2222)).refused(),
            )
        )
        for pattern, expected in (
            ("10.0.0.2", ["10.0.0.2"]),
            ("192.0.2.*", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
            ("192.0.2.9", ["10.0.0.2", "10.0.0.3"]),
            ("2222", ["10.0.0.3"]),
            ("*:22", ["10.0.0.1", "10.0.0.2"]),
            ("vm.not-ssh", ["10.0.0.2"]),
            ("nsg", []),
        ):
            with self.subTest(pattern=pattern):
                ended = sshwhy("analyze", "--json", "--port", "2222", "--only", pattern, file)
                self.assertEqual(sorted(r["local_address"] for r in self.assert_reports(ended)), expected)
                self.assertEqual(bool(ended.err), not expected)

    def test_exit_code_is_of_the_most_troubled(self):
        unknown = Talk("10.0.0.1", SERVER).syn()
        ambiguous = Talk("10.0.0.2", SERVER).refused()
        fault = Talk("10.0.0.3", SERVER, ttls=(57, 64)).refused()
        self.assertEqual(self.analyze(unknown).code, UNKNOWN)
        self.assertEqual(self.analyze(unknown, ambiguous).code, AMBIGUOUS)
        self.assertEqual(self.analyze(unknown, ambiguous, fault).code, FAULT)
        healthy = support.ROOT / "pcaps/tcpdump-healthy.pcap"
        self.assertEqual(sshwhy("analyze", "--json", healthy).code, HEALTHY)
        self.assertEqual(sshwhy("analyze", "--json", healthy, self.file(pcap(fault))).code, FAULT)


class Drops(Traffic):
    """A capture that says itself that it lost frames."""

    def judged(self, **said):
        frames = Talk("10.0.0.1", SERVER).silence().frames + tick(30)
        return self.assert_verdict(sshwhy("analyze", "--json", self.file(pcapng(frames, **said), "drops.pcapng")))

    def test_none(self):
        for said in ({}, {"statistics": count(4, 9) + count(5, 0) + count(7, 0)}):
            self.assertIn("syn.silent", self.facts(self.judged(**said)))

    def test_stated(self):
        ways = (
            ("interface", {"statistics": count(5, 17)}),
            ("system", {"statistics": count(7, 17)}),
            ("packet", {"lost_before": {2: 17}}),
            ("both", {"lost_before": {0: 15}, "statistics": count(5, 9) + count(7, 8)}),
        )
        for name, said in ways:
            with self.subTest(said=name):
                report = self.judged(**said)
                self.assertEqual(report["verdict"]["outcome"], "unknown")
                self.assertNotIn("syn.silent", self.facts(report))
                self.assertIn("the capture lost 17 frames", " ".join(report["not_observed"]))


class Damage(Traffic):
    def test_cut(self):
        whole = pcap(*(Talk(f"10.0.0.{n}", SERVER, at=n).refused() for n in range(1, 9)))
        for length in range(len(whole) - 1, 24, -37):
            ended = sshwhy("analyze", "--json", self.file(whole[:length]))
            reports = self.assert_reports(ended)
            self.assertEqual(len(reports), (length - 24) // 140 + ((length - 24) % 140 >= 70))
            if (length - 24) % 70 != 0:
                self.assertEqual(ended.code, MALFORMED)
                self.assertIn("at byte", ended.err)

    def test_growing(self):
        """A file that is written to while it is read: what is there is taken."""
        file = self.file(head())
        with open(file, "ab", buffering=0) as out:
            for n in range(1, 5):
                out.write(records(Talk(f"10.0.0.{n}", SERVER, at=n).refused().frames))
                self.assertEqual(len(self.assert_reports(sshwhy("analyze", "--json", file))), n)


class Flood(Traffic):
    """SYNs without end: bounded memory, and the real clients among them are told rightly."""

    def test_flood(self):
        syns = 50000 if SANITIZED else 1500000
        making = subprocess.Popen([CAPTURES, "flood", str(syns)], stdout=subprocess.PIPE)
        with making:
            ended = sshwhy("analyze", "--json", "-", stdin=making.stdout)
        reports = {r["local_address"]: r for r in self.assert_reports(ended)}
        self.assertIn("syn.silent", self.facts(reports["10.20.0.1"]))
        self.assertIn("syn.reset", self.facts(reports["10.20.0.2"]))
        self.assertRegex(ended.err, r"\d{5,} conversations that never began")
        self.assertRegex(" ".join(reports["10.20.0.1"]["not_observed"]), r"\d{5,} other conversations")
        if not SANITIZED:
            self.assertLess(ended.megabytes, 64)

    def test_ended_make_room(self):
        """One after the other, more than there is room for at once: those that ended make room, and nothing
        is lost that would have to be said."""
        making = subprocess.Popen([CAPTURES, "sessions", "8000"], stdout=subprocess.PIPE)
        with making:
            ended = sshwhy("analyze", "--json", "--only", "10.0.0.77", "-", stdin=making.stdout)
        self.assertEqual(self.assert_verdict(ended)["ssh"]["banner"], HELLO.decode().strip())
        self.assertEqual(ended.err, "")
        if not SANITIZED:
            self.assertLess(ended.megabytes, 64)

    def test_many_connections(self):
        """More real connections at once than there is room for: judged early, and said."""
        if SANITIZED:
            self.skipTest("slow")
        hello = HELLO + b"x" * 1200
        file = self.folder() / "many.pcap"
        with open(file, "wb") as out:
            out.write(head())
            for n in range(30000):
                talk = Talk(f"10.{n >> 14}.{n >> 7 & 127}.{n & 127}", SERVER, at=n / 1000)
                out.write(records(talk.connect().add(False, PSH | ACK, hello).add(True, PSH | ACK, hello).frames))
        ended = sshwhy("analyze", "--json", file)
        self.assertEqual(len({r["local_address"] for r in self.assert_reports(ended)}), 30000)
        self.assertLess(ended.megabytes, 64)
        self.assertIn("judged before they ended", ended.err)


if __name__ == "__main__":
    support.main()
