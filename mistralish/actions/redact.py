"""Keeping secrets out of error messages."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from mistralish.masking import MASK, is_secret_name

_MIN_LENGTH = 3


def redact(text: str, given: Mapping[str, Any]) -> str:
    """Return ``text`` with every value masked that ``given`` holds under a secret-looking name, at any depth.

    Values shorter than three characters stay: masking those would garble the text and hide nothing.
    """
    secrets = {form for secret in _secrets(given, False) for form in _forms(secret) if len(form) >= _MIN_LENGTH}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _secrets(value: Any, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, secret or is_secret_name(str(key)))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item, secret)
    elif secret and isinstance(value, str):
        yield value


def _forms(secret: str) -> Iterator[str]:
    """Yield the secret as it may appear: whole, escaped in a URL or by ``repr``, its parts (``user:password``)."""
    yield from (secret, quote(secret, safe=""), repr(secret)[1:-1])
    for separator in (":", " "):
        _, found, tail = secret.partition(separator)
        if found and "\n" not in secret:
            yield tail
    if "\n" in secret:
        yield from (line for line in secret.splitlines() if len(line) > 20)
