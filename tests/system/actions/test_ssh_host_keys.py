"""Which SSH hosts are talked to, and whose keys a workflow may use."""

import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from peers import Unavailable, ssh_peer

from mistralish.actions import ActionSettings, Registry
from mistralish.actions.settings import SshSettings
from mistralish.executors import ActionCall, run_now


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    try:
        with ssh_peer(tmp_path_factory.mktemp("host")) as running:
            yield running
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def known(tmp_path):
    return tmp_path / "data" / "known_hosts"


def registry_of(known, mode="accept-new", **more):
    settings = SshSettings(connect_timeout=5, host_keys=mode, known_hosts_file=known, **more)
    return Registry(ActionSettings(ssh=settings), find_entry_points=list)


def ssh(registry, peer, timeout=None, **given):
    complete = {"cmd": "echo hi", "host": address(peer), "username": peer.username, "private_key": peer.private_key}
    return run_now(registry, ActionCall("a1", "std.ssh", {**complete, **given}, timeout=timeout))


def proxied(registry, peer, gateway, **given):
    complete = {
        "cmd": "echo hi",
        "host": address(peer),
        "username": peer.username,
        "private_key_filename": "",
        "private_key": peer.private_key,
        "gateway_host": address(gateway),
    }
    return run_now(registry, ActionCall("a1", "std.ssh_proxied", {**complete, **given}))


def address(server):
    return f"{server.host}:{server.port}"


def entry(server):
    return f"[{server.host}]:{server.port}"


def host_key(server):
    kind, key, *_ = Path(server.key_file).with_name("host_key.pub").read_text().split()
    return f"{kind} {key}"


def another_key(folder):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "other")], check=True)
    return " ".join((folder / "other.pub").read_text().split()[:2])


def test_a_new_host_is_learnt_once_in_a_file_of_nobody_else_s(peer, known):
    registry = registry_of(known)
    assert ssh(registry, peer).data == "hi\n"
    assert ssh(registry, peer).data == "hi\n"
    assert known.read_text() == f"{entry(peer)} {host_key(peer)}\n"
    assert known.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", ["accept-new", "strict"])
def test_a_key_that_has_changed_is_refused_and_no_password_is_sent(peer, known, mode, tmp_path):
    known.parent.mkdir()
    known.write_text(f"{entry(peer)} {another_key(tmp_path)}\n")
    before = known.read_text()
    result = ssh(registry_of(known, mode), peer, private_key=None, password="hunter2")
    assert "(the host's key is not the one that is known: something else may be answering in its place" in result.error
    assert known.read_text() == before


def test_strict_talks_to_known_hosts_only_and_says_which_key_the_host_has(peer, known):
    error = ssh(registry_of(known, "strict"), peer).error
    assert "(the host's key is not known; the service talks to hosts of its known hosts file only" in error
    assert "ssh-ed25519 key SHA256:" in error
    assert not known.exists()
    known.parent.mkdir()
    known.write_text(f"# operators may write comments\n\n{entry(peer)},other.example.org {host_key(peer)} comment\n")
    assert ssh(registry_of(known, "strict"), peer).data == "hi\n"


def test_hashed_names_as_openssh_writes_them_are_known(peer, known):
    known.parent.mkdir()
    known.write_text(f"{entry(peer)} {host_key(peer)}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(known)], check=True, capture_output=True)
    assert entry(peer) not in known.read_text()
    assert ssh(registry_of(known, "strict"), peer).data == "hi\n"


def test_ignore_takes_any_key_and_learns_none(peer, known, tmp_path):
    assert ssh(registry_of(known, "ignore"), peer).data == "hi\n"
    assert not known.exists()
    known.parent.mkdir()
    known.write_text(f"{entry(peer)} {another_key(tmp_path)}\n")
    assert ssh(registry_of(known, "ignore"), peer).data == "hi\n"


def test_a_host_behind_a_gateway_is_known_by_both_names_so_no_gateway_speaks_for_others(peer, gateway, known, tmp_path):
    registry = registry_of(known)
    assert proxied(registry, peer, gateway).data == "hi\n"
    behind = f"{entry(peer)}@{address(gateway)}"
    assert known.read_text().splitlines() == [
        f"{entry(gateway)} {host_key(gateway)}",
        f"{behind} {host_key(peer)}",
    ]
    known.write_text(f"{entry(gateway)} {host_key(gateway)}\n{behind} {another_key(tmp_path)}\n")
    assert "(the host's key is not the one that is known" in proxied(registry, peer, gateway).error
    assert ssh(registry, peer).data == "hi\n"


def test_a_gateway_whose_key_has_changed_is_refused(peer, gateway, known, tmp_path):
    known.parent.mkdir()
    known.write_text(f"{entry(gateway)} {another_key(tmp_path)}\n")
    assert "(the host's key is not the one that is known" in proxied(registry_of(known), peer, gateway).error


def test_strict_knows_a_host_behind_a_gateway_by_its_own_name_too(peer, gateway, known):
    known.parent.mkdir()
    known.write_text(f"{entry(gateway)} {host_key(gateway)}\n{entry(peer)} {host_key(peer)}\n")
    assert proxied(registry_of(known, "strict"), peer, gateway).data == "hi\n"


@pytest.mark.parametrize(
    "host", ["evil\nprod.example.org ssh-rsa AAAA", "a b", "a,prod.example.org", "*", "|1|a|b", "@revoked", "#x", ""]
)
def test_a_name_that_would_write_something_else_into_the_file_is_none(peer, gateway, known, host):
    assert proxied(registry_of(known), peer, gateway, host=host).is_error
    lines = known.read_text().splitlines() if known.exists() else []
    assert len(lines) <= 1


def test_a_full_file_learns_nothing_more_and_says_so(peer, known):
    known.parent.mkdir()
    known.write_text("# x\n" * 600_000)
    assert "(the service's known hosts file is full: no more hosts are learnt)" in ssh(registry_of(known), peer).error


def test_the_keys_of_the_service_s_own_user_open_nothing_for_a_workflow(peer, known, tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_text(peer.private_key)
    monkeypatch.setenv("HOME", str(home))
    assert (
        "did not accept the user's password or key"
        in ssh(registry_of(known), peer, private_key=None, password="x").error
    )
    assert ssh(registry_of(known), peer, private_key=None).is_error
    assert ssh(registry_of(known, own_keys=True), peer, private_key=None).data == "hi\n"


def test_key_files_are_taken_from_one_directory_only(peer, known, tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "mine").write_text(peer.private_key)
    (tmp_path / "theirs").write_text(peer.private_key)
    (tmp_path / "keys2").mkdir()
    (tmp_path / "keys2" / "theirs").write_text(peer.private_key)
    registry = registry_of(known, keys_dir=keys)
    for name in ("mine", str(keys / "mine")):
        assert ssh(registry, peer, private_key=None, private_key_filename=name).data == "hi\n"
    for name in ("/etc/passwd", str(tmp_path / "theirs"), str(tmp_path / "keys2" / "theirs"), "~/.ssh/id_rsa/../x"):
        error = ssh(registry, peer, private_key=None, private_key_filename=name).error
        assert "Private key filename must" in error
    missing = ssh(registry, peer, private_key=None, private_key_filename="other").error
    assert "(the private key file cannot be read)" in missing
    nowhere = registry_of(known)
    assert "Private key filename must" in ssh(nowhere, peer, private_key=None, private_key_filename="mine").error


def test_a_command_that_does_not_end_is_left_when_nobody_waits_any_more(peer, known):
    registry = registry_of(known, most_seconds=1)
    assert "(it took longer than 1 seconds)" in ssh(registry, peer, cmd="sleep 60").error
    whole = ssh(registry, peer, cmd="sleep 60", return_result_on_error=True)
    assert "(it took longer than 1 seconds)" in whole.error


@pytest.mark.parametrize(
    "words", [b"", b"no ssh here\r\n" * 1000, b"x" * 100_000, b"SSH-2.0-x\r\n\x7f\xff\xff\xff" * 9]
)
def test_a_server_that_does_not_speak_ssh_gets_an_error_soon_and_no_place_in_the_log(known, words, capfd):
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(words)
            while connection.recv(65536):
                pass

    threading.Thread(target=serve, daemon=True).start()
    given = {"cmd": "true", "host": f"127.0.0.1:{listener.getsockname()[1]}", "username": "u", "password": "p"}
    start = time.monotonic()
    with listener:
        result = run_now(registry_of(known, most_seconds=1), ActionCall("a1", "std.ssh", given))
    assert "Failed to execute ssh cmd 'true'" in result.error
    assert time.monotonic() - start < 4
    assert "no ssh here" not in capfd.readouterr().err
