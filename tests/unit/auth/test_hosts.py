"""Which hosts are this machine alone, and which names may be a stranger's."""

import socket
from typing import Any

import pytest

from mistralish.api.auth.hosts import is_loopback, may_be_rebound, name_in


@pytest.mark.parametrize("host", ["127.0.0.1", "127.22.22.22", "127.1", "::1", "::ffff:127.0.0.1", "localhost"])
def test_loopback_addresses_are_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "0", "10.0.0.1", "::ffff:10.0.0.1", "128.0.0.1", "fe80::1", "no such"]
)
def test_other_addresses_are_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(("addresses", "is_one"), [(["127.0.0.1", "::1"], True), (["127.0.0.1", "10.0.0.1"], False)])
def test_all_addresses_of_a_name_must_be_loopback(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], is_one: bool
) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert is_loopback("workflows") == is_one


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("127.0.0.1:8989", "127.0.0.1"),
        ("[::1]:8989", "::1"),
        ("[::1]", "::1"),
        ("LocalHost:1", "localhost"),
        ("localhost.", "localhost"),
        ("evil.example.org:8989", "evil.example.org"),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header_has_no_port(header: str, name: str) -> None:
    assert name_in(header) == name


@pytest.mark.parametrize(
    "name", ["evil.example.org", "127.0.0.1.nip.io", "localhost.evil.org", "xlocalhost.org", "1.2.3", "a.notlocal"]
)
def test_names_with_a_dot_may_be_a_strangers(name: str) -> None:
    assert may_be_rebound(name)


@pytest.mark.parametrize(
    "name",
    ["127.0.0.1", "10.1.2.3", "::1", "localhost", "app.localhost", "buildbox", "mistral.flows.svc.cluster.local", ""],
)
def test_addresses_and_names_of_the_own_network_cannot_be(name: str) -> None:
    assert not may_be_rebound(name)
