"""What a request works with: the parts of the service, and on whose behalf it runs."""

from collections.abc import Mapping
from typing import Any, Protocol, cast

from flask import Flask, current_app, g, request

from mistralish.actions.registry import Registry
from mistralish.api.auth import Authenticator
from mistralish.api.contract import is_open_to_all
from mistralish.config import Settings
from mistralish.engine.admissions import Admissions
from mistralish.engine.watchers import Watchers
from mistralish.errors import ForbiddenError
from mistralish.identity import Identity
from mistralish.readiness import Readiness
from mistralish.scheduler.maintenance import Maintenance
from mistralish.sealing import Sealer
from mistralish.store import Store, Tenant
from mistralish.tallies import RequestTally

_KEY = "mistralish"
_AUTHENTICATOR = "mistralish-auth"


class Engine(Protocol):
    """What the API needs of the engine."""

    def call(self, command: Any, timeout: float = 10, project_id: str | None = None) -> Any:
        """Decide ``command`` and answer once that is committed; raises the command's MistralishError.

        What it is about must be ``project_id``'s, where that is given.
        """

    @property
    def watchers(self) -> Watchers:
        """Where callers wait for commits."""

    @property
    def admissions(self) -> Admissions:
        """Where callers wait for executions that have not begun."""


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

    @property
    def sealer(self) -> Sealer:
        """What keeps values secret."""

    @property
    def readiness(self) -> Readiness:
        """What knows whether the service can work."""

    def metrics(self, requests: RequestTally) -> bytes:
        """What it has done and is doing, in the text format of Prometheus; ``requests`` are those of the API."""


def attach(app: Flask, service: Service, authenticator: Authenticator) -> None:
    """Give ``app`` the service whose parts its requests use, and what finds out who makes them."""
    app.extensions[_KEY] = service
    app.extensions[_AUTHENTICATOR] = authenticator


def authenticate() -> None:
    """Find out who makes the current request, unless its view is open to all.

    Raises UnauthorizedError, ForbiddenError, UnavailableError. A path without a route is asked for by somebody too.
    """
    if is_open_to_all(current_app.view_functions.get(request.endpoint or "")):
        return
    g.identity = current_app.extensions[_AUTHENTICATOR].identify(request)


def identity() -> Identity:
    """Who makes the current request."""
    return cast(Identity, g.identity)


def service() -> Service:
    """The service of the current request."""
    return cast(Service, current_app.extensions[_KEY])


def store() -> Store:
    """The store of the current request."""
    return service().store


def call_engine(command: Any, about: Mapping[str, Any] | None = None) -> Any:
    """Have the engine decide ``command``; what it answers. Raises the command's MistralishError.

    ``about`` is the document that the caller was found to have a right to; one that has come in its place under the
    same id, in another project, is left alone.
    """
    return service().engine.call(command, project_id=None if about is None else about["project_id"])


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
    """On whose behalf the current request runs. An administrator reaches rows of other projects by their ids."""
    caller = identity()
    # Without authentication there is one project; what others have left in its database is nobody's.
    return Tenant(caller.project_id, is_admin=caller.is_admin and service().settings.auth != "none")


def project() -> Tenant:
    """The caller's project alone: what it can use in executions and triggers, which run without an administrator."""
    return Tenant(identity().project_id)
