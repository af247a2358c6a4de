"""What a task can see. Contexts are shared between tasks, never copied for one, never changed.

A context is the variables that a branch has published so far, and for each how often it was published
on the way (its version): where branches join, the value with the higher version wins. Source: the
reference's context versioning (release notes of 11.0.0).
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Vars = dict[str, Any]


class Context(NamedTuple):
    """Branch variables and the versions of their leaves (by dotted path)."""

    vars: Vars
    versions: dict[str, int]


EMPTY = Context({}, {})


class View(Mapping[str, Any]):
    """Several dictionaries seen as one: the first that has a key gives its value. Never copied."""

    __slots__ = ("layers",)

    def __init__(self, *layers: Mapping[str, Any]) -> None:
        self.layers = layers

    def __getitem__(self, key: str) -> Any:
        for layer in self.layers:
            if key in layer:
                return layer[key]
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        for layer in self.layers:
            if key in layer:
                return layer[key]
        return default

    def __contains__(self, key: object) -> bool:
        return any(key in layer for layer in self.layers)

    def __iter__(self) -> Iterator[str]:
        seen: dict[str, None] = {}
        for layer in self.layers:
            seen.update(dict.fromkeys(layer))
        return iter(seen)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class MergedView(View):
    """The same, but where several have a dictionary under one key, its value is those merged, the first going first.

    What was merged is kept: the layers must not change while the view is in use.
    """

    __slots__ = ("_merged",)

    def __init__(self, *layers: Mapping[str, Any]) -> None:
        super().__init__(*layers)
        self._merged: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._merged:
            self._merged[key] = self._merge(key)
        return self._merged[key]

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def _merge(self, key: str) -> Any:
        first, *rest = [layer[key] for layer in self.layers if key in layer] or [_MISSING]
        if first is _MISSING:
            raise KeyError(key)
        if isinstance(first, dict):
            # What is no dictionary hides all that is behind it.
            for value in itertools.takewhile(lambda value: isinstance(value, dict), rest):
                first = deep_update(value, first)
        return first


_MISSING = object()


def view_of(merges: bool, *layers: Mapping[str, Any]) -> View:
    """Several dictionaries seen as one; ``merges``: the setting ``merge_strategy`` is "merge"."""
    return MergedView(*layers) if merges else View(*layers)


def after_publishing(context: Context, published: Mapping[str, Any] | None, merges: bool = False) -> Context:
    """What the tasks after one see, that saw ``context`` and published ``published``.

    ``merges``: a dictionary is merged into the one of the same name, instead of taking its place.
    """
    if not published:
        return context
    versions = dict(context.versions)
    for path in _leaves(published):
        versions[path] = versions.get(path, 0) + 1
    if merges:
        return Context(deep_update(context.vars, published), versions)
    return Context({**context.vars, **published}, versions)


def merge(contexts: Iterable[Context]) -> Context:
    """What a task sees after several branches, given in the order in which they ended.

    The last is the base; the others add what it lacks, and replace what they published more often.
    """
    todo = list(contexts)
    if not todo:
        return EMPTY
    base = todo.pop()
    others = [other for other in todo if other.vars is not base.vars or other.versions is not base.versions]
    if not others:
        return base
    variables, versions = dict(base.vars), dict(base.versions)
    ours: set[int] = set()
    for other in others:
        _merge_into(variables, versions, other, ours)
        for path, version in other.versions.items():
            if version > versions.get(path, 0):
                versions[path] = version
    return Context(variables, versions)


def _merge_into(left: Vars, left_versions: dict[str, int], right: Context, ours: set[int], prefix: str = "") -> None:
    """Merge ``right`` into ``left``. ``ours`` are the ids of the dictionaries within that no other context shares."""
    for key, value in right.vars.items():
        if key not in left:
            left[key] = value
            continue
        mine = left[key]
        if mine is value:
            continue
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(mine, dict) and isinstance(value, dict):
            if id(mine) not in ours:
                mine = left[key] = dict(mine)
                ours.add(id(mine))
            _merge_into(mine, left_versions, Context(value, right.versions), ours, path)
        elif right.versions.get(path, 0) > left_versions.get(path, 0):
            left[key] = value


def _leaves(published: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in published.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            yield from _leaves(value, path)
        else:
            yield path


def deep_update(target: dict[str, Any], extra: Mapping[str, Any], overwrite: bool = True) -> dict[str, Any]:
    """``target`` with ``extra`` merged in, dictionaries within dictionaries; a new dictionary."""
    result = dict(target)
    for key, value in extra.items():
        mine = result.get(key)
        if key in result and isinstance(mine, dict) and isinstance(value, dict):
            result[key] = deep_update(mine, value, overwrite)
        elif overwrite or key not in result:
            result[key] = value
    return result
