"""What a request works with: the parts of the service, and on whose behalf it runs."""

from typing import Any, Protocol, cast

from flask import Flask, current_app

from mistralish.actions.registry import Registry
from mistralish.config import Settings
from mistralish.errors import ForbiddenError
from mistralish.scheduler.maintenance import Maintenance
from mistralish.store import Store, Tenant

_KEY = "mistralish"


class Engine(Protocol):
    """What the API needs of the engine."""

    def call(self, command: Any, timeout: float = 60) -> Any:
        """Decide ``command`` and answer once that is committed; raises the command's MistralishError."""


class Service(Protocol):
    """The parts that the API joins to HTTP. ``scheduler`` and ``listeners`` may be missing: then nobody is woken."""

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
    def maintenance(self) -> Maintenance:
        """What changes the mode of the service."""

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


def wake_listeners() -> None:
    """Tell those who listen for events, where there are any, that the triggers have changed."""
    listeners = getattr(service(), "listeners", None)
    if listeners is not None:
        listeners.wake()


def maintenance() -> Maintenance:
    """What changes the mode of the service."""
    return service().maintenance


def require_dynamic_actions() -> None:
    """Raise ForbiddenError unless the service runs code that clients upload."""
    if not service().settings.dynamic_actions:
        raise ForbiddenError(
            "Code sources and dynamic actions are switched off here, because their code may do whatever the service "
            "may. The setting dynamic_actions = true (MISTRALISH_DYNAMIC_ACTIONS=true) switches them on"
        )


def tenant() -> Tenant:
    """On whose behalf the current request runs."""
    return Tenant(service().settings.project_id)
