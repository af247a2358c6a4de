"""Which addresses actions may connect to, in whatever form they are written."""

import socket
from ipaddress import ip_address, ip_network

import pytest

from mistralish.actions.egress import EgressError, EgressPolicy

METADATA = "169.254.169.254"


def networks(*texts):
    return tuple(ip_network(text) for text in texts)


def is_denied(policy, address):
    try:
        policy.check_address(ip_address(address), address)
    except EgressError:
        return True
    return False


@pytest.mark.parametrize(
    "address",
    [
        METADATA,
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "febf::1",
        "ff02::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        f"::ffff:{METADATA}",
        f"::ffff:0:{METADATA}",
        f"::{METADATA}",
        f"64:ff9b::{METADATA}",
        f"64:ff9b:1::{METADATA}",
        "2002:a9fe:a9fe::",
        "2002:a9fe:a9fe:1:2:3:4:5",
        "2001:0:a9fe:a9fe::1",
        "2001:0:102:304:0:0:5601:5601",
        f"2001:db8::5efe:{METADATA}",
        f"2001:db8::200:5efe:{METADATA}",
        "::ffff:0.0.0.0",
    ],
)
def test_metadata_link_local_and_reserved_addresses_are_denied_in_every_form(address):
    assert is_denied(EgressPolicy(), address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd12::1", "93.184.216.34", "2606:2800::1",
                "64:ff9b::5db8:d822", "::ffff:127.0.0.1", "169.253.255.255", "223.255.255.255"]
)  # fmt: skip
def test_loopback_private_and_public_addresses_are_allowed_by_default(address):
    assert not is_denied(EgressPolicy(), address)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::1", "fd12::1"])
def test_denied_networks_are_denied_in_every_form(address):
    assert is_denied(EgressPolicy(networks("10.0.0.0/8", "fc00::/7")), address)
    assert not is_denied(EgressPolicy(networks("11.0.0.0/8")), address)


def test_an_exception_goes_before_what_is_denied_and_before_what_always_is():
    policy = EgressPolicy(networks("10.0.0.0/8"), networks("10.1.0.0/16", f"{METADATA}/32"))
    allowed = ["10.1.2.3", "::ffff:10.1.2.3", METADATA]
    assert [
        address for address in (*allowed, "10.2.0.1", "169.254.169.253") if not is_denied(policy, address)
    ] == allowed


def test_an_exception_for_a_form_does_not_open_the_address_in_it():
    assert is_denied(EgressPolicy(allowed=networks("64:ff9b::/96")), f"64:ff9b::{METADATA}")


def test_everything_may_be_denied_but_what_is_allowed():
    policy = EgressPolicy(networks("0.0.0.0/0", "::/0"), networks("10.0.0.0/8"))
    assert [a for a in ("1.2.3.4", "2606::1", "::1", "10.0.0.1", "::ffff:10.0.0.1") if not is_denied(policy, a)] == [
        "10.0.0.1",
        "::ffff:10.0.0.1",
    ]


def test_the_message_says_the_address_where_it_comes_from_and_what_denies_it():
    with pytest.raises(EgressError) as found:
        EgressPolicy(networks("10.0.0.0/8")).check_address(ip_address("10.0.0.1"), "db.example.org")
    assert found.value.message == (
        "10.0.0.1 (from db.example.org) must not be connected to: it is in a network that the setting"
        " egress_denied_networks denies"
    )
    with pytest.raises(EgressError) as found:
        EgressPolicy().check_address(ip_address(METADATA), METADATA)
    assert found.value.message == (
        f"{METADATA} must not be connected to: it is in a network that is denied by default (link-local, cloud"
        " metadata, multicast or reserved)"
    )


@pytest.mark.parametrize(
    "name", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "0xa9.254.0xa9fe"]
)
def test_numbers_that_the_system_takes_for_an_address_are_that_address(name):
    with pytest.raises(EgressError, match=METADATA):
        EgressPolicy().connect(name, 80, 1)


def test_a_name_with_one_denied_address_is_denied_as_a_whole(monkeypatch):
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 9)) for a in ("127.0.0.1", METADATA)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(EgressError):
        EgressPolicy().connect("both.example.org", 9, 1)


def test_a_name_that_nobody_knows_is_left_to_whoever_connects(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    EgressPolicy().check_name("inside.example.org")
    with pytest.raises(socket.gaierror):
        EgressPolicy().connect("inside.example.org", 80, 1)


@pytest.mark.parametrize("name", ["a" * 70, "a..b", "x" * 300, "\udcff"])
def test_what_cannot_be_a_name_is_an_unknown_one(name):
    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's business
        EgressPolicy().connect(name, 80, 1)


@pytest.mark.parametrize("scheme", ["file", "ftp", "", "http+unix", "gopher"])
def test_other_schemes_than_those_allowed_are_refused(scheme):
    with pytest.raises(EgressError, match="allowed are http and https"):
        EgressPolicy().check_scheme(scheme)


def test_plain_http_may_be_refused():
    with pytest.raises(EgressError, match="allowed are https"):
        EgressPolicy(schemes=("https",)).check_scheme("HTTP")
    EgressPolicy(schemes=("https",)).check_scheme("HTTPS")
