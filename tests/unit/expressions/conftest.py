"""What the expression tests share: a scope that answers from a table, and plug-in functions."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from mistralish.expressions import functions, sandbox


class FakeScope:
    """Answers with what it was asked, so that a test sees that every argument arrives."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def env(self) -> Mapping[str, Any]:
        return {"region": "north"}

    def task(self, name: str | None) -> dict[str, Any] | None:
        self.asked.append(("task", name))
        if name == "nowhere":
            return None
        return {"name": name or "current", "result": {"ids": [1, 2], "rows": [{"k": 1}, {"k": 2}]}, "state": "SUCCESS"}

    def tasks(
        self, workflow_execution_id: str | None, recursive: bool, state: str | None, flat: bool
    ) -> list[dict[str, Any]]:
        self.asked.append(("tasks", workflow_execution_id, recursive, state, flat))
        return [{"name": "a"}, {"name": "b"}]

    def execution(self) -> dict[str, Any]:
        return {"id": "e1", "name": "wf", "input": {"n": 1}}

    def executions(
        self, id: str | None, root_execution_id: str | None, state: str | None, from_time: Any, to_time: Any
    ) -> list[dict[str, Any]]:
        self.asked.append(("executions", id, root_execution_id, state, from_time, to_time))
        return [{"id": "e1"}, {"id": "e2"}]

    def global_(self, name: str) -> Any:
        return {"g": [1]}.get(name)


@pytest.fixture
def scope() -> FakeScope:
    return FakeScope()


class _Point:
    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self._function = function

    def load(self) -> Callable[..., Any]:
        return self._function


def _forget() -> None:
    functions.plug_ins.cache_clear()
    sandbox.stop()


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make functions look installed under the entry point group of expression functions."""

    def install(**installed: Callable[..., Any]) -> None:
        points = [_Point(name, function) for name, function in installed.items()]
        monkeypatch.setattr(functions, "entry_points", lambda group: points if group == functions.GROUP else [])
        _forget()

    yield install
    monkeypatch.undo()
    _forget()
