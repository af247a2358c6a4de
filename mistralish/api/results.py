"""A task's result: not kept with the task, but with what it ran."""

import json
from collections.abc import Mapping
from typing import Any

from mistralish.api.lists import owner, read_all
from mistralish.store.filters import Filter

_COLUMNS = ("id", "accepted", "output", "runtime_context")


def result_text(task: Mapping[str, Any]) -> str:
    """The result of a stored task as JSON text: its action's or workflow's; for with-items, the list of all that count.

    Source: the reference's GET of one task.
    """
    kind = "execution" if task["type"] == "WORKFLOW" else "action_execution"
    children = read_all(kind, (Filter("task_execution_id", "eq", (task["id"],)),), of=owner(task), columns=_COLUMNS)
    counted = sorted((child for child in children if child["accepted"]), key=_index)
    results = [_result(kind, child) for child in counted]
    is_list = "with_items" in (task["runtime_context"] or {}) or len(results) != 1
    return json.dumps(results if is_list else results[0])


def _index(child: Mapping[str, Any]) -> int:
    return int((child["runtime_context"] or {}).get("index") or 0)


def _result(kind: str, child: Mapping[str, Any]) -> Any:
    output = child["output"]
    if kind == "execution":
        return output
    return output.get("result") if output else None
