"""Values on their way into and out of the expression languages.

In: YAQL works on immutable values. Converting a whole context for one expression would cost as much as the
context is large, so mappings are wrapped and their values converted when they are asked for.
Out: a result is plain JSON data that shares nothing with the context.
"""

import datetime
import itertools
from collections.abc import Iterable, Iterator, Mapping, MutableSet, Sequence, Set
from typing import Any

from jinja2 import Undefined

from mistralish.expressions.errors import TooDeepError, UseError
from mistralish.expressions.limits import MAX_DEPTH, MAX_ITERATIONS

SCALARS = frozenset((str, int, float, bool, type(None)))
_DATETIME = "%Y-%m-%dT%H:%M:%S.%f"


class LazyMapping(Mapping[Any, Any]):
    """A read-only mapping that freezes the values of another one when they are read.

    It equals, hashes and prints as the eagerly converted mapping of the yaql library does.
    """

    __slots__ = ("_hash", "_seen", "_source")

    def __init__(self, source: Mapping[Any, Any]) -> None:
        self._source = source
        self._seen: dict[Any, Any] = {}
        self._hash: int | None = None

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._seen[key]
        except KeyError:
            value = self._seen[key] = freeze(self._source[key])
            return value

    def __contains__(self, key: Any) -> bool:
        return key in self._source

    def __iter__(self) -> Iterator[Any]:
        return iter(self._source)

    def __len__(self) -> int:
        return len(self._source)

    def __hash__(self) -> int:
        if self._hash is None:
            result = 0
            for pair in self.items():
                result ^= hash(pair)
            self._hash = result
        return self._hash

    def __repr__(self) -> str:
        return repr(dict(self.items()))


def freeze(value: Any) -> Any:
    """Return ``value`` as YAQL wants it: tuples for sequences, read-only mappings, frozen sets."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is dict:
        return LazyMapping(value)
    if kind is list:
        return tuple([v if type(v) in SCALARS else freeze(v) for v in value])
    return _freeze_other(value)


def _freeze_other(value: Any) -> Any:
    if isinstance(value, str | LazyMapping):
        return value
    if isinstance(value, Sequence):
        return tuple(map(freeze, value))
    if isinstance(value, Mapping):
        return LazyMapping(value)
    if isinstance(value, MutableSet):
        return frozenset(map(freeze, value))
    return map(freeze, value) if isinstance(value, Iterable) else value


def plain(value: Any) -> Any:
    """Return ``value`` as new JSON data: dict, list, str, int, float, bool or None all the way down.

    Raises UseError for a value that has no JSON form, or an endless one.
    """
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is dict:
        return {k if type(k) is str else _key(k): v if type(v) in SCALARS else plain(v) for k, v in value.items()}
    if kind is list or kind is tuple:
        return [v if type(v) in SCALARS else plain(v) for v in value]
    return _plain_other(value)


def _plain_other(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(k): plain(v) for k, v in value.items()}
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Undefined):
        return str(value)  # raises the error that says what is undefined
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Iterable):
        return [plain(v) for v in bounded(value)]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.strftime(_DATETIME)  # as the reference stores them
    if isinstance(value, datetime.date):
        return value.isoformat()
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    raise UseError(
        f"the result is a {type(value).__name__}, which JSON cannot hold; "
        "make it a string, a number, a list or a dictionary"
    )


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if key is None:
        return "null"
    if isinstance(key, str | int | float):
        return str(key)
    raise UseError(f"a key of the result is a {type(key).__name__}; keys must be strings or numbers")


def unbox(value: Any) -> Any:
    """Return what YAQL computed as ordinary Python data, to be printed into a text.

    As the library's own output conversion: sets stay sets, other iterables become lists.
    """
    if type(value) in SCALARS:
        return value
    if isinstance(value, Mapping):
        return {unbox(k): unbox(v) for k, v in value.items()}
    if isinstance(value, Set):
        return {unbox(v) for v in bounded(value)}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [unbox(v) for v in bounded(value)]
    return value


def bounded(values: Iterable[Any]) -> Iterator[Any]:
    """Yield ``values``; raises UseError after ``MAX_ITERATIONS`` of them."""
    yield from itertools.islice(iterator := iter(values), MAX_ITERATIONS)
    for _ in iterator:
        raise UseError(f"Collection length exceeds {MAX_ITERATIONS} elements")


class Meter:
    """Adds up how large values are: the characters of all texts, and ``each`` for every value.

    Raises UseError once that is more than ``room``: a value may hold one text a million times and take hardly any
    memory, so this must be known before it is copied or written out.
    """

    __slots__ = ("_each", "_left", "_room")

    def __init__(self, room: int, each: int = 8) -> None:
        self._room = self._left = room
        self._each = each

    def take(self, value: Any) -> None:
        """Count a value and all that is in it, as often as it is."""
        kind = type(value)
        if kind is str:
            self._left -= len(value)
        elif kind is dict or kind is list:
            self._take_all(value, MAX_DEPTH)
        else:
            self._take_other(value, MAX_DEPTH)
        if self._left < 0:
            self._refuse()

    def _take_all(self, value: Any, depth: int) -> None:
        if depth < 0:
            raise TooDeepError(f"the value has more than {MAX_DEPTH} lists and dictionaries within each other")
        left = self._left - self._each * len(value)
        if type(value) is dict:
            for key in value:
                left -= len(key) if type(key) is str else self._each
            value = value.values()
        inner = []
        for item in value:
            kind = type(item)
            if kind is str:
                left -= len(item)
            elif kind not in SCALARS:
                inner.append(item)
        self._left = left
        if left < 0:
            self._refuse()
        for item in inner:
            kind = type(item)
            if kind is dict or kind is list:
                self._take_all(item, depth - 1)
            else:
                self._take_other(item, depth - 1)

    def _take_other(self, value: Any, depth: int) -> None:
        if isinstance(value, str | bytes):
            self._left -= len(value)
        elif isinstance(value, Mapping):
            self._take_all(dict(value), depth)
        elif isinstance(value, list | tuple | Set):
            self._take_all(list(value), depth)
        else:
            self._left -= self._each

    def _refuse(self) -> None:
        raise UseError(f"the value is larger than {self._room} bytes, which is the most that is allowed here")


def copy_plain(value: Any) -> Any:
    """Return a copy of JSON data that shares nothing with ``value`` that can be changed."""
    if isinstance(value, Mapping):
        return {k: copy_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [v if type(v) in SCALARS else copy_plain(v) for v in value]
    return value
