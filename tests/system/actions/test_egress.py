"""The egress policy where connections are made: web, mail, SSH, notifications."""

import socket
import threading
from contextlib import suppress
from ipaddress import ip_network

import pytest
from peers import free_port, http_peer
from tls_peer import server_tls

from mistralish.actions import ActionSettings, Registry
from mistralish.actions.egress import EgressPolicy
from mistralish.actions.settings import SshSettings
from mistralish.executors import ActionCall, run_now
from mistralish.executors.webhook import Webhook

DENIED = "127.0.0.2"
POLICY = EgressPolicy(denied=(ip_network(DENIED),))


@pytest.fixture
def registry(tmp_path):
    ssh = SshSettings(connect_timeout=2, host_keys="ignore", known_hosts_file=tmp_path / "known")
    return Registry(ActionSettings(POLICY, ssh=ssh), find_entry_points=list)


@pytest.fixture(scope="module")
def peer():
    with http_peer() as running:
        yield running


@pytest.fixture
def trap():
    """Something listens where nobody may connect; the port, and the connections that came all the same."""
    came = []
    server = socket.create_server((DENIED, 0))

    def accept():
        try:
            while True:
                came.append(server.accept())
        except OSError:
            pass

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1], came
    server.close()


def resolve(monkeypatch, *answers):
    """Let ``rebinding.example.org`` have one address after the other, the last one for ever; returns the questions."""
    asked, real = [], socket.getaddrinfo

    def answer(host, port, *args, **kwargs):
        if host != "rebinding.example.org":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return real(answers[min(len(asked), len(answers)) - 1], port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def run(registry, action, **given):
    return run_now(registry, ActionCall("a1", action, given))


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("std.http", {"url": "http://{address}/"}),
        ("std.http", {"url": "https://{address}/"}),
        ("std.mistral_http", {"url": "http://{address}/"}),
        ("std.http", {"url": "http://127.0.0.1/", "proxies": {"http": "http://{address}"}}),
        ("std.http", {"url": "https://127.0.0.1/", "proxies": {"https": "http://{address}"}}),
        ("std.email", {"from_addr": "a@b.c", "to_addrs": ["a@b.c"], "smtp_server": "{address}"}),
        ("std.ssh", {"cmd": "true", "host": "{address}", "username": "u", "password": "p"}),
        ("std.ssh_proxied", {"cmd": "true", "host": "127.0.0.1", "username": "u", "private_key_filename": "",
                             "gateway_host": "{address}"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", [DENIED, "rebinding.example.org"])
def test_no_action_connects_where_the_policy_denies_it(registry, monkeypatch, trap, action, given, name):
    resolve(monkeypatch, DENIED)
    port, came = trap

    def fill(value):
        if isinstance(value, dict):
            return {key: fill(item) for key, item in value.items()}
        return value.replace("{address}", f"{name}:{port}") if isinstance(value, str) else value

    error = run(registry, action, **fill(given)).error
    assert f"{DENIED}{'' if name == DENIED else f' (from {name})'} must not be connected to" in error
    assert "egress_denied_networks" in error
    assert came == []


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_used(registry, monkeypatch, peer, trap):
    asked = resolve(monkeypatch, "127.0.0.1", DENIED)
    url = peer.url.replace("127.0.0.1", "rebinding.example.org")
    result = run(registry, "std.http", url=f"{url}/echo")
    assert result.data["content"]["headers"]["Host"] == url.removeprefix("http://")
    assert len(asked) == 1


@pytest.mark.parametrize(("certified", "works"), [("rebinding.example.org", True), ("127.0.0.1", False)])
def test_tls_is_with_the_name_and_not_with_the_address_that_was_checked(
    registry, monkeypatch, tmp_path, certified, works
):
    resolve(monkeypatch, "127.0.0.1")
    context, asked = server_tls(tmp_path, certified), []
    context.sni_callback = lambda connection, name, _: asked.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")

    threading.Thread(target=serve, daemon=True).start()
    url = f"https://rebinding.example.org:{listener.getsockname()[1]}/"
    with listener:
        result = run(registry, "std.http", url=url, verify=str(tmp_path / "server.pem"))
    assert asked == ["rebinding.example.org"]
    assert result.data["content"] == "good" if works else "certificate verify failed" in result.error


def test_a_redirect_to_a_name_that_has_changed_is_checked_again(registry, monkeypatch, trap):
    port, came = trap
    asked = resolve(monkeypatch, "127.0.0.1", DENIED)
    url = f"http://rebinding.example.org:{free_port()}"
    server = socket.create_server(("127.0.0.1", int(url.rpartition(":")[2])))

    def redirect():
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            location = f"http://rebinding.example.org:{port}/"
            connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    threading.Thread(target=redirect, daemon=True).start()
    with server:
        error = run(registry, "std.http", url=url, allow_redirects=True).error
    assert f"{DENIED} (from rebinding.example.org) must not be connected to" in error
    assert (len(asked), came) == (2, [])


def test_a_redirect_to_another_host_does_not_carry_the_password(registry, peer):
    with http_peer() as other:
        peer.routes["/away"] = lambda request: (200, None)
        first = _redirecting_to(f"{other.url}/echo")
        headers = run(registry, "std.http", url=first, auth="user:hunter2", allow_redirects=True).data["content"][
            "headers"
        ]
    assert "Authorization" not in headers


def _redirecting_to(location):
    server = socket.create_server(("127.0.0.1", 0))

    def redirect():
        connection, _ = server.accept()
        with connection, server:
            assert b"Authorization: Basic" in connection.recv(65536)
            connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    threading.Thread(target=redirect, daemon=True).start()
    return f"http://localhost:{server.getsockname()[1]}/"


def test_the_target_of_a_proxy_is_checked_as_far_as_it_is_known_here(registry, monkeypatch, peer):
    resolve(monkeypatch, DENIED)
    proxies = {"http": peer.url}
    for host in (DENIED, "rebinding.example.org", "169.254.169.254", "2852039166"):
        assert "must not be connected to" in run(registry, "std.http", url=f"http://{host}/", proxies=proxies).error
    peer.routes["http://inside.invalid/x"] = peer.routes["/x"] = lambda request: (200, {"by": "proxy"})
    result = run(registry, "std.http", url="http://inside.invalid/x", proxies=proxies)
    assert result.data["content"] == {"by": "proxy"}


def test_the_operators_proxy_is_used_wherever_it_is_and_the_target_is_checked_all_the_same(monkeypatch, peer, tmp_path):
    everything = EgressPolicy(denied=(ip_network("127.0.0.0/8"),))
    registry = Registry(ActionSettings(everything), find_entry_points=list)
    monkeypatch.setenv("http_proxy", peer.url)
    peer.routes["/y"] = lambda request: (200, {"by": "proxy"})
    assert run(registry, "std.http", url="http://inside.invalid/y").data["content"] == {"by": "proxy"}
    assert "must not be connected to" in run(registry, "std.http", url="http://127.0.0.1/y").error
    other = {"http": f"http://127.0.0.1:{free_port()}"}
    assert "must not be connected to" in run(registry, "std.http", url="http://inside.invalid/y", proxies=other).error
    for_tls = {"https": other["http"]}
    assert run(registry, "std.http", url="http://inside.invalid/y", proxies=for_tls).data["content"] == {"by": "proxy"}


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "socks5h://127.0.0.1:1", "file:///x"])
def test_other_kinds_of_proxies_are_refused(registry, proxy):
    assert run(registry, "std.http", url="http://127.0.0.1/", proxies={"http": proxy}).is_error


def test_passwords_of_the_service_s_own_user_are_not_sent(registry, monkeypatch, peer, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login operator password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    headers = run(registry, "std.http", url=f"{peer.url}/echo").data["content"]["headers"]
    assert "Authorization" not in headers


def test_a_host_behind_a_gateway_is_checked_too(registry):
    given = {"cmd": "true", "username": "u", "private_key_filename": "", "gateway_host": f"127.0.0.1:{free_port()}"}
    for host in (DENIED, "169.254.169.254"):
        assert "must not be connected to" in run(registry, "std.ssh_proxied", host=host, **given).error


def test_a_webhook_goes_only_where_the_policy_allows_and_keeps_its_secrets(trap):
    port, came = trap
    publish = Webhook(POLICY).publish
    with pytest.raises(OSError, match="must not be connected to"):
        publish(None, "e1", {}, "E", "t", f"http://{DENIED}:{port}/")
    with pytest.raises(OSError, match="scheme 'file'"):
        publish(None, "e1", {}, "E", "t", "file:///etc/passwd")
    with pytest.raises(OSError, match=r"refused") as found:
        publish(None, "e1", {}, "E", "t", f"http://u:hunter2@127.0.0.1:{free_port()}/x?key=hunter3")
    assert "hunter" not in str(found.value)
    assert came == []
