"""Names and addresses of hosts: which are this machine's own, and which a stranger's web page may pass for."""

import ipaddress
import re
import socket

_OF_ONES_OWN = (".localhost", ".local", ".internal", ".home.arpa")
"""RFC 6761 (section 6.3), RFC 6762 (Kubernetes' cluster.local too), ICANN's resolution of 2024-07-29, RFC 8375."""

_PORT = re.compile(r":\d*$")


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, leads to this machine alone; not where it cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(_is_loopback_address(str(address[0])) for *_, address in found)


def _is_loopback_address(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def name_in(netloc: str) -> str:
    """The host of a Host header, lower case, without its port and an IPv6 address's brackets."""
    return _PORT.sub("", netloc.strip()).strip("[]").rstrip(".").lower()


def may_be_rebound(name: str) -> bool:
    """Whether somebody on the internet may own ``name`` and have it point here (DNS rebinding).

    Not so: addresses, names without a dot, and names below those that are kept for a machine or a network of one's own.
    """
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return "." in name and not name.endswith(_OF_ONES_OWN)
    return False
