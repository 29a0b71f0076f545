"""The healthy state of one host's network: rules, sysctls, links, addresses, routes.

What the kernel says is as it was left is not done again: that takes a hundred times longer than to ask.
"""

import subprocess
from pathlib import Path

import netlink
from topology import CONFIG


def settle(name, host, was):
    """Brings the network this thread is in to the host's healthy state, whatever was done to it.

    `was` is what state_of() said when it had been brought there last, or None. Returns the processes that
    do it: it is reached when all of them have ended well.
    """
    rules = rules_of(name)
    set_sysctls(host, filtered=bool(rules))
    its = [*set_rules(rules, was and was["rules"])]
    if not was or netlink.configuration() != was["configuration"]:
        netlink.flush_routes()
        its.append(begin_ip([*link_lines(host), *route_lines(host)]))
    return its


def state_of():
    """What settle() must know of the network this thread is in, when it is in its healthy state."""
    forget_connections()
    return {"rules": netlink.rules_count(), "configuration": netlink.configuration()}


def rules_of(name):
    rules = CONFIG / f"{name}.nft"
    return rules.read_text() if rules.exists() else ""


def set_rules(rules, count):
    """`count` is how often they had been changed, when they were these."""
    if netlink.rules_count() != count and (rules or netlink.has_rules()):
        yield begin(["nft", "-f", "-"], f"flush ruleset\n{rules}")
    for version in ("ip", "ip6"):
        tables = Path(f"/proc/thread-self/net/{version}_tables_names")
        for table in tables.read_text().split() if tables.exists() else ():
            yield begin([f"{version}tables-legacy", "-t", table, "-F"], "")


def set_sysctls(host, filtered):
    net = Path("/proc/sys/net")
    for detection in net.glob("ipv6/conf/*/accept_dad"):
        detection.write_text("0")  # or IPv6 is mute for its first second
    (net / "ipv4/tcp_ecn").write_text("2")  # the kernel's default: where the other asks for it
    (net / "ipv4/route/flush").write_text("1")  # path MTUs and redirects that were learnt
    if host.router:
        (net / "ipv4/ip_forward").write_text("1")
        (net / "ipv6/conf/all/forwarding").write_text("1")
    if host.switch:
        for version in ("ip", "ip6"):
            (net / f"bridge/bridge-nf-call-{version}tables").write_text("1" if filtered else "0")


def forget_connections():
    count = Path("/proc/sys/net/netfilter/nf_conntrack_count")
    if not count.exists() or count.read_text() != "0\n":
        netlink.forget_connections()


def link_lines(host):
    lines = ["link set lo up"]
    if host.switch:
        lines.append("link set bridge up")
    for interface, addresses in host.addresses.items():
        lines.append(f"link set {interface} up mtu 1500" + (" master bridge" if host.switch else ""))
        lines += address_lines(interface, addresses)
    if host.tun:
        lines += ["link set tun0 up mtu 1400", *address_lines("tun0", host.tun)]
    return lines


def address_lines(interface, addresses):
    return [f"address replace {address} dev {interface}" for address in addresses.split()]


def route_lines(host):
    return [f"route replace {route.strip()}" for route in host.routes.splitlines()]


def ip(lines, *options):
    """Runs a batch of `ip` commands."""
    finish(begin_ip(lines, *options))


def begin_ip(lines, *options):
    return begin(["ip", *options, "-batch", "-"], "\n".join(lines) + "\n")


def begin(command, words):
    """Starts a command of few words to read."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    with process.stdin:
        process.stdin.write(words)
    return process


def finish(*processes):
    """Waits for all of them; raises when one failed."""
    failed = [process.args for process in processes if process.wait() != 0]
    if failed:
        raise RuntimeError(f"failed: {failed}")
