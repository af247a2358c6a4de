"""std.email against a real SMTP server (aiosmtpd)."""

import itertools
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from peers import Unavailable, free_port, smtp_peer
from tls_peer import server_tls

from mistralish.actions import ActionSettings, Registry
from mistralish.executors import ActionCall, run_now


@pytest.fixture(scope="module")
def registry():
    return Registry(find_entry_points=list)


@pytest.fixture
def mailbox():
    try:
        with smtp_peer() as peer:
            yield peer
    except Unavailable as reason:
        pytest.skip(str(reason))


def send(registry, address, **given):
    complete = {"from_addr": "me@example.org", "to_addrs": ["you@example.org"], "smtp_server": address, **given}
    return run_now(registry, ActionCall("a1", "std.email", complete))


def test_a_message_arrives_as_it_was_written(registry, mailbox):
    result = send(registry, mailbox.address, subject="Grüße", body="Zeile eins\nZeile zwei ✓")
    assert result.is_success
    assert result.data is None
    [mail] = mailbox.mails
    assert (mail.sender, mail.recipients) == ("me@example.org", ["you@example.org"])
    assert (mail.message["Subject"], mail.message["From"], mail.message["To"]) == (
        "Grüße",
        "me@example.org",
        "you@example.org",
    )
    assert mail.message.get_content().splitlines() == ["Zeile eins", "Zeile zwei ✓"]
    assert "Reply-To" not in mail.message


def test_copies_go_out_and_blind_ones_are_not_seen(registry, mailbox):
    send(
        registry,
        mailbox.address,
        to_addrs=["a@example.org", "b@example.org"],
        cc_addrs=["c@example.org"],
        bcc_addrs=["d@example.org"],
        reply_to=["r@example.org"],
    )
    [mail] = mailbox.mails
    assert sorted(mail.recipients) == ["a@example.org", "b@example.org", "c@example.org", "d@example.org"]
    assert (mail.message["To"], mail.message["Cc"]) == ("a@example.org, b@example.org", "c@example.org")
    assert mail.message["Reply-To"] == "r@example.org"
    assert "d@example.org" not in str(mail.message)


def test_html_comes_beside_the_text(registry, mailbox):
    send(registry, mailbox.address, body="plain", html_body="<b>rich</b>")
    [mail] = mailbox.mails
    assert mail.message.get_content_type() == "multipart/alternative"
    parts = [(part.get_content_type(), part.get_content().strip()) for part in mail.message.iter_parts()]
    assert parts == [("text/plain", "plain"), ("text/html", "<b>rich</b>")]


def test_without_subject_and_body_it_says_so(registry, mailbox):
    send(registry, mailbox.address)
    [mail] = mailbox.mails
    assert (mail.message["Subject"], mail.message.get_content().strip()) == ("<No subject>", "<No body>")


def test_a_single_address_need_not_be_a_list(registry, mailbox):
    assert send(registry, mailbox.address, to_addrs="one@example.org").is_success
    assert mailbox.mails[0].recipients == ["one@example.org"]


def test_a_refused_recipient_is_an_error(registry, mailbox):
    mailbox.refuse.add("you@example.org")
    error = send(registry, mailbox.address).error
    assert "Failed to send an email message: " in error
    assert "no such mailbox" in error


@pytest.mark.parametrize(
    "given",
    [
        {"subject": "a\r\nBcc: x@example.org"},
        {"subject": "a\rBcc: x@example.org"},
        {"from_addr": "a\nb"},
        {"from_addr": "a@b.c>\r\nRCPT TO:<x@example.org"},
        {"to_addrs": ["a@b.c\r\nBcc: x@example.org"]},
        {"cc_addrs": ["a@b.c\nX: y"]},
        {"bcc_addrs": ["a@b.c>\r\nRCPT TO:<x@example.org"]},
        {"bcc_addrs": ["a@b.c\r\nDATA\r\nSubject: x\r\n\r\n.\r\n"]},
        {"reply_to": ["a@b.c\r\n\r\nbody"]},
        {"to_addrs": {"a": 1}},
        {"reply_to": 5},
    ],
)
def test_a_line_break_in_a_header_or_a_wrong_list_is_an_error_and_nothing_is_sent(registry, mailbox, given):
    assert send(registry, mailbox.address, **given).is_error
    assert mailbox.mails == []


def test_an_unreachable_server_is_an_error(registry):
    error = send(registry, f"127.0.0.1:{free_port()}").error
    assert "Failed to send an email message: " in error


@contextmanager
def hostile(pieces):
    """A server that greets with ``pieces``, and whatever it is asked goes on with them."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
            while connection.recv(65536):  # closing now would take back what was not read yet
                pass

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def _dripping():
    while True:
        time.sleep(0.1)
        yield b"220-x\r\n"


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        (itertools.repeat(b"220-and so on\r\n" * 1000), "the server's answers are too long"),
        (itertools.repeat(b"x" * 65536), "Line too long"),
        (_dripping(), "the server took longer than 2 seconds"),
        ([b"220 hi\r\n", b"250-x\r\n" * 100_000], "the server's answers are too long"),
        ([b"HTTP/1.1 200 OK\r\n\r\n"], "Failed to send an email message"),
        ([b"\0" * 100], "Failed to send an email message"),
    ],
)
def test_a_hostile_server_gets_an_error_soon(pieces, reason):
    registry = Registry(ActionSettings(email_timeout=0.4), find_entry_points=list)
    start = time.monotonic()
    with hostile(pieces) as address:
        assert reason in send(registry, address).error
    assert time.monotonic() - start < 4


class _Login:
    """Takes one user with one password, and mails only from who has logged in."""

    def __init__(self):
        self.mails = []

    def __call__(self, server, session, envelope, mechanism, data):
        from aiosmtpd.smtp import AuthResult

        good = (data.login, data.password) == (b"me@example.org", b"hunter2")
        return AuthResult(success=good, handled=good)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the name that aiosmtpd asks for
        self.mails.append((session.ssl is not None, session.authenticated))
        return "250 OK"


@pytest.fixture
def guarded(tmp_path):
    """A server that takes mail only encrypted and after logging in."""
    controllers = pytest.importorskip("aiosmtpd.controller")
    login, port = _Login(), free_port()
    controller = controllers.Controller(
        login,
        hostname="127.0.0.1",
        port=port,
        tls_context=server_tls(tmp_path, "127.0.0.1"),
        require_starttls=True,
        authenticator=login,
        auth_required=True,
    )
    controller.start()
    yield f"127.0.0.1:{port}", login
    controller.stop()


@pytest.fixture
def trusting(tmp_path, monkeypatch):
    """The service's system trusts that server's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))


def test_with_a_password_the_connection_is_encrypted_and_logged_in(registry, guarded, trusting):
    address, login = guarded
    assert send(registry, address, smtp_password="hunter2").is_success
    assert login.mails == [(True, True)]


def test_a_password_is_not_told_to_a_server_whose_certificate_nobody_vouches_for(registry, guarded):
    address, login = guarded
    error = send(registry, address, smtp_password="hunter2").error
    assert f"the certificate of {address} cannot be trusted: self-signed certificate" in error
    assert login.mails == []


def test_a_wrong_password_is_an_error_that_does_not_show_it(registry, guarded, trusting):
    address, login = guarded
    error = send(registry, address, smtp_password="hunter3").error
    assert "Failed to send an email message: " in error
    assert "hunter3" not in error
    assert login.mails == []
