"""The API over a real store in a file and the real actions; the engine is one that notes what it is asked."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from recording import RecordingEngine
from roles import World, furnish

from mistralish.actions import Registry
from mistralish.api import create_app
from mistralish.config import Settings
from mistralish.definitions import sync_system_actions
from mistralish.scheduler.maintenance import Maintenance
from mistralish.sealing import Sealer, new_key
from mistralish.store import Store, open_store


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
    return SimpleNamespace(registry=Registry(), settings=settings, sealer=Sealer((new_key(),)), **parts)


@pytest.fixture
def client(service: SimpleNamespace) -> FlaskClient:
    return create_app(service).test_client()


@pytest.fixture(scope="session")
def furnished(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("furnished") / "api.db"
    shutil.copy(template, path)
    store = open_store(f"sqlite:///{path}")
    furnish(store)
    store.close()
    return path


@pytest.fixture
def new_world(furnished: Path, tmp_path: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def new(**settings: Any) -> World:
        path = tmp_path / f"{len(made)}.db"
        shutil.copy(furnished, path)
        made.append(World(path, **settings))
        return made[-1]

    yield new
    for world in made:
        world.close()
