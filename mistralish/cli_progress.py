"""What a run's tasks are doing, as lines on standard error."""

import sys
from typing import Any, TextIO

import click

from mistralish import states
from mistralish.masking import mask_text
from mistralish.store import Store, Tenant, parse_query

_PAGE = 100
_COLOURS = {states.SUCCESS: "green", states.ERROR: "red", states.CANCELLED: "yellow", states.PAUSED: "yellow"}
_SECOND = 1_000_000


class Progress:
    """Tells when each task of the store starts and ends, its state and how long it took.

    Ids of tasks sort by the time they were made: the last id seen is where the next look goes on.
    """

    def __init__(self, store: Store, tenant: Tenant, out: TextIO = sys.stderr) -> None:
        self._store = store
        self._tenant = tenant
        self._out = out
        self._last: str | None = None
        self._unfinished: dict[str, str] = {}

    def show(self) -> None:
        """Print a line for each task that began, changed its state or ended since the last call."""
        ids = list(self._unfinished)
        for start in range(0, len(ids), _PAGE):
            self._read({"id": "in:" + ",".join(ids[start : start + _PAGE])})
        while True:
            page = self._read({"marker": self._last} if self._last else {})
            if page is None:
                return

    def _read(self, arguments: dict[str, str]) -> str | None:
        query = parse_query("task", {"sort_keys": "id", "limit": str(_PAGE), **arguments})
        page = self._store.list("task", query, tenant=self._tenant)
        for task in page.items:
            self._last = max(self._last or "", task["id"])
            self._tell(task)
        return page.marker

    def _tell(self, task: dict[str, Any]) -> None:
        if self._unfinished.get(task["id"]) == task["state"]:
            return
        if states.is_completed(task["state"]):
            self._unfinished.pop(task["id"], None)
        else:
            self._unfinished[task["id"]] = task["state"]
        self._line(task)

    def _line(self, task: dict[str, Any]) -> None:
        state = click.style(f"{task['state']:<9}", fg=_COLOURS.get(task["state"]))
        took = ""
        if task["finished_at"] and task["started_at"]:
            took = f"  {(task['finished_at'] - task['started_at']) / _SECOND:.3f} s"
        click.echo(f"{state} {task['workflow_name']}/{task['name']}{took}", file=self._out)
        if task["state"] == states.ERROR and task["state_info"]:
            click.echo(f"          {mask_text(task['state_info']).splitlines()[0]}", file=self._out)
