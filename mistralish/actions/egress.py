"""Where actions and notifications may connect to: the egress policy.

A name is resolved once, each address that comes of it is checked, and the connection is made to an address that was
checked; so a name that means something else a moment later is of no use to anybody.

Denied unless the operator makes an exception: what no action has a reason to reach, above all the metadata services
of clouds, which hand credentials to whoever can connect. Sources: RFC 6890 and IANA's special-purpose address
registries; RFC 4291, 6052, 3056, 4380 and 5214 for IPv4 addresses within IPv6; the clouds' documentation.
"""

import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from mistralish.actions.base import ActionError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SCHEMES = ("http", "https")
_RESERVED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network; Linux takes it for loopback
        "169.254.0.0/16",  # link-local, with most clouds' metadata
        "100.100.100.200/32",  # Alibaba's metadata
        "168.63.129.16/32",  # Azure's host
        "192.0.0.192/32",  # Oracle's metadata
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "::/128",
        "fe80::/10",
        "fd00:ec2::/32",  # Amazon's
        "fd20:ce::254/128",  # Google's
        "fd00:c1::a9fe:a9fe/128",  # Oracle's
        "ff00::/8",
    )
)
_LAST_32_BITS = tuple(
    ip_network(text)
    for text in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, a site's own
    )
)
_6TO4 = ip_network("2002::/16")
_TEREDO = ip_network("2001::/32")
_ISATAP = 0x5EFE
_UNIVERSAL_BIT = 0x02000000
_MASK = 0xFFFFFFFF


class EgressError(ActionError):
    """The policy does not let an action connect there."""


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """``denied`` networks are denied besides those that always are; ``allowed`` ones are exceptions from both.
    ``schemes``: of URLs."""

    denied: tuple[Network, ...] = ()
    allowed: tuple[Network, ...] = ()
    schemes: tuple[str, ...] = SCHEMES

    def check_scheme(self, scheme: str) -> None:
        """Raise EgressError unless URLs of this scheme may be asked for."""
        if scheme.lower() not in self.schemes:
            known = " and ".join(self.schemes)
            raise EgressError(f"URLs of the scheme '{scheme:.30}' are not allowed here; allowed are {known}")

    def check_address(self, address: Address, name: str) -> None:
        """Raise EgressError if connections to ``address``, which came of ``name``, are denied."""
        for form in _forms(address):
            if any(form in network for network in self.allowed if network.version == form.version):
                continue
            reason = self._reason(form)
            if reason:
                origin = f" (from {name:.255})" if name.strip("[]") != str(address) else ""
                raise EgressError(f"{address}{origin} must not be connected to: it is in a network that {reason}")

    def check_name(self, name: str) -> None:
        """Check a host that somebody else connects to for us: its address, or those that are found here, if any."""
        try:
            addresses = self._resolve(name, 0)
        except OSError:
            return  # whoever connects may know the name, we do not
        for _, address in addresses:
            self.check_address(address, name)

    def connect(self, name: str, port: int, seconds: float | None, options: Iterable[Any] = ()) -> socket.socket:
        """Connect by TCP to the first address of ``name`` that answers, within so many seconds for all of them.

        Raises EgressError where an address is denied, OSError where none answers. ``seconds`` stays the socket's
        timeout; ``options`` are arguments of ``setsockopt``.
        """
        addresses = self._resolve(name, port)
        for _, address in addresses:
            self.check_address(address, name)
        give_up_at = None if seconds is None else time.monotonic() + seconds
        failure: OSError = OSError("the name has no address")
        for info, _ in addresses:
            try:
                return _open(info, seconds, give_up_at, options)
            except OSError as error:
                failure = error
        raise failure

    def _reason(self, address: Address) -> str:
        if _is_within(address, self.denied):
            return "the setting egress_denied_networks denies"
        if _is_within(address, _RESERVED):
            return "is denied by default (link-local, cloud metadata, multicast or reserved)"
        return ""

    def _resolve(self, name: str, port: int) -> list[tuple[Any, Address]]:
        try:
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise socket.gaierror(socket.EAI_NONAME, "this cannot be the name of a host") from None
        return [(info, ip_address(str(info[4][0]))) for info in found]


def _open(info: Any, seconds: float | None, give_up_at: float | None, options: Iterable[Any]) -> socket.socket:
    family, kind, protocol, _, where = info
    connection = socket.socket(family, kind, protocol)
    try:
        for option in options:
            connection.setsockopt(*option)
        if give_up_at is not None:
            connection.settimeout(max(0.001, give_up_at - time.monotonic()))
        connection.connect(where)
        connection.settimeout(seconds)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _forms(address: Address) -> Iterator[Address]:
    """Yield the address and each IPv4 address in it by which some machine on the way may forward."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:  # the system itself connects by IPv4
        yield address.ipv4_mapped
        return
    yield address
    if address.is_loopback:  # it looks like an IPv4-compatible one
        return
    number = int(address)
    if _is_within(address, _LAST_32_BITS) or (number >> 32) & _MASK & ~_UNIVERSAL_BIT == _ISATAP:
        yield IPv4Address(number & _MASK)
    if address in _6TO4:
        yield IPv4Address((number >> 80) & _MASK)
    if address in _TEREDO:
        yield IPv4Address((number >> 64) & _MASK)
        yield IPv4Address(~number & _MASK)
