"""Rows of running work as documents: what the API adds to them and keeps to itself."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

# Keys of a runtime context that begin so are the engine's own.
_PRIVATE = "__"
PUBLISHED_GLOBAL = "__published_global"
_NO_VARIABLES = frozenset(("__execution", "openstack"))


def as_document(record: Any) -> dict[str, Any]:
    """A record of ``mistralish.records`` as the store's documents are: a dictionary by column."""
    return {column.name: getattr(record, column.name) for column in fields(record)}


def published_global(execution: Mapping[str, Any], load_spec: Callable[[str], Any]) -> dict[str, Any]:
    """What tasks of an execution have published globally: its context without what was there from the start.

    ``load_spec`` reads a stored specification by id; it is asked only where there is anything to tell apart. Source:
    the reference's GET of one execution.
    """
    context = {k: v for k, v in (execution["context"] or {}).items() if k not in _NO_VARIABLES}
    own = ((load_spec(execution["spec_id"]) or {}).get("vars") or {}) if context else {}
    return {name: value for name, value in context.items() if name not in own}


def as_task(document: Mapping[str, Any]) -> dict[str, Any]:
    """A stored task as it is shown: its runtime context without the engine's own keys."""
    if "runtime_context" not in document:
        return dict(document)
    context = document["runtime_context"] or {}
    return {**document, "runtime_context": {k: v for k, v in context.items() if not k.startswith(_PRIVATE)}}
