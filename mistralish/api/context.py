"""What a request works with: the parts of the service, and on whose behalf it runs."""

from typing import Any, Protocol, cast

from flask import Flask, current_app

from mistralish.actions.registry import Registry
from mistralish.config import Settings
from mistralish.store import Store, Tenant

_KEY = "mistralish"


class Engine(Protocol):
    """What the API needs of the engine."""

    def call(self, command: Any, timeout: float = 60) -> Any:
        """Decide ``command`` and answer once that is committed; raises the command's MistralishError."""


class Service(Protocol):
    """The parts that the API joins to HTTP. ``scheduler`` may be missing; then nobody is woken."""

    @property
    def store(self) -> Store:
        """Where everything is kept."""

    @property
    def engine(self) -> Engine:
        """What decides."""

    @property
    def registry(self) -> Registry:
        """Which actions there are."""

    @property
    def settings(self) -> Settings:
        """What the service runs with."""


def attach(app: Flask, service: Service) -> None:
    """Give ``app`` the service whose parts its requests use."""
    app.extensions[_KEY] = service


def service() -> Service:
    """The service of the current request."""
    return cast(Service, current_app.extensions[_KEY])


def store() -> Store:
    """The store of the current request."""
    return service().store


def call_engine(command: Any) -> Any:
    """Have the engine decide ``command``; what it answers. Raises the command's MistralishError."""
    return service().engine.call(command)


def wake_scheduler() -> None:
    """Tell the scheduler, where there is one, that the next due time may have changed."""
    scheduler = getattr(service(), "scheduler", None)
    if scheduler is not None:
        scheduler.wake()


def tenant() -> Tenant:
    """On whose behalf the current request runs."""
    return Tenant(service().settings.project_id)
