"""Sealed text: a secret value as it is kept and passed around, between the client that marked it and the action.

Sealed text is plain ASCII with an end of its own, so expressions put it into longer texts like any other. It is
encrypted by AES-256-GCM and bound to a project: copied into another project's work it stays closed.
"""

import base64
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mistralish.errors import InputError, MistralishError, UnavailableError
from mistralish.masking import SEALED_PREFIX

SEALED = re.compile(SEALED_PREFIX + r"[A-Za-z0-9_-]{38,}:")
"""Sealed text within a text. What was cut out of one is none, and nobody can open it."""

MARK = "$secret"
"""The one key of an object that stands for a secret value: ``{"$secret": "the value"}``."""

SHORTEST = 4
"""Characters of the shortest value: a shorter one would be found, and sealed, all over an action's result."""

_KEY_BYTES = 32
_NONCE_BYTES = 12


class SealError(MistralishError):
    """Sealed text cannot be opened here. The message has nothing of it."""

    status = 400


class Sealer:
    """Seals with the first of ``keys`` and opens with any of them, so that keys can be replaced one after the other.

    Without keys it neither seals nor opens. Raises UnavailableError where there are keys but not the package that
    uses them. Safe to use from any thread.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._ciphers: list[Any] = []
        if keys:
            self._ciphers = [_aes_gcm()(read_key(key)) for key in keys]

    def seal(self, text: str, project_id: str) -> str:
        """``text`` as sealed text that opens for this project only; each time another one.

        Raises InputError without keys: then a client wants what the service was not set up for.
        """
        if not self._ciphers:
            raise InputError(
                "This service cannot keep a value secret, because it has no key. Whoever runs it makes one with "
                "'mistralish secret-key create' and sets it as secret_keys (MISTRALISH_SECRET_KEYS)"
            )
        nonce = os.urandom(_NONCE_BYTES)
        closed = nonce + self._ciphers[0].encrypt(nonce, text.encode(), project_id.encode())
        return f"{SEALED_PREFIX}{base64.urlsafe_b64encode(closed).decode().rstrip('=')}:"

    def open(self, sealed: str, project_id: str) -> str:
        """The text that was sealed as ``sealed``, which is one match of ``SEALED``. Raises SealError."""
        if not self._ciphers:
            raise SealError("A secret value cannot be opened: the process that runs the action has no secret_keys")
        for cipher in self._ciphers:
            text = _decrypted(cipher, sealed[len(SEALED_PREFIX) : -1], project_id)
            if text is not None:
                return text
        raise SealError(
            "A secret value cannot be opened: it was sealed for another project, or with a key that is not among the "
            "service's secret_keys any more"
        )


def seal_marked(value: Any, sealer: Sealer, project_id: str) -> Any:
    """JSON data that a client sent, with every value in it that is marked as secret sealed for the client's project.

    Raises InputError for a mark that is none, without a key, and for sealed text, which clients never see.
    """
    if isinstance(value, str):
        refuse_sealed(value)
        return value
    if isinstance(value, list):
        return [seal_marked(item, sealer, project_id) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and MARK in value:
        text = value[MARK]
        if not isinstance(text, str) or len(text) < SHORTEST:
            raise InputError(f'A secret value must be text of at least {SHORTEST} characters: {{"{MARK}": "…"}}')
        return sealer.seal(text, project_id)
    for name in value:
        refuse_sealed(name)
    return {name: seal_marked(item, sealer, project_id) for name, item in value.items()}


def refuse_sealed(text: str) -> None:
    """Raise InputError where there is sealed text in ``text``, which a client has sent."""
    if SEALED_PREFIX in text and SEALED.search(text):
        raise InputError(
            "The request has sealed text in it, which nobody but this service makes. Send the value itself, marked as "
            f'one to be kept: {{"{MARK}": "…"}}'
        )


def new_key() -> str:
    """A fresh key, as text."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


def read_key(text: str) -> bytes:
    """The bytes of a key that ``new_key`` made. Raises ValueError, without the key, for other text."""
    data = _decoded(text.rstrip("="))
    if len(data) != _KEY_BYTES:
        raise ValueError(f"a key has {_KEY_BYTES} bytes")
    return data


def change_texts(value: Any, change: Callable[[str], str]) -> Any:
    """JSON data with ``change`` applied to every text in it, keys too; ``value`` itself where nothing changes."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return _changed_object(value, change)
    if isinstance(value, list | tuple):
        items = []
        for item in value:
            items.append(change_texts(item, change))
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value


def _changed_object(value: Mapping[Any, Any], change: Callable[[str], str]) -> Mapping[Any, Any]:
    pairs, same = [], True
    for key, item in value.items():
        new_name = change(key) if isinstance(key, str) else key
        new_item = change_texts(item, change)
        same = same and new_name is key and new_item is item
        pairs.append((new_name, new_item))
    return value if same else dict(pairs)


def _aes_gcm() -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise UnavailableError(
            f"The setting secret_keys needs the package cryptography, which is missing or does not work: {error}; "
            "install it with: pip install 'mistralish[secrets]'"
        ) from error
    return AESGCM


def _decrypted(cipher: Any, text: str, project_id: str) -> str | None:
    from cryptography.exceptions import InvalidTag

    try:
        data = _decoded(text)
        return str(cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], project_id.encode()).decode())
    except (InvalidTag, ValueError):
        return None


def _decoded(text: str) -> bytes:
    """Raises ValueError for what is no base64."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
