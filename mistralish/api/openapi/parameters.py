"""Query arguments of lists: those that every list has, and a filter for each attribute."""

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
        _parameter("sort_keys", f"Attributes to sort by, separated by commas: {', '.join(kind.attributes)}."),
        _parameter("sort_dirs", "asc or desc for each of sort_keys, separated by commas; asc unless given."),
        _parameter("fields", "Attributes to show, separated by commas; id always is."),
        _parameter("nulls", f"Only rows without these, separated by commas: {', '.join(nullable)}."),
        _parameter("include_output", "Whether to show output, where the rows have one.", _BOOLEAN),
        _parameter("all_projects", "Whether to list every project's rows.", _BOOLEAN),
    ]
    return controls + [_filter(name, *found) for name, found in filterable(kind).items()]


def _filter(name: str, values: str, operators: tuple[str, ...]) -> dict[str, Any]:
    described = f"Filter: {_VALUES[values]}, after one of {', '.join(f'{op}:' for op in operators)}; eq unless given."
    parameter = _parameter(name, described)
    return {**parameter, "x-filter-type": values, "x-filter-operators": list(operators)}


def _parameter(name: str, description: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema or {"type": "string"},
    }
