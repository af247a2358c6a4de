"""Filters of lists: ``field=op:value`` read into typed values, and typed values made into SQL.

What is an operator: a value begins with one if it begins with one of OPERATORS and a colon. Any other value is
taken whole (a date, a URL) and must be equal, except where the part before the colon cannot be meant as a value:

- an operator's name in other letters, or what other services call one (``ne:``, ``like:``, ``contains:`` …);
- any word before a colon, for attributes whose values never have one: states, scopes, types, dates, numbers,
  flags, JSON.

That is refused with the list of operators; ``eq:`` in front takes any value whole.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any

import peewee
from peewee import BigIntegerField, fn

from mistralish.errors import InputError
from mistralish.store import json_text, models
from mistralish.store.connection import CANONICAL_TEXT, SQLITE
from mistralish.store.dates import Span, parse_date
from mistralish.store.fields import FlagField, JsonField, TagsField, TimeField
from mistralish.store.kinds import Kind

OPERATORS = ("eq", "neq", "in", "nin", "gt", "gte", "lt", "lte", "has")

TASK_NAME = "task_name"
"""An attribute of action executions that is looked for in their tasks."""

_MOST_VALUES = 1000
_INT64 = 1 << 63
_WORD = re.compile(r"([A-Za-z_]+):")
_FIXED_WORDS = frozenset(("state", "scope", "type"))
_NOT_OURS = frozenset(
    [
        "ne",
        "not",
        "ge",
        "le",
        "like",
        "ilike",
        "contains",
        "startswith",
        "endswith",
        "regex",
        "equals",
        "equal",
        "isnull",
        "null",
        "between",
        "notin",
        "not_in",
        "is",
    ]
)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition of a list. ``values`` are typed as the column is; ``null`` needs none."""

    field: str
    operator: str
    values: tuple[Any, ...] = ()


def parse_filter(kind: Kind, field: str, text: str) -> Filter:
    """Read one parameter of a request. Raises InputError: which parameter, which value, what is right."""
    column = _column(kind, field)
    operator, value = _split(field, column, text)
    if "\0" in value:
        raise _bad(field, value, "a text without NUL characters")
    allowed = _operators(column)
    if operator not in allowed:
        raise InputError(f"'{field}' cannot be filtered by '{operator}': choose from {', '.join(allowed)}")
    if isinstance(column, TagsField):
        return Filter(field, operator, (value,) if operator == "has" else _texts(value.split(",")))
    if isinstance(column, JsonField):
        return Filter(field, operator, (value,) if operator == "has" else _jsons(field, operator, value))
    parts = value.split(",") if operator in ("in", "nin") else [value]
    if len(parts) > _MOST_VALUES:
        raise InputError(f"'{field}' has {len(parts)} values to choose from: at most {_MOST_VALUES} are possible")
    return Filter(field, operator, tuple(_typed(column, field, part) for part in parts))


def filterable(kind: Kind) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What a list may be filtered by: of each attribute the type of its values, and the operators.

    The types are text, time, flag, number, JSON, tags.
    """
    names = (*kind.attributes, *(name for name in (TASK_NAME,) if name in kind.computed))
    columns = {name: _column(kind, name) for name in names}
    return {name: (_type(column), _operators(column)) for name, column in columns.items()}


def condition(kind: Kind, chosen: Filter, dialect: str) -> peewee.Expression:
    """Return the SQL condition of a filter. As in SQL, a row without a value meets no condition but ``null``."""
    column = _column(kind, chosen.field)
    if chosen.field == TASK_NAME and TASK_NAME not in kind.columns:
        inner = _compare(column, chosen, dialect)
        task = models.TaskExecution
        return kind.columns["task_execution_id"].in_(task.select(task.id).where(inner))
    return _compare(column, chosen, dialect)


def _column(kind: Kind, field: str) -> peewee.Field:
    if field == TASK_NAME and TASK_NAME in kind.computed:
        return models.TaskExecution._meta.fields["name"]
    return kind.columns[field]


def _split(field: str, column: peewee.Field, text: str) -> tuple[str, str]:
    word = _WORD.match(text)
    if word is None:
        return "eq", text
    name = word[1]
    if name in OPERATORS:
        return name, text[word.end() :]
    closed = field in _FIXED_WORDS or isinstance(column, TimeField | BigIntegerField | FlagField)
    closed |= isinstance(column, JsonField) and not isinstance(column, TagsField)
    if closed or name.lower() in OPERATORS or name.lower() in _NOT_OURS:
        raise InputError(
            f"Unknown filter operator '{name}' in '{field}={text[:100]}': choose from {', '.join(OPERATORS)}; "
            f"write '{field}=eq:…' for a value that begins like this"
        )
    return "eq", text


def _operators(column: peewee.Field) -> tuple[str, ...]:
    if isinstance(column, JsonField):
        return ("eq", "neq", "in", "nin", "has")
    if isinstance(column, FlagField):
        return ("eq", "neq", "in", "nin")
    if isinstance(column, BigIntegerField):
        return tuple(name for name in OPERATORS if name != "has")
    return OPERATORS


def _type(column: peewee.Field) -> str:
    types = {TagsField: "tags", JsonField: "JSON", FlagField: "flag", TimeField: "time", BigIntegerField: "number"}
    return next((name for cls, name in types.items() if isinstance(column, cls)), "text")


def _typed(column: peewee.Field, field: str, text: str) -> Any:
    if isinstance(column, TimeField):
        try:
            return parse_date(text)
        except ValueError as error:
            raise _bad(field, text, f"a date ({error})") from error
    if isinstance(column, FlagField):
        if text.strip().lower() not in _FLAGS:
            raise _bad(field, text, "true or false")
        return _FLAGS[text.strip().lower()]
    if isinstance(column, BigIntegerField):
        if not re.fullmatch(r"\s*[+-]?\d{1,19}\s*", text, re.ASCII) or not -_INT64 <= int(text) < _INT64:
            raise _bad(field, text, "a whole number of at most 64 bits")
        return int(text)
    return text


def _jsons(field: str, operator: str, text: str) -> tuple[str | None, ...]:
    source = f"[{text}]" if operator in ("in", "nin") else text
    try:
        value = json.loads(source)
        return tuple(json_text.canonical(each) for each in (value if operator in ("in", "nin") else [value]))
    except (ValueError, RecursionError) as error:
        raise _bad(field, text, f"JSON ({error})") from error


def _texts(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for part in parts if part.strip())


def _compare(column: peewee.Field, chosen: Filter, dialect: str) -> peewee.Expression:
    operator, values = chosen.operator, chosen.values
    if operator == "null":
        return column.is_null()
    if isinstance(column, TagsField):
        return _tags(column, operator, values, dialect)
    if isinstance(column, TimeField):
        return _dates(column, operator, values)
    if operator == "has":
        return _contains(column, values[0], dialect)
    if values[0] is None:
        return column.is_null(operator == "eq")
    if isinstance(column, JsonField):
        return _json(column, operator, values, dialect)
    given = [_value(value) for value in values]
    if operator == "in":
        return column.in_(given)
    if operator == "nin":
        return column.not_in(given)
    return _BINARY[operator](column, given[0])


def _json(column: JsonField, operator: str, values: Sequence[Any], dialect: str) -> peewee.Expression:
    each = [_json_equals(column, value, dialect) for value in values]
    if operator in ("eq", "in"):
        return reduce(or_, each, column.is_null() & column.is_null(False))
    return reduce(and_, [~one for one in each], column.is_null(False))


def _json_equals(column: JsonField, value: str, dialect: str) -> peewee.ColumnBase:
    """Whether a column's JSON equals that of a canonical text, whatever the order of keys."""
    if dialect == SQLITE:
        return getattr(fn, CANONICAL_TEXT)(column) == _value(value)
    as_text = column == _value(json_text.dump(json.loads(value)))
    if _BEYOND_JSONB.search(value):
        return as_text
    as_json = column.cast("jsonb") == peewee.Cast(_value(value), "jsonb")
    return peewee.Case(None, [(fn.STRPOS(column, "\\u") > 0, as_text)], as_json)


def _dates(column: TimeField, operator: str, spans: Sequence[Span]) -> peewee.Expression:
    first = spans[0]
    if operator in ("eq", "in"):
        return reduce(or_, [(column >= span.start) & (column < span.end) for span in spans])
    if operator in ("neq", "nin"):
        return reduce(and_, [(column < span.start) | (column >= span.end) for span in spans])
    return {
        "gt": column >= first.end,
        "gte": column >= first.start,
        "lt": column < first.start,
        "lte": column < first.end,
    }[operator]


def _tags(column: TagsField, operator: str, tags: Sequence[str], dialect: str) -> peewee.Expression:
    """``eq``: all of the tags, as in the reference; ``neq``: not all; ``in``: any; ``nin``: none; ``has``: this."""
    each = [_has_tag(column, tag, dialect) for tag in tags]
    if operator in ("eq", "has"):
        return reduce(and_, each, column.is_null(False))
    if operator == "in":
        return reduce(or_, each) if each else column.is_null() & column.is_null(False)
    if operator == "neq":
        return column.is_null(False) & ~reduce(and_, each, column.is_null(False))
    return reduce(and_, [~one for one in each], column.is_null(False))


def _has_tag(column: TagsField, tag: str, dialect: str) -> peewee.Expression:
    # Inside the JSON text, a quotation mark after a bracket or a comma begins an element: one that belongs to
    # a text has a backslash before it.
    element = json_text.dump(tag)
    return _contains(column, f"[{element}", dialect) | _contains(column, f",{element}", dialect)


def _contains(column: peewee.Field, text: str, dialect: str) -> peewee.Expression:
    find = fn.INSTR if dialect == SQLITE else fn.STRPOS
    return find(column, _value(text)) > 0


def _value(value: Any) -> peewee.Value:
    return peewee.Value(value, converter=False, unpack=False)


def _bad(field: str, value: str, right: str) -> InputError:
    return InputError(f"Invalid input for field/attribute {field}. Value: '{value[:100]}'. Expected {right}")


# PostgreSQL's jsonb takes neither NUL nor half a character.
_BEYOND_JSONB = re.compile(r"\\u(0000|[dD][89a-fA-F])")

_BINARY = {"eq": eq, "neq": ne, "gt": gt, "gte": ge, "lt": lt, "lte": le}
