"""A database that holds many finished executions: does it slow down what runs, or what is listed?"""

import json
import random
import statistics
import time
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from benchmarks import rates
from benchmarks.client import Client
from benchmarks.figures import Figure, percentile
from benchmarks.service import running, sqlite_url
from mistralish.config import Settings
from mistralish.ids import new_id
from mistralish.records import ActionExecution, HistoryEvent, TaskExecution, WorkflowExecution
from mistralish.store import Changes, open_store
from mistralish.store.changes import Record
from mistralish.store.filters import filterable
from mistralish.store.indexes import LONG_TEXTS
from mistralish.store.kinds import kind_of

_SLOWER_PERCENT = 15.0
_PAGE_MS, _GET_MS = 20.0, 5.0
_AT_ONCE = 2_000
_SAMPLES = 40
_FEW_SAMPLES = 3
# Two processes of the same code differ by a tenth, for as long as they live.
_PROCESSES = 5
_WORKFLOWS, _PROJECT = 50, Settings().project_id
_BEGIN = 1_700_000_000_000_000
_STATES = ("SUCCESS",) * 17 + ("ERROR", "ERROR", "CANCELLED")
_LISTS = {"executions": "execution", "tasks": "task", "action_executions": "action_execution"}
_RANGES = ("gt", "gte", "lt", "lte")


def seed(folder: Path, executions: int) -> None:
    """Write so many finished executions, each with a task, an action and its history, into a new database."""
    store = open_store(sqlite_url(folder))
    store.upgrade()
    chance = random.Random(1)
    for first in range(0, executions, _AT_ONCE):
        rows: list[Record] = []
        history: list[HistoryEvent] = []
        for at in range(first, min(first + _AT_ONCE, executions)):
            _add(rows, history, at, chance)
        with store.turn([]) as turn:
            turn.save(Changes(insert=rows, history=history))
    store.close()


def _add(rows: list[Record], history: list[HistoryEvent], at: int, chance: random.Random) -> None:
    number, state, now = chance.randrange(_WORKFLOWS), chance.choice(_STATES), _BEGIN + at * 1000
    workflow = {"workflow_name": f"flow_{number}", "workflow_id": f"00000000-0000-7000-8000-{number:012d}"}
    common: dict[str, Any] = {
        **workflow,
        "state": state,
        "project_id": _PROJECT,
        "tags": ["rare" if at % 50_000 == 0 else f"team-{number}", "nightly"] if at % 10 == 0 else [],
        "created_at": now,
        "updated_at": now + 500,
    }
    info = f"Failure {at}" if state == "ERROR" else None
    execution = WorkflowExecution(
        id=new_id(), name=workflow["workflow_name"], spec_id="none", state_info=info,
        accepted=True, description=f"order {at}" if at % 10 == 0 else "",
        input={"order": at}, output={"total": at * 2}, **common,
    )  # fmt: skip
    task = TaskExecution(
        id=new_id(), name=f"task_{at % 7}", workflow_execution_id=execution.id, processed=True, state_info=info,
        published={"total": at * 2}, started_at=now + 10, finished_at=now + 400, **common,
    )  # fmt: skip
    action = ActionExecution(
        id=new_id(), name=f"std.echo{at % 5}", task_execution_id=task.id, workflow_execution_id=execution.id,
        accepted=True, is_sync=True, input={"output": at}, output={"result": at}, **common,
    )  # fmt: skip
    rows += [execution, task, action]
    history += [
        HistoryEvent(execution.id, seq, now + seq, kind, {"state": state})
        for seq, kind in enumerate(("execution", "task", "action", "task", "execution"), start=1)
    ]


def measure(folder: Path, empty_folder: Path, executions: int, scale: int) -> list[Figure]:
    """Rates beside those of an empty store, and the times of pages and single reads."""
    began = time.perf_counter()
    seed(folder, executions)
    seeded = time.perf_counter() - began
    compared = []
    for _ in range(_PROCESSES):
        with running(folder) as service, running(empty_folder) as empty:
            compared.append(rates.compare(empty.client, service.client, scale))
    ratios = {name: statistics.median(each[name] for each in compared) for name in compared[0]}
    with running(folder) as service:
        figures = [Figure(f"{executions:,} stored: seconds to write them", seeded, "s")]
        figures += [
            Figure(
                f"{executions:,} stored: {name[2:]}, slower by",
                100 * (1 - ratio),
                "%",
                _SLOWER_PERCENT,
                False,
            )
            for name, ratio in ratios.items()
        ]
        for collection in _LISTS:
            figures += _pages(service.client, collection)
        figures.append(_single_reads(service.client))
    return figures


def _pages(client: Client, collection: str) -> list[Figure]:
    rows = _some_rows(client, collection)
    filters = filterable(kind_of(_LISTS[collection]))
    by_query = _times(client, _queries(collection, rows, filters))
    without_index = _times(client, _queries(collection, rows[:_FEW_SAMPLES], filters, indexed=False))
    worst, slow = (max(each, key=lambda query: max(each[query])) for each in (by_query, without_index))
    what = f"page of 100 {collection} by one filter or key, p99"
    return [
        Figure(what, percentile(list(chain(*by_query.values())), 99), "ms", _PAGE_MS, False),
        Figure(f"of these the slowest: {worst}, worst of {len(by_query[worst])}", max(by_query[worst]), "ms"),
        Figure(f"without an index: {slow}, worst", max(without_index[slow]), "ms"),
    ]


def _times(client: Client, queries: Iterator[tuple[str, str]]) -> dict[str, list[float]]:
    """How long each query took, in milliseconds, by what it asks for."""
    found: dict[str, list[float]] = {}
    for query, path in queries:
        began = time.perf_counter()
        client.call("GET", path)
        found.setdefault(query, []).append(1e3 * (time.perf_counter() - began))
    return found


def _queries(
    collection: str,
    rows: list[dict[str, Any]],
    filters: Mapping[str, tuple[str, tuple[str, ...]]],
    indexed: bool = True,
) -> Iterator[tuple[str, str]]:
    """Every filter, with values that rows have, and every sort key; from the start and from amid.

    Or, not ``indexed``, the filters that no index can answer; ARCHITECTURE.md tells which these are.
    """
    base = f"/{collection}?limit=100"
    for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
        for name, (kind, operators) in filters.items():
            values = [_as_filter(each.get(name)) for each in (row, other)]
            for operator in operators:
                if values[0] is None or _has_index(name, kind, operator) is not indexed:
                    continue
                text = quote(",").join(each for each in values if each) if operator in ("in", "nin") else values[0]
                if operator == "has" and kind != "tags":
                    text = _piece(text)
                asked = f"{base}&{name}={operator}:{text}"
                yield f"{collection}?{name}={operator}:", asked
                yield f"{collection}?{name}={operator}:, deep", f"{asked}&marker={row['id']}"
            for direction in ("asc", "desc") if indexed and name in row else ():
                sort = f"{base}&sort_keys={name}&sort_dirs={direction}"
                yield f"{collection} by {name} {direction}", sort
                yield f"{collection} by {name} {direction}, deep", f"{sort}&marker={row['id']}"


def _has_index(name: str, kind: str, operator: str) -> bool:
    if kind == "JSON":
        return operator in ("eq", "in")
    is_long = name == "id" or name.endswith("execution_id") or name in LONG_TEXTS
    return not (is_long and operator in (*_RANGES, "has"))


def _piece(text: str) -> str:
    """The middle of a value, as somebody would look for who knows no more of it."""
    whole = unquote(text)
    return quote(whole[len(whole) // 3 : len(whole) * 2 // 3 + 1])


def _some_rows(client: Client, collection: str) -> list[dict[str, Any]]:
    chance, rows = random.Random(2), []
    last = client.call("GET", f"/{collection}?limit=1&sort_keys=created_at&sort_dirs=desc&fields=id")[collection][0]
    for _ in range(_SAMPLES):
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime((_BEGIN + chance.randrange(10**9)) // 10**6))
        found = client.call("GET", f"/{collection}?limit=1&created_at=gte:{quote(at)}")[collection]
        rows.append(client.call("GET", f"/{collection}/{(found[0] if found else last)['id']}"))
    return rows


def _as_filter(value: Any) -> str | None:
    if value is None or value in ("", []):
        return None
    if isinstance(value, list):
        return quote(str(value[0]))
    return quote(
        str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else json.dumps(value)
    )


def _single_reads(client: Client) -> Figure:
    identifiers = [row["id"] for row in _some_rows(client, "executions")] * 5
    times = []
    for identifier in identifiers:
        began = time.perf_counter()
        client.call("GET", f"/executions/{identifier}")
        times.append(1e3 * (time.perf_counter() - began))
    return Figure("one execution by its id, p99", percentile(times, 99), "ms", _GET_MS, False)
