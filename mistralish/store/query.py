"""Lists: what a request asks for, and the page that answers it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import and_
from typing import Any

import peewee

from mistralish.errors import ForbiddenError, InputError, NotFoundError
from mistralish.store import models
from mistralish.store.connection import Connection
from mistralish.store.documents import decode
from mistralish.store.filters import TASK_NAME, Filter, condition, joined, parse_filter
from mistralish.store.kinds import Kind, kind_of
from mistralish.store.narrowing import Narrowing, can_narrow, holds_anyway, without_usual
from mistralish.store.pagination import SortKey, from_token, full_order, order_by, to_token
from mistralish.store.segments import pieces
from mistralish.store.tenancy import Tenant, found_by_id, visible

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_MOST_FILTERS = 50
_MOST_VALUES = 1000

_CONTROLS = (
    "limit",
    "marker",
    "position",
    "sort_keys",
    "sort_dirs",
    "fields",
    "nulls",
    "all_projects",
    "include_output",
)
_FLAGS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
    "": False,
}


@dataclass(frozen=True, slots=True)
class Query:
    """A list request, checked. ``fields`` None: all. ``position`` is the token of the last row's sort values."""

    kind: str
    filters: tuple[Filter, ...] = ()
    sort: tuple[SortKey, ...] = (SortKey("created_at"),)
    limit: int = DEFAULT_LIMIT
    marker: str | None = None
    position: str | None = None
    fields: tuple[str, ...] | None = None
    include_output: bool = False
    all_projects: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. Where more follows, ``marker`` is the last row's id; else it is None.

    ``position`` belongs into the ``next`` link beside the marker: with it, paging goes on even when the marker's
    row has been removed.
    """

    items: list[dict[str, Any]]
    marker: str | None = None
    position: str | None = None


def parse_query(kind_name: str, args: Any, *, default_limit: int = DEFAULT_LIMIT, max_limit: int = MAX_LIMIT) -> Query:
    """Read the parameters of a list request.

    ``args``: a mapping, or a MultiDict (an attribute may then be filtered several times; all must hold).
    Raises InputError: which parameter, which value, what is right.
    """
    kind = kind_of(kind_name)
    controls: dict[str, str] = {}
    filters: list[Filter] = []
    for name, value in _pairs(args):
        if name in _CONTROLS:
            if name in controls:
                raise InputError(f"The parameter '{name}' is given twice: give it once")
            controls[name] = value
        elif name in kind.attributes or (name == TASK_NAME and TASK_NAME in kind.computed):
            filters.append(parse_filter(kind, name, value))
        else:
            raise InputError(f'Unknown argument: "{name}": choose from {", ".join((*kind.attributes, *_CONTROLS))}')
    filters += _nulls(kind, controls.get("nulls", ""))
    _check_size(filters)
    return Query(
        kind=kind.name,
        filters=tuple(filters),
        sort=_sort(kind, controls.get("sort_keys"), controls.get("sort_dirs")),
        limit=_limit(controls.get("limit"), default_limit, max_limit),
        marker=controls.get("marker") or None,
        position=controls.get("position") or None,
        fields=_fields(kind, controls.get("fields", "")),
        include_output=_flag("include_output", controls.get("include_output", "")),
        all_projects=_flag("all_projects", controls.get("all_projects", "")),
    )


def list_page(connection: Connection, query: Query, tenant: Tenant) -> Page:
    """Return the page that ``query`` asks for.

    Raises NotFoundError (no such marker), InputError (a position that is not one), ForbiddenError (all projects,
    asked for by somebody who is no administrator).
    """
    kind = kind_of(query.kind)
    columns = kind.columns
    order = full_order(kind, query.sort)
    names = _columns(kind, query, order)
    seen = visible(kind, _reach(query, tenant))
    whole = base = kind.model.select(*[kind.ordering[name] for name in names])
    after = _after(connection, kind, query, order, tenant)
    needed = [one for one in query.filters if not holds_anyway(one, order[0], after)]
    parts = [seen, *(each for one in needed for each in _conditions(connection, kind, one))]
    conditions = [part for part in parts if part is not None]
    if conditions:
        base = base.where(joined(and_, conditions))
    rows: list[tuple[Any, ...]] = []
    with connection.read() as database:
        narrowing = _narrowing(connection, kind, query, order, seen)
        # Within one project this key is the same in all rows, and only keeps planners from the range of the others.
        same = int(seen is not None and not kind.scoped and order[0].name == "project_id")
        for part, part_order in pieces(kind, order[same:], after if after is None else after[same:]):
            wanted = query.limit + 1 - len(rows)
            if wanted <= 0:
                break
            if narrowing is not None:
                # By nothing but their ids, lest a planner begins at another index.
                select = whole.where(columns["id"].in_(narrowing.ids(part, wanted)))
            else:
                select = base if part is None else base.where(part)
            select = select.order_by(*order_by(kind, part_order, connection.dialect))
            rows += database.execute(select.limit(wanted)).fetchall()
        more = len(rows) > query.limit
        items = [decode(kind, names, row) for row in rows[: query.limit]]
        if TASK_NAME in (query.fields or ()):
            _add_task_names(connection, items)
    if not more:
        return Page(items)
    last = dict(zip(names, rows[query.limit - 1], strict=True))
    return Page(items, last["id"], to_token([last[key.name] for key in order]))


def _conditions(connection: Connection, kind: Kind, chosen: Filter) -> Iterable[peewee.ColumnBase | None]:
    return condition(kind, chosen, connection.dialect), without_usual(kind, chosen)


def _narrowing(
    connection: Connection, kind: Kind, query: Query, order: Sequence[SortKey], seen: peewee.ColumnBase | None
) -> Narrowing | None:
    if not can_narrow(kind, query.filters, [key.name for key in order]):
        return None
    if seen is None:
        # All but one index that are read here are of one project.
        if query.filters[0].field != "project_id":
            return None
        seen = kind.columns["project_id"].is_null(False)
    return Narrowing(connection, kind, query.filters[0], seen, order[0].descending)


def _after(
    connection: Connection, kind: Kind, query: Query, order: tuple[SortKey, ...], tenant: Tenant
) -> Sequence[Any] | None:
    """Return the sort values of the row that the page comes after."""
    if query.marker is None:
        return None
    if query.position is not None:
        values = from_token(kind, order, query.position)
        if values[[key.name for key in order].index("id")] != query.marker:
            raise InputError("The position does not belong to the marker: take both from the 'next' link of a list")
        return values
    found = found_by_id(kind, _reach(query, tenant), query.marker)
    select = kind.model.select(*[kind.ordering[key.name] for key in order]).where(found)
    row = connection.database.execute(select).fetchone()
    if row is None:
        raise NotFoundError(kind.not_found.format(identifier=query.marker, namespace="") + ": the marker of the list")
    return tuple(row)


def _reach(query: Query, tenant: Tenant) -> Tenant:
    """Return whose rows are listed: an administrator who names a project, or asks for all, sees them."""
    if query.all_projects and not tenant.is_admin:
        raise ForbiddenError("Only an administrator may list all projects: leave out all_projects")
    named = any(each.field == "project_id" for each in query.filters)
    if tenant.is_admin and (query.all_projects or named):
        return Tenant(tenant.project_id, all_projects=True)
    return tenant


def _columns(kind: Kind, query: Query, order: tuple[SortKey, ...]) -> tuple[str, ...]:
    if query.fields is None:
        shown = [name for name in kind.columns if name not in kind.heavy or (query.include_output and name == "output")]
    else:
        shown = [name for name in query.fields if name in kind.columns]
        for name in query.fields:
            shown += kind.computed.get(name, ())
    return tuple(dict.fromkeys((*shown, *(key.name for key in order))))


def _add_task_names(connection: Connection, items: list[dict[str, Any]]) -> None:
    task = models.TaskExecution
    ids = [item["task_execution_id"] for item in items]
    names = dict(connection.database.execute(task.select(task.id, task.name).where(task.id.in_(ids))).fetchall())
    for item in items:
        item[TASK_NAME] = names.get(item["task_execution_id"])


def _pairs(args: Any) -> Iterable[tuple[str, str]]:
    if hasattr(args, "getlist"):
        return args.items(multi=True)
    return args.items() if isinstance(args, Mapping) else args


def _limit(text: str | None, default: int, most: int) -> int:
    if text is None:
        return min(default, most)
    try:
        limit = int(text)
    except ValueError:
        raise InputError(
            f"Invalid input for field/attribute limit. Value: '{text[:50]}'. Expected a whole number from 1 to {most}"
        ) from None
    if limit <= 0:
        raise InputError(f"Limit must be positive. Value: '{text[:50]}'. Expected a whole number from 1 to {most}")
    return min(limit, most)


def _sort(kind: Kind, keys_text: str | None, dirs_text: str | None) -> tuple[SortKey, ...]:
    keys = list(dict.fromkeys(_split(kind.default_sort if keys_text is None else keys_text)))
    dirs = _split("asc" if dirs_text is None else dirs_text)
    if len(dirs) > len(keys) and dirs_text is not None:
        raise InputError(
            "Length of sort_keys must be equal or greater than sort_dirs: "
            f"there are {len(keys)} keys, {len(dirs)} directions"
        )
    for key in keys:
        if key not in kind.attributes:
            raise InputError(f"Sort key supplied is invalid: {key}: choose from {', '.join(kind.attributes)}")
    for direction in dirs:
        if direction not in ("asc", "desc"):
            raise InputError(f"Unknown sort direction, must be 'desc' or 'asc': '{direction}' is neither")
    dirs += ["asc"] * (len(keys) - len(dirs))
    stand_ins = kind.keys | kind.slots
    names = [stand_ins[key].name if key in stand_ins else key for key in keys]
    return tuple(SortKey(name, direction == "desc") for name, direction in zip(names, dirs, strict=False))


def _fields(kind: Kind, text: str) -> tuple[str, ...] | None:
    fields = list(dict.fromkeys(_split(text)))
    if not fields:
        return None
    known = (*kind.shown, *kind.computed)
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise InputError(f"Some fields do not exist  [{', '.join(unknown)}], please choose from [{', '.join(known)}]")
    return tuple(fields if "id" in fields else ["id", *fields])


def _nulls(kind: Kind, text: str) -> list[Filter]:
    allowed = [name for name in kind.attributes if kind.columns[name].null]
    for name in _split(text):
        if name not in allowed:
            raise InputError(
                f"Invalid input for field/attribute nulls. Value: '{name}'. Choose from {', '.join(allowed)}"
            )
    return [Filter(name, "null") for name in dict.fromkeys(_split(text))]


def _check_size(filters: Sequence[Filter]) -> None:
    if len(filters) > _MOST_FILTERS:
        raise InputError(f"The list has {len(filters)} filters: at most {_MOST_FILTERS} are possible")
    values = sum(len(each.values) for each in filters)
    if values > _MOST_VALUES:
        raise InputError(f"The list's filters have {values} values together: at most {_MOST_VALUES} are possible")


def _flag(name: str, text: str) -> bool:
    try:
        return _FLAGS[text.strip().lower()]
    except KeyError:
        raise InputError(
            f"Invalid input for field/attribute {name}. Value: '{text[:50]}'. Expected true or false"
        ) from None


def _split(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]
