"""What a task can see. Contexts are shared between tasks, never copied for one, never changed.

A context is the variables that a branch has published so far, and for each how often it was published
on the way (its version): where branches join, the value with the higher version wins. Source: the
reference's context versioning (release notes of 11.0.0).
"""

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


def after_publishing(context: Context, published: Mapping[str, Any] | None) -> Context:
    """What the tasks after one see, that saw ``context`` and published ``published``."""
    if not published:
        return context
    versions = dict(context.versions)
    for path in _leaves(published):
        versions[path] = versions.get(path, 0) + 1
    return Context({**context.vars, **published}, versions)


def merge(contexts: Iterable[Context]) -> Context:
    """What a task sees after several branches, given in the order in which they ended.

    The last is the base; the others add what it lacks, and replace what they published more often.
    """
    todo = list(contexts)
    if not todo:
        return EMPTY
    base = todo.pop()
    if not todo or all(other.vars is base.vars for other in todo):
        return base
    variables, versions = base.vars, base.versions
    for other in todo:
        variables = _merged(variables, versions, other.vars, other.versions, "")
        versions = {**versions, **{k: max(v, versions.get(k, 0)) for k, v in other.versions.items()}}
    return Context(variables, versions)


def _merged(
    left: Vars, left_versions: dict[str, int], right: Vars, right_versions: dict[str, int], prefix: str
) -> Vars:
    result = dict(left)
    for key, value in right.items():
        if key not in result:
            result[key] = value
            continue
        mine = result[key]
        if mine is value:
            continue
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(mine, dict) and isinstance(value, dict):
            result[key] = _merged(mine, left_versions, value, right_versions, path)
        elif right_versions.get(path, 0) > left_versions.get(path, 0):
            result[key] = value
    return result


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
