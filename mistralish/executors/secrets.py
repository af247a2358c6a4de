"""Secret values of a call: opened just before its action runs, sealed again in what the action returns."""

import base64
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

from mistralish.executors.call import ActionCall
from mistralish.masking import MASK, holds_sealed, texts_in
from mistralish.sealing import SEALED, SHORTEST, Sealer, SealError, change_texts

MOST = 100
"""How many different secret values one call may be given: each is looked for in all that its action returns."""

_LONGEST_ENCODED_WHOLE = 1024
_LEFT_IN_URLS = "!#$%&'()*+,/:;=?@[]~"  # by the package requests, in a URL that it is given whole


class Opened:
    """The secret values that are opened for one call of a project."""

    def __init__(self, sealer: Sealer, project_id: str) -> None:
        self._sealer = sealer
        self._project_id = project_id
        self._opened: dict[str, str] = {}  # sealed text: the value
        self._sealed: dict[str, str] = {}  # a value in a form in which it may come back: sealed text, "" if none yet
        self._wholes = 0

    @property
    def values(self) -> tuple[str, ...]:
        """The values in every form in which they may come back, the longest first."""
        return tuple(sorted(self._sealed, key=len, reverse=True))

    def open(self, value: Any) -> Any:
        """JSON data with all sealed text in it opened. Raises SealError."""
        return change_texts(value, self._open_text)

    def close(self, value: Any) -> Any:
        """JSON data with every value that was opened sealed again, also where it is part of a text, or was encoded."""
        pattern = self._pattern(texts_in(value))
        return value if pattern is None else change_texts(value, lambda text: _sub(pattern, text, self._close_one))

    def mask(self, text: str) -> str:
        """``text``, meant for people, with every value that was opened masked."""
        pattern = self._pattern((text,))
        return text if pattern is None else _sub(pattern, text, lambda value: MASK)

    def _open_text(self, text: str) -> str:
        if SEALED.search(text) is None:
            return text
        whole = SEALED.sub(lambda found: self._open_one(found[0]), text)
        if len(whole) <= _LONGEST_ENCODED_WHOLE and self._wholes < MOST:
            # A header encodes it together with what stands beside it: user:password.
            self._wholes += 1
            self._expect(_base64(whole))
        return whole

    def _open_one(self, sealed: str) -> str:
        value = self._opened.get(sealed)
        if value is None:
            if len(self._opened) == MOST:
                raise SealError(f"An action may be given at most {MOST} different secret values; this one has more")
            value = self._opened[sealed] = self._sealer.open(sealed, self._project_id)
            for form in _encodings(value):
                self._expect(form)
            self._expect(value, sealed)
        return value

    def _expect(self, form: str, sealed: str = "") -> None:
        if len(form) >= SHORTEST:
            self._sealed[form] = sealed or self._sealed.get(form, "")

    def _close_one(self, form: str) -> str:
        if not self._sealed[form]:
            self._sealed[form] = self._sealer.seal(form, self._project_id)
        return self._sealed[form]

    def _pattern(self, texts: Iterable[str]) -> re.Pattern[str] | None:
        """What finds the values that are in ``texts``; None when none is."""
        if not self._sealed:
            return None
        all_texts = "\0".join(texts)
        present = [form for form in self.values if form in all_texts]
        if not present:
            return None
        # What is sealed in a text already comes first, and stays as it is.
        return re.compile("|".join((f"({SEALED.pattern})", *map(re.escape, present))))


def open_call(call: ActionCall, sealer: Sealer) -> tuple[ActionCall, Opened | None]:
    """The call as its action is to get it, and what was opened for that; None where nothing is sealed.

    Raises SealError.
    """
    security = call.context.get("security")
    if not holds_sealed(call.input) and not holds_sealed(security):
        return call, None
    opened = Opened(sealer, str(call.context.get("project_id") or ""))
    context = call.context if security is None else {**call.context, "security": opened.open(security)}
    return replace(call, input=opened.open(call.input), context=context), opened


def close_again(value: Any, given: Any, sealer: Sealer, project_id: str) -> Any:
    """``value``, which somebody outside sends, with those secret values sealed that are sealed in ``given``.

    What cannot be opened is passed over: nobody outside can have been given it.
    """
    if not holds_sealed(given):
        return value
    opened = Opened(sealer, project_id)
    for text in texts_in(given):
        try:
            opened.open(text)
        except SealError:
            continue
    return opened.close(value)


def _sub(pattern: re.Pattern[str], text: str, by: Callable[[str], str]) -> str:
    return pattern.sub(lambda found: found[0] if found[1] else by(found[0]), text)


def _encodings(value: str) -> set[str]:
    """A value as it comes back in a URL, in Python's or in JSON's notation, or in a header."""
    in_urls = {quote(value), quote(value, safe=""), quote(value, safe=_LEFT_IN_URLS), quote_plus(value)}
    in_texts = {repr(value)[1:-1], json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return in_urls | in_texts | {_base64(value)}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
