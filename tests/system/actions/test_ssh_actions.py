"""std.ssh and std.ssh_proxied against real OpenSSH servers."""

import subprocess
from pathlib import Path

import pytest
from peers import Unavailable, free_port, ssh_peer

from mistralish.actions import ActionSettings, Registry
from mistralish.actions.settings import SshSettings
from mistralish.actions.std.ssh import split_host
from mistralish.executors import ActionCall, run_now

BITS = {"rsa": ("-b", "2048")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ssh")


def registry_of(folder, host_keys="accept-new", **more):
    """The actions, with ``folder`` for key files and known hosts."""
    settings = SshSettings(
        connect_timeout=10,
        max_output_bytes=200_000,
        host_keys=host_keys,
        known_hosts_file=folder / "known_hosts",
        keys_dir=folder,
        **more,
    )
    return Registry(ActionSettings(ssh=settings), find_entry_points=list)


@pytest.fixture(scope="module")
def registry(folder):
    return registry_of(folder)


@pytest.fixture(scope="module")
def peer(folder):
    try:
        with ssh_peer(folder) as running:
            yield running
    except Unavailable as reason:
        pytest.skip(str(reason))


def address(server):
    return f"{server.host}:{server.port}"


def ssh(registry, peer, cmd, **given):
    complete = {
        "cmd": cmd,
        "host": address(peer),
        "username": peer.username,
        "private_key": peer.private_key,
        **given,
    }
    return run_now(registry, ActionCall("a1", "std.ssh", complete))


def test_the_result_is_what_the_command_wrote(registry, peer):
    assert ssh(registry, peer, "echo one; echo two >&2; printf é").data == "one\né"


def test_a_key_file_serves_as_well_as_a_key(registry, peer):
    assert ssh(registry, peer, "echo hi", private_key=None, private_key_filename=peer.key_file).data == "hi\n"


@pytest.mark.parametrize(("kind", "passphrase"), [("rsa", ""), ("ecdsa", ""), ("ed25519", "hunter2")])
def test_keys_of_each_kind_are_taken_with_their_passphrase(registry, peer, tmp_path, kind, passphrase):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *BITS.get(kind, ()), "-N", passphrase, "-f", str(file)], check=True)
    authorized = Path(peer.key_file).with_name("authorized_keys")
    before = authorized.read_text()
    authorized.write_text(before + file.with_suffix(".pub").read_text())
    try:
        result = ssh(registry, peer, "echo hi", private_key=file.read_text(), password=passphrase)
    finally:
        authorized.write_text(before)
    assert result.data == "hi\n"


def test_a_wrong_passphrase_is_an_error(registry, peer, tmp_path):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "hunter2", "-f", str(file)], check=True)
    error = ssh(registry, peer, "true", private_key=file.read_text(), password="hunter3").error
    assert "(the private key cannot be read with this passphrase)" in error


def test_several_hosts_give_a_list_and_one_in_a_list_gives_its_own_result(registry, peer, gateway):
    both = [address(peer), address(gateway)]
    assert ssh(registry, peer, "echo $SSH_CONNECTION | cut -d' ' -f4", host=both).data == [
        f"{peer.port}\n",
        f"{gateway.port}\n",
    ]
    assert ssh(registry, peer, "echo hi", host=both[:1]).data == "hi\n"


def test_another_exit_code_than_0_is_an_error(registry, peer):
    assert ssh(registry, peer, "exit 3").error == (
        "The action raised an exception [action=std.ssh, action_ex_id=a1,"
        f" msg='Failed to execute ssh cmd 'exit 3' on ['{address(peer)}'] (exit code 3)']"
    )


def test_on_request_the_exit_code_and_both_streams_are_the_result(registry, peer):
    result = ssh(registry, peer, "echo out; echo err >&2; exit 3", return_result_on_error=True)
    assert result.data == {"stdout": "out\n", "stderr": "err\n", "exit_code": 3}


def test_a_command_that_fills_its_error_stream_first_does_not_hang(registry, peer):
    """Each stream holds more than the 2 MiB window of a channel together with the other."""
    command = "for i in 1 2 3 4 5 6 7 8; do head -c 20000 /dev/zero | tr '\\0' e >&2; done; echo done"
    result = ssh(registry, peer, command, return_result_on_error=True)
    assert (len(result.data["stderr"]), result.data["stdout"]) == (160_000, "done\n")


@pytest.mark.parametrize("stream", ["", ">&2"])
def test_more_output_than_allowed_is_an_error(registry, peer, stream):
    assert "(more than 200000 bytes of output)" in ssh(registry, peer, f"head -c 9000000 /dev/zero {stream}").error


def test_a_stranger_is_refused_in_words_that_hold_no_secret(registry, peer, tmp_path):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    error = ssh(registry, peer, "true", private_key=file.read_text(), password="hunter2").error
    assert "(the host did not accept the user's password or key)" in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"host": "no-such-host.invalid"}, "the host's name is not known"),
        ({"private_key": "nonsense"}, "the private key cannot be read"),
        ({"private_key": None, "private_key_filename": "no-such-key-file"}, "the private key file cannot be read"),
        ({"private_key": None, "private_key_filename": "../key"}, "must not contain '..'"),
        ({"host": []}, "no host is given"),
    ],
)
def test_what_is_wrong_is_said(registry, peer, given, reason):
    assert reason in ssh(registry, peer, "true", **given).error


def test_an_unreachable_host_is_an_error(registry, peer):
    assert "(the host cannot be reached)" in ssh(registry, peer, "true", host=f"127.0.0.1:{free_port()}").error


def proxied(registry, peer, gateway, cmd, **given):
    complete = {
        "cmd": cmd,
        "host": address(peer),
        "username": peer.username,
        "private_key_filename": peer.key_file,
        "gateway_host": address(gateway),
        **given,
    }
    return run_now(registry, ActionCall("a1", "std.ssh_proxied", complete))


def test_a_command_runs_behind_a_gateway(registry, peer, gateway):
    assert proxied(registry, peer, gateway, "echo $SSH_CONNECTION | cut -d' ' -f4").data == f"{peer.port}\n"
    logged = Path(gateway.key_file).with_name("sshd.log").read_text()
    assert f"Accepted publickey for {gateway.username}" in logged


def test_a_command_that_fails_behind_a_gateway_is_an_error(registry, peer, gateway):
    assert "(exit code 5)" in proxied(registry, peer, gateway, "exit 5").error


def test_a_host_that_the_gateway_cannot_reach_is_an_error(registry, peer, gateway):
    error = proxied(registry, peer, gateway, "true", host=f"127.0.0.1:{free_port()}").error
    assert "(the gateway could not or may not connect to the host)" in error


def test_a_local_proxy_command_runs_only_where_the_service_allows_it(registry, peer, gateway, tmp_path):
    script = tmp_path / "connect.py"
    script.write_text(
        "import os, socket, sys, threading\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): s.sendall(data)\n"
        "    s.shutdown(socket.SHUT_WR)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := s.recv(65536): os.write(1, data)\n"
    )
    command = f"python3 {script} {gateway.host} {gateway.port}"
    refused = proxied(registry, peer, gateway, "echo hi", proxy_command=command)
    assert "this service does not run local commands to connect" in refused.error
    allowing = registry_of(Path(peer.key_file).parent, allow_proxy_command=True)
    assert proxied(allowing, peer, gateway, "echo hi", proxy_command=command).data == "hi\n"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("host", ("host", 22)),
        ("host:2222", ("host", 2222)),
        ("::1", ("::1", 22)),
        ("[::1]", ("::1", 22)),
        ("[::1]:2222", ("::1", 2222)),
    ],
)
def test_a_host_may_name_its_port(written, read):
    assert split_host(written) == read
