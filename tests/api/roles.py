"""A service that three projects use, and people of each: what the tests about who may do what have in common.

All that is there belongs to ``owners``; ``SECRET`` is in all of it. They share one workflow with ``members``.
"""

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Request
from rows import action_row, execution_row, task_row

from mistralish import lang
from mistralish.actions import Registry
from mistralish.api import create_app
from mistralish.config import Settings
from mistralish.engine import commands
from mistralish.engine.admissions import Admissions
from mistralish.engine.watchers import Watchers
from mistralish.errors import NotFoundError, UnauthorizedError
from mistralish.identity import Identity
from mistralish.scheduler.maintenance import Maintenance
from mistralish.sealing import Sealer, new_key
from mistralish.store import Changes, Store, Tenant, open_store

SECRET = "what-only-owners-may-read"
OWNERS = Tenant("owners")
WHO = {
    "stranger": Identity("strangers", "s", frozenset({"member"})),
    "member": Identity("members", "m", frozenset({"member"})),
    "owner": Identity("owners", "o", frozenset({"member", "author"})),
    "admin": Identity("admins", "a", frozenset({"admin"}), is_admin=True),
}
ANONYMOUS = "anonymous"

# Ids of what owners have.
FLOW, TIMED, EVENT = (f"00000000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))
IDS = {
    "workflow_id": FLOW,
    "member_id": "members",
    "workbooks": "book-id",
    "workflows": FLOW,
    "actions": "act-id",
    "environments": "env-id",
    "cron_triggers": "cron-id",
    "event_triggers": EVENT,
    "executions": "e",
    "tasks": "t",
    "action_executions": "a",
    "code_sources": "source-id",
    "dynamic_actions": "dynamic-id",
}
_DEFINITION = f"version: '2.0'\nflow:\n  description: {SECRET}\n  tasks:\n    t: {{action: std.noop}}\n"
_SPEC = dict(lang.parse_workflows(_DEFINITION)[0].data)


class ByHeader:
    """Takes the header ``X-Who`` for the caller; without it, nobody is known."""

    def identify(self, request: Request) -> Identity:
        who = request.headers.get("X-Who", ANONYMOUS)
        if who not in WHO:
            raise UnauthorizedError("Say who you are: X-Who")
        return WHO[who]


class ObedientEngine:
    """Notes what it does, and does nothing. As the real one, it starts only workflows that the project sees."""

    def __init__(self, store: Store) -> None:
        self.watchers = Watchers(1, None)
        self.admissions = Admissions()
        self._store = store
        self.done: list[Any] = []

    def call(self, command: Any, timeout: float = 60, project_id: str | None = None) -> Any:
        if isinstance(command, commands.StartExecution):
            tenant = Tenant(command.project_id)
            if self._store.find("workflow", command.workflow, tenant=tenant, namespace=command.namespace) is None:
                raise NotFoundError(f"Workflow not found [workflow_identifier={command.workflow}]")
        elif not isinstance(command, commands.RunAction):
            assert project_id == "owners", f"{command} is not held to the project whose row was checked"
        self.done.append(command)
        if isinstance(command, commands.RunAction):
            return action_row("new", None, state="SUCCESS", project_id=command.project_id)
        if hasattr(command, "action_id"):
            return action_row(command.action_id, None, project_id=project_id)
        return (
            execution_row(command.execution_id, project_id=project_id or command.project_id)
            if hasattr(command, "execution_id")
            else None
        )


class World:
    """An application over a copy of the furnished database."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self._path = path
        self.store = open_store(f"sqlite:///{path}")
        self.engine = ObedientEngine(self.store)
        service = SimpleNamespace(
            store=self.store,
            engine=self.engine,
            registry=Registry(),
            maintenance=Maintenance(self.store, self.engine),
            settings=Settings(auth="tokens", dynamic_actions=True, **settings),
            sealer=Sealer((new_key(),)),
            readiness=SimpleNamespace(problems=list),
            metrics=lambda requests: b"",
        )
        self.app = create_app(service, ByHeader())  # type: ignore[arg-type]
        self._client = self.app.test_client()

    def ask(self, who: str, method: str, path: str, **options: Any) -> Any:
        """The answer to a request that ``who`` makes."""
        return self._client.open(path, method=method, headers={"X-Who": who}, **options)

    def state(self) -> Any:
        """All that is kept, and all that the engine has done."""
        with sqlite3.connect(self._path) as database:
            names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            rows = {name: sorted(map(repr, database.execute(f'SELECT * FROM "{name}"'))) for name in names}
        return rows, list(self.engine.done)

    def close(self) -> None:
        self.store.close()


def furnish(store: Store) -> None:
    """Give ``owners`` one thing of every kind, and share one workflow."""

    def make(kind: str, identifier: str, name: str, **values: Any) -> None:
        store.create(kind, {"id": identifier, "name": name, **values}, tenant=OWNERS)

    for identifier, name in ((FLOW, "flow"), (TIMED, "timed")):
        make("workflow", identifier, name, definition=_DEFINITION, spec=_SPEC)
    store.create_member("workflow", FLOW, "members", tenant=OWNERS)
    store.update_member("workflow", FLOW, "members", "accepted", tenant=Tenant("members"))
    make("workbook", "book-id", "book", definition=_DEFINITION, spec={})
    make("action", "act-id", "act", definition=_DEFINITION, spec={}, is_system=False)
    make("environment", "env-id", "env", variables={"v": SECRET})
    workflow = {"workflow_id": TIMED, "workflow_input": {"v": SECRET}, "workflow_params": {}}
    make(
        "cron_trigger",
        "cron-id",
        "cron",
        workflow_name="timed",
        next_execution_time=10**17,
        pattern="@daily",
        **workflow,
    )
    make("event_trigger", EVENT, "trigger", workflow_namespace="", exchange="x", topic="t", event="e", **workflow)
    make("code_source", "source-id", "source", content=f"# {SECRET}", version=1)
    make(
        "dynamic_action",
        "dynamic-id",
        "dynamic",
        class_name=SECRET,
        code_source_id="source-id",
        code_source_name="source",
    )
    mine = {"project_id": "owners"}
    rows = [
        execution_row("e", input={"v": SECRET}, description=SECRET, spec_id="s", **mine),
        task_row("t", "e", state="ERROR", published={"v": SECRET}, **mine),
        task_row("w", "e", type="WORKFLOW", published={"v": SECRET}, **mine),
        execution_row("below", task_execution_id="w", root_execution_id="e", description=SECRET, **mine),
        action_row("of-task", "t", workflow_execution_id="e", input={"v": SECRET}, **mine),
        action_row("a", None, state="SUCCESS", input={"v": SECRET}, **mine),
    ]
    with store.turn(["e", "a"]) as turn:
        turn.save(Changes(insert=rows, specs={"s": _SPEC}))
