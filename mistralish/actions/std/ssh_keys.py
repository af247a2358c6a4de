"""The private keys that workflows log in with by SSH."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistralish.actions.base import ActionError

if TYPE_CHECKING:
    from paramiko import PKey

_MOST_KEY_BYTES = 64 * 1024


class UnusableKeyError(Exception):
    """Why a key cannot be used; safe to show."""


def read_key_file(name: str, folder: Path | None) -> str:
    """Read a key file in ``folder``; ``name`` is relative to it, or absolute and below it.

    Raises ActionError for any other name, or where there is no folder; UnusableKeyError for a file that is no key.
    """
    if ".." in Path(name).parts:
        raise ActionError("Private key filename must not contain '..'")
    if folder is None or not (folder / name).is_relative_to(folder):
        raise ActionError(
            "Private key filename must name a file in the service's directory of keys (its setting ssh_keys_dir)"
        )
    try:
        file = folder / name
        if file.is_file() and file.stat().st_size <= _MOST_KEY_BYTES:
            return file.read_text()
    except (OSError, ValueError):
        pass
    raise UnusableKeyError("the private key file cannot be read")


def load_key(text: str, passphrase: Any) -> "PKey":
    """Read a private key (RSA, ECDSA or Ed25519). Raises UnusableKeyError for any that cannot be read."""
    import paramiko

    failure: Exception | None = None
    for kind in (paramiko.RSAKey, paramiko.ECDSAKey, paramiko.Ed25519Key):
        try:
            return kind.from_private_key(io.StringIO(text), password=passphrase or None)
        except (paramiko.SSHException, ValueError) as error:
            failure = failure or error
    raise UnusableKeyError("the private key cannot be read with this passphrase") from failure
