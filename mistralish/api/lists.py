"""Pages of a collection, and the link to the next one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from flask import request
from werkzeug.datastructures import MultiDict

from mistralish.api.access import allows, list_rule, require
from mistralish.api.arguments import FieldNames
from mistralish.api.context import project, service, store
from mistralish.api.schemas.base import ResourceSchema, show_many
from mistralish.api.watching import wait_for_beginnings
from mistralish.errors import InputError
from mistralish.store import Page, Query, Tenant, parse_query
from mistralish.store.filters import Filter
from mistralish.store.pagination import SortKey

Document = Mapping[str, Any]
_OF_RUNNING_WORK = ("task", "action_execution")
OPERATORS = ("eq", "neq", "in", "nin", "gt", "gte", "lt", "lte", "has")
_NOT_REPEATED = ("sort_keys", "sort_dirs", "limit", "marker", "position", "fields")
_NO_FILTERS = ("include_output", "all_projects", "nulls")
# In a link, ``id`` is always the last sort key, as clients expect. Where we added it, the position says so: the rows
# are ordered by what the store's indexes order them by.
_ADDED, _GIVEN = "a.", "g."


def answer_list(
    kind: str,
    schema: type[ResourceSchema],
    collection: str,
    *,
    fixed: Mapping[str, str] | None = None,
    within: Tenant | None = None,
    defaults: Mapping[str, str] | None = None,
    without: frozenset[str] = frozenset(),
    as_shown: Callable[[Document], Document] = dict,
) -> dict[str, Any]:
    """The page of ``kind`` that the request's arguments ask for, under the name ``collection``, with ``next``.

    ``fixed`` are filters that the path gives, and ``within`` is the project of what the path names; ``defaults`` are
    filters that hold unless the request has its own. What the schema defers, and what is in ``without``, is shown only
    with ``include_output`` (the output) or when ``fields`` names it. Raises InputError for an argument that does not
    fit, ForbiddenError for rows of other projects.
    """
    arguments: MultiDict[str, str] = MultiDict(request.args)
    arguments.update(fixed or {})
    for name, value in (defaults or {}).items():
        arguments.setdefault(name, value)
    wanted = check_fields(FieldNames().deserialize(arguments.get("fields", "")), schema)
    query = _parse(kind, arguments, wanted, schema)
    if kind in _OF_RUNNING_WORK:
        wait_for_beginnings()
    page = store().list(kind, query, tenant=_reach(query, within))
    hidden = (schema.deferred | without) - ({"output"} if query.include_output else set())
    items = (as_shown(item) for item in page.items)
    shown = show_many(schema, items, only=wanted or None, without=() if wanted else sorted(hidden))
    answer: dict[str, Any] = {collection: shown}
    if page.marker is not None:
        answer["next"] = _next_link(collection, arguments, wanted, query, page)
    return answer


def read_all(
    kind: str,
    filters: tuple[Filter, ...],
    *,
    of: Tenant,
    columns: tuple[str, ...] | None = None,
    include_output: bool = False,
) -> Iterator[dict[str, Any]]:
    """Every document that fits ``filters`` and that ``of`` sees, in the order of creation; only ``columns``."""
    most = service().settings.max_limit
    query = Query(kind, filters, limit=most, fields=columns, include_output=include_output)
    while True:
        page = store().list(kind, query, tenant=of)
        yield from page.items
        if page.marker is None:
            return
        query = replace(query, marker=page.marker, position=page.position)


def read_newest(kind: str, filters: tuple[Filter, ...], count: int, *, of: Tenant) -> list[dict[str, Any]]:
    """At most ``count`` documents that fit ``filters`` and that ``of`` sees, the newest first."""
    query = Query(kind, filters, sort=(SortKey("created_at", descending=True),), limit=count)
    return store().list(kind, query, tenant=of).items


def owner(document: Document) -> Tenant:
    """The project of a document that the caller may see. All that is below an execution belongs to its project."""
    return Tenant(document["project_id"])


def check_fields(names: list[str], schema: type[ResourceSchema]) -> tuple[str, ...]:
    """The attributes to show: ``id`` and those asked for; none means all. Raises InputError for one that is none."""
    known = schema.names()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"Some fields do not exist  [{', '.join(unknown)}], please choose from [{', '.join(known)}]")
    return tuple(dict.fromkeys(("id", *names))) if names else ()


def _reach(query: Query, within: Tenant | None) -> Tenant:
    """Whose rows are listed: the caller's project's, or those of all where that is asked for, and allowed.

    Naming a project asks for its rows: of executions, who may not have others' is told so, as in the reference;
    elsewhere that project has none to show but what it shares.
    """
    if within is not None and not query.all_projects:
        return within
    mine = project()
    named = [each for each in query.filters if each.field == "project_id"]
    if query.all_projects or (query.kind == "execution" and any(each.values != (mine.project_id,) for each in named)):
        require(list_rule())
    elif not (named and allows(list_rule())):
        return mine
    return Tenant(mine.project_id, is_admin=True)


def _parse(kind: str, arguments: MultiDict[str, str], wanted: tuple[str, ...], schema: type[ResourceSchema]) -> Query:
    for_store = arguments.copy()
    for_store.poplist("fields")
    if wanted:
        for_store["fields"] = ",".join(name for name in wanted if name not in schema.derived)
    position = arguments.get("position", "")
    if position.startswith(_ADDED):
        for name in ("sort_keys", "sort_dirs"):
            for_store[name] = arguments.get(name, "").rpartition(",")[0]
    if position:
        if not position.startswith((_ADDED, _GIVEN)):
            raise InputError(
                f"Invalid position '{position[:50]}': take it, with the marker, from the 'next' link of a list"
            )
        for_store["position"] = position[len(_ADDED) :]
    settings = service().settings
    return parse_query(kind, for_store, default_limit=settings.default_limit, max_limit=settings.max_limit)


def _next_link(
    collection: str, arguments: MultiDict[str, str], wanted: tuple[str, ...], query: Query, page: Page
) -> str:
    keys = [key.name for key in query.sort]
    directions = ["desc" if key.descending else "asc" for key in query.sort]
    mark = _GIVEN if "id" in keys else _ADDED
    if "id" not in keys:
        keys.append("id")
        directions.append("asc")
    parts = [("sort_keys", ",".join(keys)), ("sort_dirs", ",".join(directions))]
    parts += [(k, _with_operator(k, v)) for k, v in arguments.items(multi=True) if k not in _NOT_REPEATED]
    parts += [("limit", str(query.limit)), ("marker", str(page.marker))]
    if page.position is not None:
        parts.append(("position", mark + page.position))
    if wanted:
        parts.append(("fields", ",".join(wanted)))
    return f"{request.host_url}v2/{collection}?{urlencode(parts, safe=',:', quote_via=quote)}"


def _with_operator(name: str, value: str) -> str:
    if name in _NO_FILTERS or value.partition(":")[0] in OPERATORS:
        return value
    return f"eq:{value}"
