"""What the lab consists of: hosts, links, addresses, routes, services. Data only.

                               10.20.0.0/24  2001:db8:20::/64
    client  .10 ::10 ──┐
                       ├─ office ─── cable ──┐
    onprem  .20 ::20 ──┘  (switch)           │ lan  10.20.0.1     2001:db8:20::1
                                            edge    NAT for IPv4; the office's DNS server
                                             │ wan  198.51.100.2  2001:db8:100::2
                                           fibre
                                             │ edge 198.51.100.1  2001:db8:100::1
    internet ─────────────────────────────  isp     DNS server for all others
    203.0.113.10  2001:db8:113::10           │      (isp: 203.0.113.1  2001:db8:113::1)
                                             │ cloud 192.0.2.1    2001:db8:2::1
                                             │
                                             │ isp  192.0.2.2     2001:db8:2::2
                                           cloud    edge router of the cloud
                                             │ lb   100.64.0.1    2001:db8:98::1
                                             │
                                             │ cloud 100.64.0.2   2001:db8:98::2
                                            lb      20.99.0.4 -> 10.1.0.4 (IPv6 is routed);
                                             │      a hop, but it never sends an ICMP error
                                             │ vnet 10.1.0.1      2001:db8:99::1
                                             │
                                            nsg     a bridge, no hop; from outside TCP 22 and 80
                                            ┌┴┐     pass, within the VNet everything
                                           vm peer
                    10.1.0.4  2001:db8:99::4   10.1.0.5  2001:db8:99::5

Seen from client the VM is 20.99.0.4 (or 2001:db8:99::4), five hops away: edge 10.20.0.1,
isp 198.51.100.1, cloud 192.0.2.2, lb (silent), VM. cable and fibre are bridges of two ports,
no hops, where `lab weather` puts a forwarder. Beside the link from isp to cloud lie a second one
(192.0.2.5 to .6, 2001:db8:3::/64) and a way over another router, detour (192.0.2.9 to .10 and .13
to .14, 2001:db8:4::/64 and 2001:db8:5::/64), which bad weather alone uses. With `lab up --tun` client reaches all but its
own LAN through a tun device, 10.20.1.10, whose other end is edge, 10.20.1.1.
"""

from dataclasses import dataclass, replace
from pathlib import Path

CONFIG = Path(__file__).resolve().parent / "config"

# What `lab env` prints, for scripts.
ADDRESSES = {
    "VM": "20.99.0.4",
    "VM6": "2001:db8:99::4",
    "VM_PRIVATE": "10.1.0.4",
    "PEER_PRIVATE": "10.1.0.5",
    "PEER6": "2001:db8:99::5",
    "CLIENT": "10.20.0.10",
    "CLIENT6": "2001:db8:20::10",
    "ONPREM": "10.20.0.20",
    "ONPREM6": "2001:db8:20::20",
    "EDGE": "10.20.0.1",
    "EDGE6": "2001:db8:20::1",
    "EDGE_PUBLIC": "198.51.100.2",
    "EDGE_PUBLIC6": "2001:db8:100::2",
    "ISP": "198.51.100.1",
    "ISP6": "2001:db8:100::1",
    "CLOUD": "192.0.2.2",
    "CLOUD6": "2001:db8:2::2",
    "INTERNET": "203.0.113.10",
    "INTERNET6": "2001:db8:113::10",
}


@dataclass(frozen=True)
class Service:
    """A daemon that stays in the foreground; ready once it listens on `port`."""

    name: str
    port: int
    command: str


@dataclass(frozen=True)
class Host:
    """A network namespace. Rules, if any, are in config/NAME.nft."""

    addresses: dict[str, str]  # interface -> its addresses, separated by spaces
    routes: str = ""  # one `ip route` destination a line
    tun: str = ""  # the addresses of tun0, if there is one
    resolver: str = "198.51.100.1"
    router: bool = False
    switch: bool = False  # bridges its interfaces
    marked: int = 0  # the table of routes for packets with mark 1
    services: tuple[Service, ...] = ()


SSHD = Service("sshd", 22, f"/usr/sbin/sshd -D -e -f {CONFIG}/sshd_config")
HTTP = Service("nginx", 80, f"/usr/sbin/nginx -e /run/nginx.log -c {CONFIG}/nginx.conf")



def dns(address):
    return Service("dns", 53, f"/usr/bin/python3 {CONFIG.parent}/dns.py {address} {CONFIG}/names")


OFFICE_ROUTES = "default via 10.20.0.1\ndefault via 2001:db8:20::1"
VNET_ROUTES = "default via 10.1.0.1\ndefault via 2001:db8:99::1"

HOSTS = {
    "client": Host(
        {"eth0": "10.20.0.10/24 2001:db8:20::10/64"},
        OFFICE_ROUTES,
        resolver="10.20.0.1",
    ),
    "onprem": Host(
        {"eth0": "10.20.0.20/24 2001:db8:20::20/64"},
        OFFICE_ROUTES,
        resolver="10.20.0.1",
        services=(SSHD,),
    ),
    "office": Host({"client": "", "onprem": "", "cable": ""}, switch=True),
    "cable": Host({"office": "", "edge": ""}, switch=True),
    "edge": Host(
        {
            "lan": "10.20.0.1/24 2001:db8:20::1/64",
            "wan": "198.51.100.2/30 2001:db8:100::2/64",
        },
        "default via 198.51.100.1\ndefault via 2001:db8:100::1",
        router=True,
        services=(dns("10.20.0.1"),),
    ),
    "fibre": Host({"edge": "", "isp": ""}, switch=True),
    "isp": Host(
        {
            "edge": "198.51.100.1/30 2001:db8:100::1/64",
            "internet": "203.0.113.1/24 2001:db8:113::1/64",
            "cloud": "192.0.2.1/30 2001:db8:2::1/64",
            "second": "192.0.2.5/30 2001:db8:3::1/64",
            "detour": "192.0.2.9/30 2001:db8:4::1/64",
        },
        # What is marked takes the second link; nothing is, but in the weather "ecmp=packet".
        """20.99.0.0/24 via 192.0.2.2
           2001:db8:98::/47 via 2001:db8:2::2
           2001:db8:20::/48 via 2001:db8:100::2
           20.99.0.0/24 via 192.0.2.6 table 101
           2001:db8:98::/47 via 2001:db8:3::2 table 101""",
        marked=101,
        router=True,
        services=(dns("198.51.100.1"),),
    ),
    "internet": Host(
        {"eth0": "203.0.113.10/24 2001:db8:113::10/64"},
        "default via 203.0.113.1\ndefault via 2001:db8:113::1",
    ),
    "detour": Host(
        {
            "isp": "192.0.2.10/30 2001:db8:4::2/64",
            "cloud": "192.0.2.13/30 2001:db8:5::1/64",
        },
        """default via 192.0.2.9
           default via 2001:db8:4::1
           20.99.0.0/24 via 192.0.2.14
           2001:db8:98::/47 via 2001:db8:5::2""",
        router=True,
    ),
    "cloud": Host(
        {
            "isp": "192.0.2.2/30 2001:db8:2::2/64",
            "second": "192.0.2.6/30 2001:db8:3::2/64",
            "detour": "192.0.2.14/30 2001:db8:5::2/64",
            "lb": "100.64.0.1/30 2001:db8:98::1/64",
        },
        """default via 192.0.2.1
           default via 2001:db8:2::1
           20.99.0.4 via 100.64.0.2
           2001:db8:99::/64 via 2001:db8:98::2""",
        router=True,
    ),
    "lb": Host(
        {
            "cloud": "100.64.0.2/30 2001:db8:98::2/64",
            "vnet": "10.1.0.1/16 2001:db8:99::1/64",
        },
        # What has no endpoint ends here, in silence.
        """default via 100.64.0.1
           default via 2001:db8:98::1
           blackhole 20.99.0.4""",
        router=True,
    ),
    "nsg": Host({"lb": "", "vm": "", "peer": ""}, switch=True),
    "vm": Host({"eth0": "10.1.0.4/16 2001:db8:99::4/64"}, VNET_ROUTES, services=(SSHD, HTTP)),
    "peer": Host({"eth0": "10.1.0.5/16 2001:db8:99::5/64"}, VNET_ROUTES, services=(SSHD,)),
}

# host:interface host:interface
LINKS = """
    client:eth0    office:client
    onprem:eth0    office:onprem
    office:cable   cable:office
    cable:edge     edge:lan
    edge:wan       fibre:edge
    fibre:isp      isp:edge
    internet:eth0  isp:internet
    isp:cloud      cloud:isp
    isp:second     cloud:second
    isp:detour     detour:isp
    detour:cloud   cloud:detour
    cloud:lb       lb:cloud
    lb:vnet        nsg:lb
    nsg:vm         vm:eth0
    nsg:peer       peer:eth0
"""

# A user of every host besides root, as who calls sudo on one.
PERSON, PERSON_ID = "ann", 20022

# The hosts that are but a line, for the weather.
LINES = ("cable", "fibre")

# The tunnel of `lab up --tun`: packets of tun0 travel as datagrams between client and edge.
TUN_ADDRESSES = {
    "CLIENT": "10.20.1.10",
    "CLIENT6": "2001:db8:20:1::10",
    "EDGE": "10.20.1.1",
    "EDGE6": "2001:db8:20:1::1",
}
TUN_ROUTES = "default dev tun0\n::/0 dev tun0"


def tunnel(here, there):
    return Service("tunnel", 1194, f"/run/forwarder tun:tun0 udp:{here}:1194:{there}:1194")


def with_tunnel(hosts):
    """The same hosts, but client's way out is a tunnel to edge."""
    client, edge = hosts["client"], hosts["edge"]
    return {
        **hosts,
        "client": replace(
            client,
            tun="10.20.1.10/24 2001:db8:20:1::10/64",
            routes=TUN_ROUTES,
            services=(*client.services, tunnel("10.20.0.10", "10.20.0.1")),
        ),
        "edge": replace(
            edge,
            tun="10.20.1.1/24 2001:db8:20:1::1/64",
            services=(*edge.services, tunnel("10.20.0.1", "10.20.0.10")),
        ),
    }
