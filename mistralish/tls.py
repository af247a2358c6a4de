"""TLS on the service's port: the certificate and its renewal."""

import logging
import os
import socket
import ssl
from pathlib import Path

from mistralish.config import Settings
from mistralish.errors import InputError

logger = logging.getLogger(__name__)

_Files = tuple[tuple[int, int, int], ...]


class TlsAdapter:
    """What cheroot's server asks about TLS: 1.2 and newer, with a certificate that is read again once it has changed.

    The two files hold a certificate (with the chain behind it, if there is one) and its private key, both PEM and
    without a password. Raises InputError where they do not.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._paths = (certificate, key)
        self._seen = self._files()
        self._context = _context(certificate, key)

    @property
    def context(self) -> ssl.SSLContext:
        """For the next connection, with what the files hold now; or held before, while that is not right."""
        files = self._files()
        if files != self._seen:
            self._seen = files
            self._renew()
        return self._context

    def bind(self, sock: socket.socket) -> socket.socket:
        """The socket to listen on: connections speak TLS, it does not."""
        return sock

    def get_environ(self, sock: ssl.SSLSocket) -> dict[str, str]:
        """What the requests of a connection are told of TLS (the mod_ssl convention)."""
        return {"wsgi.url_scheme": "https", "HTTPS": "on"}

    def _renew(self) -> None:
        try:
            self._context = _context(*self._paths)
        except InputError as error:
            logger.error("The certificate is not replaced, the one from before stays in use: %s", error)
        else:
            logger.info("The certificate was replaced by what %s and %s hold now", *self._paths)

    def _files(self) -> _Files:
        return tuple(_version(path) for path in self._paths)


def tls_adapter(settings: Settings) -> TlsAdapter | None:
    """What makes TLS of the service's port; None where the settings name no certificate. Raises InputError."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, missing = ("tls_key", "tls_certificate") if certificate is None else ("tls_certificate", "tls_key")
        raise InputError(f"setting '{given}' is given without '{missing}': TLS needs both, each the path of a PEM file")
    return TlsAdapter(certificate, key)


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    _require(certificate, "tls_certificate", "certificate")
    if "ENCRYPTED" in _require(key, "tls_key", "private key"):
        raise InputError(f"setting 'tls_key': the private key in {key} has a password; give it without one")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        why = error.reason or "one of them is damaged"
        if why == "KEY_VALUES_MISMATCH":
            raise InputError(
                f"settings 'tls_certificate' and 'tls_key': the key in {key} does not belong to the first certificate "
                f"in {certificate}; the service's own certificate must come first, then its chain"
            ) from None
        raise InputError(
            f"settings 'tls_certificate' and 'tls_key': {certificate} and {key} cannot be used: {why}"
        ) from None
    return context


def _require(path: Path, setting: str, what: str) -> str:
    """The text of a PEM file, which must have a block of this kind."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise InputError(f"setting '{setting}': {path} cannot be read: {error.strerror}") from None
    if f"{what.upper()}-----" not in text:
        raise InputError(f"setting '{setting}': {path} holds no {what}; it must be a PEM file that does")
    return text


def _version(path: Path) -> tuple[int, int, int]:
    """What differs once a file was written anew or replaced; zeros where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
