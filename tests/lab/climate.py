"""Weather that routers make: which of them answer with ICMP, which way packets take, what NAT does.

A word is KEY=VALUE. Each changes some hosts; heal, or clear, undoes it.
"""

import subprocess

import baseline

ROUTERS = ("edge", "isp", "detour", "cloud", "lb")

ERRORS = "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }"
# Two ways from isp to the cloud, in the words of `ip route`; and the one back over detour.
TO_VM, TO_VM6 = "20.99.0.0/24", "2001:db8:98::/47"
WAYS = {
    "flow": [
        f"{TO_VM} nexthop via 192.0.2.2 nexthop via 192.0.2.6",
        f"{TO_VM6} nexthop via 2001:db8:2::2 nexthop via 2001:db8:3::2",
    ],
    "uneven": [
        f"{TO_VM} nexthop via 192.0.2.2 nexthop via 192.0.2.10",
        f"{TO_VM6} nexthop via 2001:db8:2::2 nexthop via 2001:db8:4::2",
    ],
}
BACK = ["default via 192.0.2.13", "default via 2001:db8:5::1"]


def filters(key, **hooks):
    """Rules by hook, in a table of that key's own."""

    def change(_its):
        chains = "".join(
            f"chain {hook} {{ type filter hook {hook} priority -160; {rules}\n}}\n" for hook, rules in hooks.items()
        )
        nft(f"{no_table(key)}table inet weather_{key} {{\n{chains}}}\n")

    return change


def no_table(key):
    return f"table inet weather_{key} {{}}\ndelete table inet weather_{key}\n"


def no_filters(_its):
    nft("".join(no_table(key) for key in ("icmp", "mute", "ecmp")))


def nft(rules):
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def routes(lines):
    def change(_its):
        with open("/proc/sys/net/ipv4/fib_multipath_hash_policy", "w", encoding="ascii") as policy:
            policy.write("1")  # ports count: RFC 6438 and every router
        with open("/proc/sys/net/ipv6/fib_multipath_hash_policy", "w", encoding="ascii") as policy:
            policy.write("1")
        baseline.ip([f"route replace {line}" for line in lines])

    return change


def usual_routes(its):
    baseline.ip(baseline.route_lines(its))


def translation(to):
    def change(_its):
        nft(
            "flush chain ip nat postrouting\n"
            f'add rule ip nat postrouting oifname "wan" meta l4proto tcp masquerade {to}\n'
            'add rule ip nat postrouting oifname "wan" masquerade\n'
        )

    return change


MUTE = f"meta l4proto icmp drop; {ERRORS} drop"
PASSES_NONE = "meta l4proto icmp drop; icmpv6 type { echo-request, echo-reply } drop; " + f"{ERRORS} drop"
IN_TURN = "meta mark set numgen inc mod 2"

KEYS = ("icmp", "mute", "ecmp", "back", "nat")


def changes_of(word):
    """Yields (host, change)."""
    key, _, value = word.partition("=")
    if word == "icmp=none":
        for host in ROUTERS:
            yield host, filters(key, output=PASSES_NONE, forward=PASSES_NONE)
    elif key == "mute" and value in ROUTERS:
        yield value, filters(key, output=MUTE)
    elif key == "ecmp" and value in WAYS:
        yield "isp", routes(WAYS[value])
    elif word == "ecmp=packet":
        yield "isp", filters(key, prerouting=f'iifname "edge" {IN_TURN}')
    elif word == "back=detour":
        yield "cloud", routes(BACK)
    elif word == "nat=ports":
        yield "edge", translation("to :1024-65535 fully-random")
    else:
        raise ValueError(f"what weather is {word}?")


def changes(words):
    """{host: [change, ...]} for these words."""
    hosts = {}
    for word in words:
        for host, change in changes_of(word):
            hosts.setdefault(host, []).append(change)
    return hosts


def undoing():
    """The changes that undo all of these."""
    undone = {host: [no_filters] for host in ROUTERS}
    undone["isp"].append(usual_routes)
    undone["cloud"].append(usual_routes)
    undone["edge"].append(translation(""))
    return undone
