"""The healthy state of one host's network: rules, sysctls, links, addresses, routes."""

import subprocess
from pathlib import Path

import namespaces
from topology import CONFIG


def settle(name, host):
    """Brings the network this process is in to the host's healthy state, whatever was done to it."""
    rules = CONFIG / f"{name}.nft"
    set_rules(rules.read_text() if rules.exists() else "")
    set_sysctls(host, filtered=rules.exists())
    ip(["route flush proto boot"], "-6")
    ip(["route flush proto boot", *link_lines(host), *route_lines(host)])
    namespaces.forget_connections()


def set_rules(rules):
    subprocess.run(["nft", "-f", "-"], input=f"flush ruleset\n{rules}", text=True, check=True)
    for version in ("ip", "ip6"):
        tables = Path(f"/proc/net/{version}_tables_names")
        for table in tables.read_text().split() if tables.exists() else ():
            subprocess.run([f"{version}tables-legacy", "-t", table, "-F"], check=True)


def set_sysctls(host, filtered):
    net = Path("/proc/sys/net")
    for detection in net.glob("ipv6/conf/*/accept_dad"):
        detection.write_text("0")  # or IPv6 is mute for its first second
    (net / "ipv4/tcp_ecn").write_text("2")  # the kernel's default: where the other asks for it
    if host.router:
        (net / "ipv4/ip_forward").write_text("1")
        (net / "ipv6/conf/all/forwarding").write_text("1")
    if host.switch:
        for version in ("ip", "ip6"):
            (net / f"bridge/bridge-nf-call-{version}tables").write_text("1" if filtered else "0")


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
    subprocess.run(["ip", *options, "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)
