"""Query arguments of lists: those that every list has, and a filter for each attribute."""

from collections.abc import Iterable
from typing import Any

from mistralish.api.contract import Contract
from mistralish.store.filters import filterable
from mistralish.store.kinds import kind_of

_BOOLEAN = {"type": "string", "enum": ["true", "false", "1", "0", "yes", "no", "on", "off", ""]}
_VALUES = {
    "text": "text",
    "time": "a time such as 2030-01-31, 2030-01-31 12:00 or 2030-01-31T12:00:00, in UTC",
    "flag": "true or false",
    "number": "a whole number",
    "JSON": "JSON (has: part of its text)",
    "tags": "tags, separated by commas",
}
_TIME = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?"
_FORMS = {"time": _TIME, "flag": "(true|false|1|0)", "number": "[+-]?[0-9]{1,18}"}


def list_parameters(contract: Contract) -> list[dict[str, Any]]:
    """The query arguments of a list of ``contract.kind``."""
    if contract.kind is None:
        return []
    kind = kind_of(contract.kind)
    nullable = [name for name in kind.attributes if kind.columns[name].null]
    controls = [
        _parameter("limit", "Most rows in a page.", {"type": "integer", "minimum": 1}),
        _parameter("marker", "The id of the row after which the page begins.", {"type": "string"}),
        _parameter("position", "Where that row was; only in next links, beside marker.", {"type": "string"}),
        names_parameter("sort_keys", "Attributes to sort by.", kind.attributes),
        names_parameter("sort_dirs", "Directions for sort_keys; asc unless given.", ("asc", "desc")),
        fields_parameter(contract),
        names_parameter("nulls", "Only rows that have no value in these attributes.", nullable),
        _parameter("include_output", "Whether to show output, where the rows have one.", _BOOLEAN),
        _parameter("all_projects", "Whether to list every project's rows.", _BOOLEAN),
    ]
    return controls + [_filter(name, *found) for name, found in filterable(kind).items()]


def fields_parameter(contract: Contract) -> dict[str, Any]:
    """The query argument that says which attributes of ``contract.answers`` to show."""
    schema = contract.answers
    assert schema is not None
    return names_parameter("fields", "Attributes to show; id always is.", schema().fields)


def names_parameter(name: str, description: str, choices: Iterable[str]) -> dict[str, Any]:
    """A query argument that is a list of names, separated by commas; empty, it is as if it were not there."""
    schema = {"type": "array", "items": {"type": "string", "enum": [*choices, ""]}}
    return {**_parameter(name, description, schema), "style": "form", "explode": False}


def _filter(name: str, values: str, operators: tuple[str, ...]) -> dict[str, Any]:
    described = f"Filter: {_VALUES[values]}, after one of {', '.join(f'{op}:' for op in operators)}; eq unless given."
    parameter = _parameter(name, described, {"type": "string", **_form(values, operators)})
    return {**parameter, "x-filter-type": values, "x-filter-operators": list(operators)}


def _form(values: str, operators: tuple[str, ...]) -> dict[str, str]:
    if values not in _FORMS:
        return {}
    one = "|".join(name for name in operators if name not in ("in", "nin", "has"))
    value = _FORMS[values]
    return {"pattern": f"^((({one}):)?{value}|(in|nin):{value}(,{value})*)$"}


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
