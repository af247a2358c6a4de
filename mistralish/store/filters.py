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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any

import peewee
from peewee import SQL, BigIntegerField, fn

from mistralish.errors import InputError
from mistralish.json_reader import read_json
from mistralish.store import json_text, models
from mistralish.store.connection import CANONICAL_TEXT, SQLITE
from mistralish.store.data_keys import data_slot
from mistralish.store.dates import Span, parse_date
from mistralish.store.fields import DataKeyField, DataSlotField, FlagField, JsonField, TagsField, TimeField
from mistralish.store.indexes import is_flag
from mistralish.store.kinds import Kind

OPERATORS = ("eq", "neq", "in", "nin", "gt", "gte", "lt", "lte", "has")

TASK_NAME = "task_name"
"""An attribute of action executions that is looked for in their tasks."""

_MOST_VALUES = 1000
# Where each value is a condition of its own: databases bound how deep conditions may be nested.
_MOST_CONDITIONS = 100
# Up to so many values stand in the statement itself. SQLite's connections keep statements, each of another length by
# itself: with many values, a client's queries alone would fill hundreds of MiB.
_FEW = 20
_INT64 = 1 << 63
_WORD = re.compile(r"([A-Za-z_]+):")
_FIXED_WORDS = frozenset(("state", "scope", "type"))
_NOT_OURS = frozenset((
    "ne", "not", "ge", "le", "like", "ilike", "contains", "startswith", "endswith",
    "regex", "equals", "equal", "isnull", "null", "between", "notin", "not_in", "is",
))  # fmt: skip
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
    values = _values(column, field, operator, value)
    most = _MOST_CONDITIONS if isinstance(column, JsonField | TimeField) else _MOST_VALUES
    if len(values) > most:
        raise InputError(f"'{field}' has {len(values)} values to choose from: at most {most} are possible")
    return Filter(field, operator, values)


def filterable(kind: Kind) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What a list may be filtered by: of each attribute the type of its values, and the operators.

    The types are text, time, flag, number, JSON, tags.
    """
    names = (*kind.attributes, *(name for name in (TASK_NAME,) if name in kind.computed))
    columns = {name: _column(kind, name) for name in names}
    return {name: (_type(column), _operators(column)) for name, column in columns.items()}


def condition(kind: Kind, chosen: Filter, dialect: str) -> peewee.ColumnBase:
    """Return the SQL condition of a filter. As in SQL, a row without a value meets no condition but ``null``."""
    column = _column(kind, chosen.field)
    if chosen.field == TASK_NAME and TASK_NAME not in kind.columns:
        inner = _compare(column, chosen, dialect)
        task = models.TaskExecution
        return kind.columns["task_execution_id"].in_(task.select(task.id).where(inner))
    key = kind.keys.get(chosen.field)
    if key is not None and chosen.operator != "has" and not isinstance(column, TagsField):
        return _by_key(key, kind.slots.get(chosen.field), column, chosen)
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


def _values(column: peewee.Field, field: str, operator: str, text: str) -> tuple[Any, ...]:
    if isinstance(column, TagsField):
        return (text,) if operator == "has" else _texts(text.split(","))
    if isinstance(column, JsonField):
        return (text,) if operator == "has" else _jsons(field, operator, text)
    parts = text.split(",") if operator in ("in", "nin") else [text]
    return tuple(_typed(column, field, part) for part in parts)


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
        value = read_json(source, any_character=True)
        return tuple(json_text.canonical(each) for each in (value if operator in ("in", "nin") else [value]))
    except ValueError as error:
        raise _bad(field, text, f"JSON ({error})") from error


def _texts(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for part in parts if part.strip())


def _compare(column: peewee.Field, chosen: Filter, dialect: str) -> peewee.ColumnBase:
    operator, values = chosen.operator, chosen.values
    if operator == "null":
        return column.is_null()
    if isinstance(column, TagsField):
        return _tags(column, operator, values, dialect)
    if isinstance(column, TimeField):
        return _dates(column, operator, values)
    if operator == "has":
        return _contains(column, values[0], dialect)
    if operator in ("eq", "neq") and values[0] is None:
        return column.is_null(operator == "eq")
    if isinstance(column, JsonField):
        return _json(column, operator, values, dialect)
    if isinstance(column, FlagField):
        return _flag(column, operator, values)
    given = _together(values) if dialect == SQLITE and len(values) > _FEW else [_value(value) for value in values]
    if operator == "in":
        return column.in_(given)
    if operator == "nin":
        return column.not_in(given)
    return _BINARY[operator](column, given[0])


def _together(values: Sequence[str | int]) -> peewee.SQL:
    return peewee.SQL("(SELECT value FROM json_each(?))", (json.dumps(values),))


def _flag(column: FlagField, operator: str, values: Sequence[bool]) -> peewee.ColumnBase:
    wanted = set(values) if operator in ("eq", "in") else {True, False} - set(values)
    return joined(or_, [is_flag(column, value) for value in sorted(wanted)] or [_never(column)])


def _json(column: JsonField, operator: str, values: Sequence[Any], dialect: str) -> peewee.ColumnBase:
    each = [_json_equals(column, value, dialect) for value in values]
    if operator in ("eq", "in"):
        return joined(or_, each or [_never(column)])
    return joined(and_, [column.is_null(False), *(~one for one in each)])


def _json_equals(column: peewee.Field, value: str | None, dialect: str) -> peewee.ColumnBase:
    """Whether a column's JSON equals that of a canonical text, whatever the order of keys."""
    if value is None:
        return column.is_null()
    text = json_text.dump(json.loads(value))
    if dialect == SQLITE:
        same = getattr(fn, CANONICAL_TEXT)(column) == _value(value)
        # The order of keys does not change how long a text is, and to decode each row's costs a hundred times as much.
        # A text with a blank in front was written by another library (see ``json_text``), in its own way.
        alike = (fn.LENGTH(column) == len(text or "")) | (fn.SUBSTR(column, 1, 1) == " ")
        return peewee.Case(None, [(alike, same)], SQL("FALSE"))
    as_text = column == _value(text)
    if _BEYOND_JSONB.search(value):
        return as_text
    as_json = column.cast("jsonb") == peewee.Cast(_value(value), "jsonb")
    return peewee.Case(None, [(fn.STRPOS(column, "\\u") > 0, as_text)], as_json)


def _by_key(key: DataKeyField, slot: DataSlotField | None, column: peewee.Field, chosen: Filter) -> peewee.ColumnBase:
    """The condition that a column's JSON is, or is not, one of some values, by its key: that needs no value's text.

    Values without a key are few, and so are the texts of each.
    """
    values = (None,) if chosen.operator == "null" else chosen.values
    wanted = [None if value is None else json.loads(value) for value in values]
    found = [(value, key.key(value)) for value in wanted]
    keys = list(dict.fromkeys(one for _, one in found if one is not None))
    usual = list(dict.fromkeys(text for value, one in found if one is None for text in _texts_of(value)))
    if chosen.operator in ("neq", "nin"):
        others = [key.is_null() | key.not_in([_value(one) for one in keys])] if keys else []
        if usual:
            others.append(key.is_null(False) | column.not_in([_value(text) for text in usual]))
        return joined(and_, [column.is_null(False), *others])
    each = [key == _value(one) for one in keys]
    if slot is not None:
        each = [(slot == _value(data_slot(one))) & is_key for one, is_key in zip(keys, each, strict=True)]
    if usual:
        each.append(key.is_null() & column.in_([_value(text) for text in usual]))
    return joined(or_, each or [_never(key)])


def _texts_of(value: Any) -> list[str]:
    """The JSON texts that a small value may have in the database, by the order of its keys."""
    alike = [dict(items) for items in permutations(value.items())] if isinstance(value, dict) else [value]
    return [str(json_text.dump(each)) for each in alike]


def _dates(column: TimeField, operator: str, spans: Sequence[Span]) -> peewee.ColumnBase:
    first = spans[0]
    if operator in ("eq", "in"):
        return joined(or_, [(column >= span.start) & (column < span.end) for span in spans])
    if operator in ("neq", "nin"):
        return joined(and_, [(column < span.start) | (column >= span.end) for span in spans])
    return {
        "gt": column >= first.end,
        "gte": column >= first.start,
        "lt": column < first.start,
        "lte": column < first.end,
    }[operator]


def _tags(column: TagsField, operator: str, tags: Sequence[str], dialect: str) -> peewee.ColumnBase:
    """``eq``: all of the tags, as in the reference; ``neq``: not all; ``in``: any; ``nin``: none; ``has``: this."""
    each = [_has_tag(column, tag, dialect) for tag in tags]
    if operator in ("eq", "has"):
        return joined(and_, [column.is_null(False), *each])
    if operator == "in":
        return joined(or_, each or [_never(column)])
    if operator == "neq":
        return column.is_null(False) & ~joined(and_, [column.is_null(False), *each])
    return joined(and_, [column.is_null(False), *(~one for one in each)])


def _has_tag(column: TagsField, tag: str, dialect: str) -> peewee.ColumnBase:
    # Inside the JSON text, a quotation mark after a bracket or a comma begins an element: one that belongs to
    # a text has a backslash before it.
    element = json_text.dump(tag)
    return _contains(column, f"[{element}", dialect) | _contains(column, f",{element}", dialect)


def _contains(column: peewee.Field, text: str, dialect: str) -> peewee.ColumnBase:
    find = fn.INSTR if dialect == SQLITE else fn.STRPOS
    return find(column, _value(text)) > 0


def _never(column: peewee.Field) -> peewee.ColumnBase:
    return column.is_null() & column.is_null(False)


def joined(operation: Callable[[Any, Any], Any], conditions: Sequence[Any]) -> Any:
    """The conditions with ``operation`` between them, as a tree that is no deeper than need be: SQLite bounds that."""
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return operation(joined(operation, conditions[:middle]), joined(operation, conditions[middle:]))


def _value(value: Any) -> peewee.Value:
    return peewee.Value(value, converter=False, unpack=False)


def _bad(field: str, value: str, right: str) -> InputError:
    return InputError(f"Invalid input for field/attribute {field}. Value: '{value[:100]}'. Expected {right}")


# PostgreSQL's jsonb takes neither NUL nor half a character.
_BEYOND_JSONB = re.compile(r"\\u(0000|[dD][89a-fA-F])")

_BINARY = {"eq": eq, "neq": ne, "gt": gt, "gte": ge, "lt": lt, "lte": le}
