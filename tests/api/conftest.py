"""The API over a real store in a file and the real actions; the engine is one that notes what it is asked."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from rows import execution_row

from mistralish.actions import Registry
from mistralish.api import create_app
from mistralish.config import Settings
from mistralish.definitions import sync_system_actions
from mistralish.engine import commands
from mistralish.scheduler.maintenance import Maintenance
from mistralish.store import Changes, Store, Tenant, open_store

PROJECT = Settings().project_id


@dataclass
class RecordingEngine:
    """Notes every command. Answers ``answer``, or raises it; starts an execution by keeping its row."""

    store: Store
    answer: Any = None
    commands: list[Any] = field(default_factory=list)

    def call(self, command: Any, timeout: float = 60) -> Any:
        self.commands.append(command)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None and isinstance(command, commands.StartExecution):
            workflow = self.store.get(
                "workflow", command.workflow, tenant=Tenant(command.project_id), namespace=command.namespace
            )
            row = execution_row(
                command.execution_id,
                workflow_name=workflow["name"],
                workflow_id=workflow["id"],
                input=command.input,
                description=command.description,
                params={**command.params, "namespace": command.namespace},
            )
            keep(self.store, row)
            return row
        return self.answer


def keep(store: Store, *rows: Any, specs: dict[str, Any] | None = None) -> None:
    """Write rows of running work as a turn does."""
    roots = {getattr(row, "root_execution_id", None) or row.id for row in rows}
    with store.turn(roots) as turn:
        turn.save(Changes(insert=rows, specs=specs or {}))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that holds the system actions and nothing else, to be copied: quicker than making it each time."""
    path = tmp_path_factory.mktemp("template") / "api.db"
    store = open_store(f"sqlite:///{path}")
    store.upgrade()
    sync_system_actions(store, Registry().all())
    store.close()
    return path


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    for part in template.parent.iterdir():
        shutil.copy(part, tmp_path / part.name)
    store = open_store(f"sqlite:///{tmp_path}/api.db")
    yield store
    store.close()


@pytest.fixture
def engine(store: Store) -> RecordingEngine:
    return RecordingEngine(store)


@pytest.fixture
def service(store: Store, engine: RecordingEngine) -> SimpleNamespace:
    wakings: list[None] = []
    scheduler = SimpleNamespace(wake=lambda: wakings.append(None), wakings=wakings)
    settings = Settings(max_body_bytes=100_000, default_limit=1000, max_limit=1000, dynamic_actions=True)
    maintenance = Maintenance(store, engine)
    parts = {"store": store, "engine": engine, "scheduler": scheduler, "maintenance": maintenance}
    return SimpleNamespace(registry=Registry(), settings=settings, **parts)


@pytest.fixture
def client(service: SimpleNamespace) -> FlaskClient:
    return create_app(service).test_client()
