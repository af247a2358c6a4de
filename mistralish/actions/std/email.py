"""std.email: send a message by SMTP. Source: the reference's standard actions; RFC 5321, RFC 3207 (STARTTLS)."""

import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mistralish.actions.base import ActionError, StdAction
from mistralish.actions.context import ActionContext
from mistralish.actions.egress import EgressPolicy

if TYPE_CHECKING:
    from email.message import EmailMessage
    from smtplib import SMTP

_WAITS = 5
"""How many times the wait for one answer a whole exchange may take."""


class EmailAction(StdAction):
    """Sends an e-mail message.

    :param from_addr: the sender; also the user name, where a password is given.
    :param to_addrs: a list of addresses.
    :param smtp_server: the mail server, `host` or `host:port`.
    :param reply_to: a list of addresses for answers.
    :param cc_addrs: a list of addresses that get a copy.
    :param bcc_addrs: a list of addresses that get a copy without the others seeing it.
    :param smtp_password: the password; with it, the connection is encrypted by STARTTLS before logging in, and the
        server's certificate must be right.
    :param subject: `<No subject>` where not given.
    :param body: the text, `<No body>` where not given.
    :param html_body: the same as HTML, for readers that show it.
    """

    def __init__(self, name: str, timeout: float, policy: EgressPolicy) -> None:
        super().__init__(name)
        self._timeout = timeout
        self._policy = policy

    def execute(
        self,
        about: ActionContext,
        from_addr: Any,
        to_addrs: Any,
        smtp_server: Any,
        reply_to: Any = None,
        cc_addrs: Any = None,
        bcc_addrs: Any = None,
        smtp_password: Any = None,
        subject: Any = None,
        body: Any = None,
        html_body: Any = None,
    ) -> None:
        from mistralish.actions.std.smtp import connect  # slow to import

        to, cc, bcc = _addresses(to_addrs), _addresses(cc_addrs), _addresses(bcc_addrs)
        headers = {
            "Subject": str(subject or "<No subject>"),
            "From": str(from_addr),
            "Reply-To": ", ".join(_addresses(reply_to)),
            "To": ", ".join(to),
            "Cc": ", ".join(cc),
        }
        try:
            message = _message(headers, str(body or "<No body>"), html_body)
            with connect(
                str(smtp_server), self._timeout, about.seconds(_WAITS * self._timeout), self._policy
            ) as server:
                _send(server, str(from_addr), smtp_password, [*cc, *bcc, *to], message)
        except ssl.SSLCertVerificationError as error:
            raise ActionError(
                f"Failed to send an email message: the certificate of {smtp_server} cannot be trusted:"
                f" {error.verify_message}"
            ) from error
        except (OSError, ValueError) as error:  # smtplib's errors are OSErrors
            raise ActionError(f"Failed to send an email message: {error}") from error


def _send(server: "SMTP", sender: str, password: Any, recipients: list[str], message: "EmailMessage") -> None:
    if password is not None:
        # Authorities: those of the system, or of SSL_CERT_FILE.
        server.starttls(context=ssl.create_default_context())
        server.login(sender, str(password))
    server.send_message(message, sender, recipients)


def _addresses(value: Any) -> list[str]:
    if not value:
        return []
    if isinstance(value, str):
        found = [value]
    elif isinstance(value, Iterable) and not isinstance(value, dict):
        found = [str(item) for item in value]
    else:
        raise ActionError(f"Wrong addresses: {value!r:.100}; they must be a list of text")
    for address in found:
        if any(sign < " " for sign in address):  # smtplib would take what is before it for the address
            raise ActionError(f"Wrong address: {address!r:.100}; it must not have line breaks or the like")
    return found


def _message(headers: dict[str, str], body: str, html_body: Any) -> "EmailMessage":
    """Put the message together. Raises ValueError for a header with a line break in it."""
    from email.message import EmailMessage

    message = EmailMessage()
    for name, value in headers.items():
        if value:
            message[name] = value
    message.set_content(body)
    if html_body:
        message.add_alternative(str(html_body), subtype="html")
    return message
