"""The REST API, version 2, of OpenStack Mistral, on Flask."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from mistralish.api import errors, observed
from mistralish.api.access import attach_policy, authorize, check_routes
from mistralish.api.auth import Authenticator, choose_authenticator
from mistralish.api.codec import OrjsonProvider
from mistralish.api.context import Service, attach, authenticate
from mistralish.api.headers import secure
from mistralish.api.intake import check_intake
from mistralish.api.policy import Policy
from mistralish.api.resources import BLUEPRINTS
from mistralish.api.resources.maintenance import refuse_under_maintenance
from mistralish.api.secrets import attach_sealer

__all__ = ["create_app"]


class Application(Flask):
    """Flask without views that are coroutines: it would ask that of each function for each request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``func`` as it is."""
        return func


def create_app(service: Service, authenticator: Authenticator | None = None) -> Flask:
    """A WSGI application that answers requests from ``service``: its store, engine, registry and settings.

    ``authenticator`` finds out who asks, in the way that the settings name unless it is given.
    """
    app = Application("mistralish", static_folder=None)
    app.json = OrjsonProvider(app)
    app.config["MAX_CONTENT_LENGTH"] = service.settings.max_body_bytes
    app.url_map.strict_slashes = False
    attach(app, service, authenticator or choose_authenticator(service.settings))
    attach_policy(app, Policy(service.settings.policy_file))
    attach_sealer(app, service.sealer)
    errors.register(app)
    observed.observe(app)
    app.before_request(observed.begin)
    app.before_request(check_intake)
    app.before_request(authenticate)
    app.before_request(observed.note_caller)
    app.before_request(authorize)
    app.before_request(refuse_under_maintenance)
    app.after_request(observed.finish)
    app.after_request(secure)
    app.teardown_request(observed.forget)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    check_routes(app)
    return app
