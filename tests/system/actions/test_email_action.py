"""std.email against a real SMTP server (aiosmtpd)."""

import datetime
import ssl

import pytest
from peers import Unavailable, free_port, smtp_peer

from mistralish.actions import Registry
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
    "given", [{"subject": "a\r\nBcc: x@example.org"}, {"from_addr": "a\nb"}, {"to_addrs": {"a": 1}}, {"reply_to": 5}]
)
def test_a_line_break_in_a_header_or_a_wrong_list_is_an_error_and_nothing_is_sent(registry, mailbox, given):
    assert send(registry, mailbox.address, **given).is_error
    assert mailbox.mails == []


def test_an_unreachable_server_is_an_error(registry):
    error = send(registry, f"127.0.0.1:{free_port()}").error
    assert "Failed to send an email message: " in error


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
        tls_context=_tls_context(tmp_path),
        require_starttls=True,
        authenticator=login,
        auth_required=True,
    )
    controller.start()
    yield f"127.0.0.1:{port}", login
    controller.stop()


def _tls_context(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_with_a_password_the_connection_is_encrypted_and_logged_in(registry, guarded):
    address, login = guarded
    assert send(registry, address, smtp_password="hunter2").is_success
    assert login.mails == [(True, True)]


def test_a_wrong_password_is_an_error_that_does_not_show_it(registry, guarded):
    address, login = guarded
    error = send(registry, address, smtp_password="hunter3").error
    assert "Failed to send an email message: " in error
    assert "hunter3" not in error
    assert login.mails == []
