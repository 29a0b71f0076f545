#!/usr/bin/python3
"""Several captures of the same connections: one verdict, and nothing said that they do not prove."""

import os

import support
from support import AMBIGUOUS, FAULT, MALFORMED, UNKNOWN, USAGE, Case, sshwhy
from traffic import ACK, FIN, HELLO, PSH, RST, SYN, head
from way import COOKIE, Way, capture, kexinit, others

SANITIZED = "ASAN_OPTIONS" in os.environ  # memory is not the program's own then


class Joint(Case):
    def files(self, *contents, names=("client.pcap", "vm.pcap", "third.pcap")):
        folder = self.folder()
        made = [folder / name for name, _ in zip(names, contents)]
        for file, content in zip(made, contents):
            file.write_bytes(content)
        return made

    def analyze(self, *contents, options=(), **names):
        return sshwhy("analyze", "--json", *options, *self.files(*contents, **names))

    def reports(self, *contents, **how):
        return self.assert_reports(self.analyze(*contents, **how))

    def joined(self, *contents, **how):
        """The one report of both captures."""
        reports = self.reports(*contents, **how)
        self.assertEqual(len(reports), 1)
        self.assertEqual(len(reports[0]["captures"]), len(contents))
        return reports[0]

    def fact(self, report, question):
        """The answer and the words, or (None, "")."""
        for row in report["evidence"]:
            if row["fact"].startswith(question + "."):
                return row["fact"].split(".")[1], row["text"]
        return None, ""

    def crossing(self, *contents, **how):
        return self.fact(self.joined(*contents, **how), "crossing")[0]

    def assert_apart(self, *contents, **how):
        reports = self.reports(*contents, **how)
        self.assertEqual([report for report in reports if "captures" in report], [])
        for report in reports:
            self.assertEqual(self.fact(report, "crossing"), (None, ""))
            self.assertEqual(self.fact(report, "answerer"), (None, ""))
        return reports


def both(*ways):
    return capture(0, *ways), capture(1, *ways)


class Matching(Joint):
    def test_across_nat(self):
        report = self.joined(*both(Way().talk()))
        self.assertEqual([name.split("/")[-1] for name in report["captures"]], ["client.pcap", "vm.pcap"])
        self.assertTrue(report["capture"].endswith("client.pcap"))
        self.assertEqual((report["vantage"], report["local_address"]), ("client", "10.20.0.10"))
        answer, text = self.fact(report, "joined")
        self.assertEqual(answer, "both-ends")
        for words in ("10.20.0.10:50000 to 20.99.0.4:22", "198.51.100.2:1024 to 10.1.0.4:22", "4 routers"):
            self.assertIn(words, text)
        self.assertEqual(self.fact(report, "crossing")[0], "all-arrive")
        self.assertEqual(self.fact(report, "mapped")[0], "the-same")

    def test_order_of_files(self):
        client, vm = both(Way().talk())
        report = self.joined(vm, client, names=("vm.pcap", "client.pcap"))
        self.assertEqual([name.split("/")[-1] for name in report["captures"]], ["client.pcap", "vm.pcap"])
        self.assertEqual(report["local_address"], "10.20.0.10")

    def test_clock(self):
        for ahead, words in ((0.83, "0.830 s ahead"), (-3600.0, "3600.000 s behind"), (0, "0.000 ms")):
            report = self.joined(*both(Way(ahead=ahead).talk()))
            answer, text = self.fact(report, "clock")
            self.assertEqual(answer, "compared")
            self.assertIn(words, text)
            self.assertIn("give or take 20.000 ms", text)
            self.assertAlmostEqual(report["clock"]["ahead_seconds"], ahead, 4)
            self.assertAlmostEqual(report["clock"]["within_seconds"], 0.02, 4)

    def test_one_way_only(self):
        """Then there is but a bound for the clock."""
        report = self.joined(*both(Way(ahead=5).syns(), others(-9, 5), others(9, 5)))
        self.assertEqual(self.fact(report, "clock")[0], "bounded")
        self.assertNotIn("clock", report)

    def test_numbers_changed(self):
        """A firewall that gives new sequence numbers to one side, or both."""
        for changed in ((0x12345678, 0), (0, 0x23456789), (0x12345678, 0x23456789)):
            report = self.joined(*both(Way(changed=changed).talk()))
            self.assertIn("sequence numbers are changed", self.fact(report, "joined")[1])
            self.assertEqual(self.fact(report, "crossing")[0], "all-arrive")

    def test_by_words(self):
        """No number is the same, but nobody else sends this key exchange."""
        report = self.joined(*both(Way(changed=(5, 6), stamps=None).talk()))
        self.assertEqual(self.fact(report, "answerer")[0], "a-relay")
        self.assertIn("another connection with the same words", self.fact(report, "joined")[1])

    def test_nothing_the_same(self):
        self.assert_apart(*both(Way(changed=(5, 6), stamps=None).connect().send(False, FIN | ACK)))

    def test_two_alike(self):
        """Of two that are equally like it, none is it."""
        ways = [Way(client=f"10.20.0.{n}", ports=(50000 + n, 22), vm_ports=(1024 + n, 22), ids=9).talk() for n in (1, 2)]
        self.assert_apart(*both(*ways))

    def test_several_clients_behind_one_address(self):
        ways = [Way(client=f"10.20.0.{n}", vm_ports=(1024 + n, 22), isn=(n * 7777, n * 9999), stamps=(n * 5555, n),
                    at=n).talk() for n in range(1, 4)]  # fmt: skip
        reports = self.reports(*both(*ways))
        self.assertEqual([report["local_address"] for report in reports], [f"10.20.0.{n}" for n in range(1, 4)])
        self.assertEqual({self.fact(report, "crossing")[0] for report in reports}, {"all-arrive"})

    def test_others_are_reported_too(self):
        mine, another = Way().talk(), Way(client="203.0.113.9", nat="203.0.113.9", isn=(9, 99), stamps=(8, 88)).talk()
        reports = self.reports(capture(0, mine), capture(1, mine, another))
        self.assertEqual(["captures" in report for report in reports], [True, False])
        self.assertTrue(reports[1]["capture"].endswith("vm.pcap"))

    def test_three_captures(self):
        way = Way().talk()
        middle = Way(hops=2, delay=0.01).talk()
        report = self.joined(capture(1, way), capture(1, middle), capture(0, way), names=("vm", "middle", "client"))
        self.assertEqual([name.split("/")[-1] for name in report["captures"]], ["client", "middle", "vm"])
        self.assertEqual(self.fact(report, "crossing")[0], "all-arrive")

    def test_not_from_the_client_on(self):
        """A capture made on the way proves nothing of what was lost before it."""
        way, middle = Way().talk(), Way(hops=2, delay=0.01).talk()
        routed = [(at, frame[:22] + b"\x3e" + frame[23:]) for at, frame in middle.frames[1]]
        middle.frames = ([(at, frame) for at, frame in routed], [])
        report = self.joined(capture(0, middle), capture(1, way), names=("middle", "vm"))
        self.assertEqual((self.fact(report, "joined")[0], self.fact(report, "crossing")[0]), ("on-the-way", None))
        self.assertEqual(report["vantage"], "vm")

    def test_ipv6(self):
        ends = {"client": "2001:db8:20::10", "nat": "2001:db8:20::10", "server": "2001:db8:99::4", "vm": "2001:db8:99::4"}
        report = self.joined(*both(Way(**ends, vm_ports=(50000, 22)).talk()))
        self.assertIn("vm.pcap has it too", self.fact(report, "joined")[1])

    def test_text(self):
        ended = sshwhy("analyze", *self.files(*both(Way(ahead=-0.83).talk())))
        self.assertRegex(ended.out, r"vm.pcap,\s+whose\s+clock\s+is\s+0.830\s+s\s+behind")
        self.assertRegex(ended.out, r"in\s+\S*client.pcap\s+and\s+\S*vm.pcap")


class Changed(Joint):
    def test_port(self):
        ways = {22: "the-same", 2222: "the-ssh-port"}
        for port, answer in ways.items():
            way = Way(ports=(50000, port)).talk()
            self.assertEqual(self.fact(self.joined(*both(way)), "mapped")[0], answer)

    def test_port_that_nobody_looks_at(self):
        """The rule leads to 2222, where nothing listens: that is no SYN which never arrives."""
        way = Way(vm_ports=(1024, 2222)).syn().send(False, RST | ACK)
        contents = both(way, others(-9), others(9))
        report = self.joined(*contents)
        self.assertEqual(self.fact(report, "crossing")[0], None)
        self.assertIn("--port 2222", self.fact(report, "joined")[1])
        report = self.joined(*contents, options=("--port", "2222"))
        self.assertEqual(self.fact(report, "mapped")[0], "another")
        self.assertIn(3, report["verdict"]["sources"])


class NeverArrives(Joint):
    def test_syns(self):
        contents = both(Way().syns(lost=True), others(-9), others(9))
        contents = (capture(0, Way().syns(lost=True)), contents[1])
        report = self.joined(*contents)
        self.assertEqual(self.fact(report, "crossing")[0], "syns-never-arrive")
        self.assertNotIn(5, report["verdict"]["sources"])
        self.assertNotIn(1, report["verdict"]["sources"])
        self.assertLess(report["verdict"]["confidence"], 0.9)

    def lost(self):
        return capture(0, Way().syns(lost=True))

    def test_not_at_the_time(self):
        for around in ((-30, -9), (9, 30)):
            self.assert_apart(self.lost(), capture(1, *[others(at) for at in around]))

    def test_clock_far_off(self):
        """Nothing says that the captures were made at the same time."""
        self.assert_apart(self.lost(), capture(1, others(-9, 4000), others(9, 4000)))

    def test_clock_known(self):
        """Other attempts tell how far the clocks are apart."""
        before = Way(ports=(49000, 22), vm_ports=(1020, 22), isn=(71, 72), stamps=(73, 74), at=-60, ahead=4000).talk()
        after = Way(client="10.20.0.11", ports=(49001, 22), vm_ports=(1021, 22), isn=(81, 82), stamps=(83, 84), at=60,
                    ahead=4000).talk()  # fmt: skip
        lost = Way(client="10.20.0.12").syns(lost=True)
        reports = self.reports(capture(0, before, lost, after), capture(1, before, after))
        by_client = {report["local_address"]: self.fact(report, "crossing")[0] for report in reports}
        self.assertEqual(by_client["10.20.0.12"], "syns-never-arrive")

    def test_empty(self):
        report = self.joined(self.lost(), head())
        self.assertEqual(self.fact(report, "crossing")[0], "not-seen-at-the-other-end")
        self.assertLess(report["verdict"]["confidence"], 0.9)

    def test_nothing_from_outside(self):
        """A capture of the wrong interface covers the time, and shows nothing all the same."""
        inner = [Way(client="10.1.0.4", nat="10.1.0.4", vm="10.1.0.5", ports=(45000, 80), vm_ports=(45000, 80), at=at,
                     isn=(at + 50, 5), hops=0).connect() for at in (-9, 9)]  # fmt: skip
        self.assertEqual(self.crossing(self.lost(), capture(1, *inner)), "not-seen-at-the-other-end")

    def test_other_servers(self):
        """Of two servers, which one's capture is it?"""
        another = Way(server="20.99.0.5", ports=(50001, 22), isn=(5, 6)).syns(lost=True)
        self.assert_apart(capture(0, Way().syns(lost=True), another), capture(1, others(-9), others(9)))

    def test_not_the_vms(self):
        self.assert_apart(self.lost(), capture(0, *[Way(at=at, isn=(at + 50, 2), stamps=(at + 70, 3)).talk() for at in (-9, 9)]))
        self.assert_apart(self.lost(), capture(1, others(-9), others(9)), options=("--vantage", "client"))
        self.assert_apart(self.lost(), capture(1, others(-9), others(9)), options=("--vantage", "client,vnet"))

    def test_may_be_it(self):
        """One comes with another number and could be this one."""
        changed = Way(changed=(99, 0), stamps=None, vm_ports=(1024, 7)).syns()
        lost = capture(0, Way(stamps=None).syns(lost=True))
        self.assert_apart(lost, capture(1, changed, others(-9), others(9)))

    def test_answered_all_the_same(self):
        way = Way().send(True, SYN, lost=True).send(False, RST | ACK, forged=0)
        report = self.joined(capture(0, way), capture(1, others(-9), others(9)))
        self.assertEqual(self.fact(report, "answerer")[0], "not-in-a-capture-said-to-be-the-vms")
        self.assertEqual(report["verdict"]["sources"][0], 2)
        self.assertLess(report["verdict"]["confidence"], 0.9)

    def test_answered_by_another(self):
        """Another attempt shows that it is this VM's capture."""
        way = Way(client="10.20.0.12").send(True, SYN, lost=True).send(False, RST | ACK, forged=0)
        known = Way(ports=(49000, 22), vm_ports=(1020, 22), isn=(71, 72), stamps=(73, 74), at=-60).talk()
        reports = self.reports(capture(0, known, way), capture(1, others(-9), known, others(9)))
        report = next(report for report in reports if report["local_address"] == "10.20.0.12")
        self.assertEqual(self.fact(report, "answerer")[0], "another")
        self.assertEqual(report["verdict"]["sources"][0], 2)
        self.assertNotIn(5, report["verdict"]["sources"])

    def test_answers(self):
        """The VM's SYN-ACK leaves it and is lost."""
        def way():
            way = Way()
            for n, after in enumerate((0, 1, 2, 4)):
                way.syn(after=after, again=n > 0).send(False, SYN | ACK, lost=True, again=n > 0)
            return way
        other = Way(client="10.20.0.11", server="20.99.0.9", isn=(5, 6)).talk()
        end = Way(client="10.20.0.11", server="20.99.0.9", isn=(7, 8), at=20).talk()
        contents = (capture(0, way(), other, end), capture(1, way(), others(-9), others(9)))
        report = next(report for report in self.reports(*contents) if "captures" in report)
        self.assertEqual(self.fact(report, "crossing")[0], "answers-never-arrive")
        self.assertEqual(self.fact(report, "back")[0], None)
        # A capture of one direction would look like that too.
        report = self.joined(capture(0, way()), capture(1, way(), others(-9), others(9)))
        self.assertEqual(self.fact(report, "crossing")[0], None)


class Conversation(Joint):
    def swallowed(self, copies=4, payload=HELLO, **how):
        way = Way().connect().send(False, PSH | ACK, HELLO)
        return way.goes(copies, payload, **how)

    def around(self, way):
        return capture(0, way, others(9)), capture(1, way, others(-9), others(30))

    def test_words(self):
        self.assertEqual(self.crossing(capture(0, self.swallowed()), self.around(self.swallowed())[1]),
                         "client-words-never-arrive")  # fmt: skip

    def test_once_is_no_proof(self):
        way = self.swallowed(copies=1)
        self.assertEqual(self.crossing(capture(0, way), self.around(way)[1]), None)

    def test_repeated(self):
        """What is lost and comes at the second time was an accident."""
        way = Way().connect().send(False, PSH | ACK, HELLO).goes(1, HELLO)
        way.send(True, PSH | ACK, HELLO, after=0.4, again=True)
        report = self.joined(capture(0, way), self.around(way)[1])
        answer, text = self.fact(report, "crossing")
        self.assertEqual(answer, "all-arrive")
        self.assertIn("lost on the way and repeated", text)

    def test_capture_ends_before(self):
        way = self.swallowed()
        self.assertEqual(self.crossing(*both(way)), None)

    def test_large(self):
        way = Way().connect().send(False, PSH | ACK, HELLO).send(True, PSH | ACK, HELLO).goes(5, kexinit())
        report = self.joined(capture(0, way), self.around(way)[1])
        self.assertEqual(self.fact(report, "crossing")[0], "large-never-arrive")
        self.assertEqual(report["verdict"]["cause"], "edge.mtu")

    def test_servers_words(self):
        way = Way().connect().send(True, PSH | ACK, HELLO)
        for n in range(5):
            way.send(False, PSH | ACK, HELLO, after=0.3 * 2**n, lost=True, again=n > 0)
        later = Way(client="10.20.0.11", server="20.99.0.9", isn=(7, 8), at=40).talk()
        reports = self.reports(capture(0, way, later), capture(1, way))
        report = next(report for report in reports if "captures" in report)
        self.assertEqual(self.fact(report, "crossing")[0], "server-words-never-arrive")

    def cut(self, **how):
        way = Way(**how).connect().send(False, PSH | ACK, HELLO).send(True, PSH | ACK, HELLO)
        return way.send(False, RST | ACK, forged=0, after=0.03).send(False, PSH | ACK, kexinit(), after=0.1)

    def test_forged_reset(self):
        report = self.joined(*both(self.cut()))
        self.assertEqual(self.fact(report, "crossing")[0], "end-never-sent")
        self.assertEqual(report["verdict"]["sources"][0], 2)

    def test_forged_to_the_vm(self):
        way = Way().connect().send(False, PSH | ACK, HELLO).send(True, RST | ACK, forged=1)
        way.send(True, PSH | ACK, HELLO, after=1).send(False, RST, after=0.1)
        self.assertEqual(self.crossing(*both(way)), "end-never-sent")

    def test_reset_of_the_vm(self):
        way = Way().connect().send(False, PSH | ACK, HELLO).send(True, PSH | ACK, HELLO).send(False, RST | ACK)
        report = self.joined(*both(way))
        self.assertEqual(self.fact(report, "crossing")[0], "all-arrive")
        self.assertEqual(report["verdict"]["sources"], [5])

    def test_capture_that_lacks_packets(self):
        """The VM's capture shows the client acknowledge what it does not show being sent."""
        way = Way().connect().send(False, PSH | ACK, HELLO).send(True, PSH | ACK, HELLO)
        way.send(False, PSH | ACK, kexinit(), hidden=(1,)).send(True, ACK).send(False, RST | ACK, hidden=(1,))
        self.assertEqual(self.crossing(*both(way)), None)

    def test_one_direction(self):
        """The VM's capture has what comes in alone."""
        way = Way().connect().send(False, PSH | ACK, HELLO).send(True, PSH | ACK, HELLO).send(False, RST | ACK)
        for report in self.reports(capture(0, way), capture(1, self.half(way))):
            self.assertEqual(self.fact(report, "crossing"), (None, ""))
            self.assertEqual(self.fact(report, "answerer"), (None, ""))

    def half(self, way):
        made = Way()
        made.frames = ([], [(at, frame) for at, frame in way.frames[1] if frame[22] != 64])
        return made


class Many(Joint):
    def test_no_room(self):
        """What there is no room for is reported alone, and that is said."""
        ways = [Way(client=f"10.20.{n // 250}.{n % 250}", isn=(n * 70001, n * 90001), stamps=(n * 5555, n), at=n * 0.01,
                    vm_ports=(1024 + n, 22)).talk() for n in range(1, 1500)]  # fmt: skip
        ended = self.analyze(*both(*ways))
        reports = self.assert_reports(ended)
        self.assertEqual({r["local_address"] for r in reports if not r["capture"].endswith("vm.pcap")},
                         {f"10.20.{n // 250}.{n % 250}" for n in range(1, 1500)})  # fmt: skip
        self.assertIn("not compared with the other captures", ended.err)
        for report in reports:
            self.assertIn(self.fact(report, "crossing")[0], (None, "all-arrive"))
        if not SANITIZED:
            self.assertLess(ended.megabytes, 64)

    def test_flood(self):
        """Single SYNs leave the room to those that tell something."""
        lone = [Way(nat=f"203.{n // 62500}.{n // 250 % 250}.{n % 250}", isn=(n * 70001, 1), stamps=(n * 5555, n), at=n * 0.001,
                    ports=(1024 + n, 22)).syn() for n in range(1, 2500)]  # fmt: skip
        mine = Way(at=2).talk()
        reports = self.reports(capture(0, mine), capture(1, mine, *lone))
        self.assertEqual([self.fact(r, "crossing")[0] for r in reports if "captures" in r], ["all-arrive"])

    def test_no_conversation(self):
        ended = self.analyze(capture(1, others(1)), capture(1, others(5)))
        self.assert_one_line_error(ended, UNKNOWN)

    def test_damaged(self):
        client, vm = both(Way().talk())
        ended = self.analyze(client, vm + b"\0" * 9)
        self.assertEqual(ended.code, MALFORMED)
        self.assertEqual(len(self.assert_reports(ended)), 1)

    def test_vantage_for_each(self):
        for words in ("client,vm,vm", "client,", "client,moon"):
            ended = self.analyze(*both(Way().talk()), options=("--vantage", words))
            if words != "client,":
                self.assert_one_line_error(ended, USAGE)
        self.assertEqual(self.crossing(*both(Way().talk()), options=("--vantage", "client,vm")), "all-arrive")


if __name__ == "__main__":
    support.main()
