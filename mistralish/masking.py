"""Masking: what looks like a secret is replaced by asterisks before anybody reads it.

What counts as one: the value of a secret-looking name, sealed text (``mistralish.sealing``), a bearer token, a JSON
web token, a password in a URL, a private key. Every pattern here takes time that grows with the text's length only.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

MASK = "***"
SEALED_PREFIX = "sealed:v1:"
"""How sealed text begins; base64 for URLs follows, and a colon ends it."""

# "author" is no secret, "authorization" is one; nor is the place or the kind of an authentication.
_NAME = (
    r"passw|passphrase|(?<![a-z])(?:pass|pwd)(?![a-z])|secret|token"
    r"|(?:private|api|access|ssh|signing|encryption)[-_ ]?key"
    r"|auth(?!or(?!i[sz])|[-_]?(?:ur[il]|type|version|plugin|method)\b)|cookie|credential"
)
_NAME_PARTS = ("pass", "pwd", "secret", "token", "key", "auth", "cookie", "credential")
"""One of these is in every such name."""
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_CACHED_NAME_LENGTH = 64
_MAX_DEPTH = 200
_HIDDEN_LENGTH = 4
_hidden: ContextVar[tuple[str, ...]] = ContextVar("hidden", default=())

_SEALED = re.compile(SEALED_PREFIX + r"[\w-]*+:?", re.ASCII)
_SEALED_PREFIX_BYTES = SEALED_PREFIX.encode()
_SEALED_BYTES = re.compile(_SEALED.pattern.encode())
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:.*?-----END [A-Z ]{0,40}-----|.*)", re.DOTALL)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@\"'<>]{0,256}):[^\s/\"'<>]{0,1024}@")
_JSON_WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]++(?:\.[\w-]*+)?", re.ASCII)
_BEARER = re.compile(r"\b(Bearer)\s{1,3}(?!tokens?\b|auth|realm=|error=)[\w.~+/=-]{4,}+", re.IGNORECASE)
# English words follow "basic" too; what has been encoded by base64 has a capital, a figure or a sign.
_BASIC = re.compile(r"\b([Bb]asic|BASIC)\s{1,3}(?=[a-z]{0,64}[A-Z0-9+/=])[\w+/-]{4,}+={0,2}")
# A name ends there, in quotes or not, then its value: quoted (the quotes may be escaped, in JSON within JSON), a header
# to its line's end, a list or an object (two levels deep), or a word, after the kind of a token.
_PAIR = re.compile(
    rf"((?:{_NAME})[\w.-]{{0,64}}+(?:\\{{0,15}}[\"'])?\s{{0,3}}(?:=>|[=:])\s{{0,3}}(?:b(?=[\"']))?)"
    r"(?!\{\{|<%|\"…\"|(?:null|none|true|false)\b)"
    r"(?:(?P<plain>\"(?:[^\"\\]|\\.)*+\"?|'(?:[^'\\]|\\.)*+'?)"
    r"|(?P<open>\\{1,15}[\"'])(?:.*?(?<!\\)(?P=open)|.*)"
    r"|(?P<list>\[(?:[^\[\]]++|\[[^\[\]]*+\])*+\]?)"
    r"|(?P<object>\{(?:[^{}]++|\{[^{}]*+\})*+\}?)"
    r"|(?P<header>(?<=authorization: )[^\r\n\"'<>]++|(?<=cookie: )[^\r\n\"'<>]++)"
    r"|(?P<word>(?:(?:bearer|basic|digest|token|negotiate)\s{1,3})?+[^\s,;&\"'<>()\[\]{}]++))",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = {'"': '"', "'": "'", "[": "]", "{": "}"}


def is_secret_name(name: str) -> bool:
    """Whether a value under this name (a parameter, a header, a key) is to be kept from readers."""
    return _is_secret_name(name) if len(name) <= _CACHED_NAME_LENGTH else _SECRET_NAME.search(name) is not None


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def mask_text(text: str) -> str:
    """Return ``text``, meant for a log or an error, with all that looks like a secret in it masked."""
    for value in _hidden.get():
        text = text.replace(value, MASK)
    text = mask_sealed(text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(MASK, text)
    if "eyJ" in text:
        text = _JSON_WEB_TOKEN.sub(MASK, text)
    # Most of what is logged has none of these, and the patterns are slow to find that out.
    lowered = text.lower()
    if ("=" in text or ":" in text) and any(part in lowered for part in _NAME_PARTS):
        text = _PAIR.sub(_mask_pair, text)
    if "bearer" in lowered:
        text = _BEARER.sub(rf"\1 {MASK}", text)
    return _BASIC.sub(rf"\1 {MASK}", text) if "basic" in lowered else text


def mask_sealed(text: str) -> str:
    """Return ``text`` with sealed text masked, and all else as it is."""
    return _SEALED.sub(MASK, text) if SEALED_PREFIX in text else text


def mask_sealed_bytes(text: bytes) -> bytes:
    """As :func:`mask_sealed`, of encoded text."""
    return _SEALED_BYTES.sub(MASK.encode(), text) if _SEALED_PREFIX_BYTES in text else text


def mask_values(value: Any) -> Any:
    """Return JSON data with the values under secret-looking names masked, at any depth; ``value`` itself if none is.

    Objects and lists under such a name keep their shape. Nothing, empty text, true and false hide nothing and stay.
    Sealed text is masked wherever it is.
    """
    return _masked(value, False, _MAX_DEPTH)


def shown(value: Any, name: str = "") -> str:
    """JSON data as error messages quote it: Python's notation of it, with what looks like a secret masked.

    ``name`` is what the value itself is called.
    """
    return repr(_masked(value, is_secret_name(name), _MAX_DEPTH))


def holds_sealed(value: Any) -> bool:
    """Whether there may be sealed text in JSON data, at any depth."""
    return any(SEALED_PREFIX in text for text in texts_in(value))


def texts_in(value: Any) -> Iterator[str]:
    """Every text in JSON data, keys too, in no order."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict | Mapping):  # a dictionary is told at once
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, list | tuple):
            waiting += item


@contextmanager
def hidden(values: tuple[str, ...]) -> Iterator[None]:
    """Within it, ``mask_text`` masks these values too, whatever stands around them; in the current thread only."""
    reset = _hidden.set(_hidden.get() + tuple(value for value in values if len(value) >= _HIDDEN_LENGTH))
    try:
        yield
    finally:
        _hidden.reset(reset)


def _mask_pair(found: re.Match[str]) -> str:
    if found["open"]:
        return found[1] + found["open"] + MASK + found["open"]
    begin = found[0][found.end(1) - found.start()]
    return found[1] + (begin + MASK + _ENDS[begin] if begin in _ENDS else MASK)


def _masked(value: Any, secret: bool, depth: int) -> Any:
    if isinstance(value, str):
        return MASK if secret and value else mask_sealed(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict | Mapping):
        return MASK if depth == 0 else _masked_object(value, secret, depth)
    if isinstance(value, list | tuple):
        return MASK if depth == 0 else _masked_list(value, secret, depth)
    return MASK if secret else value


def _masked_object(value: Mapping[Any, Any], secret: bool, depth: int) -> Mapping[Any, Any]:
    changed: dict[Any, Any] | None = None
    for key, item in value.items():
        masked = _masked(item, secret or is_secret_name(str(key)), depth - 1)
        if masked is not item:
            changed = dict(value) if changed is None else changed
            changed[key] = masked
    return value if changed is None else changed


def _masked_list(value: list[Any] | tuple[Any, ...], secret: bool, depth: int) -> list[Any] | tuple[Any, ...]:
    masked = [_masked(item, secret, depth - 1) for item in value]
    return value if all(new is old for new, old in zip(masked, value, strict=True)) else masked
