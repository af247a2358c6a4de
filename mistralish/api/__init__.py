"""The REST API, version 2, of OpenStack Mistral, on Flask."""

import re
import uuid

from flask import Flask, Response, g, request

from mistralish.api import errors
from mistralish.api.codec import OrjsonProvider
from mistralish.api.context import Service, attach
from mistralish.api.resources import BLUEPRINTS
from mistralish.api.resources.maintenance import refuse_under_maintenance
from mistralish.errors import InputError

__all__ = ["create_app"]


def create_app(service: Service) -> Flask:
    """A WSGI application that answers requests from ``service``: its store, engine, registry and settings."""
    app = Flask("mistralish", static_folder=None)
    app.json = OrjsonProvider(app)
    app.config["MAX_CONTENT_LENGTH"] = service.settings.max_body_bytes
    app.url_map.strict_slashes = False
    attach(app, service)
    errors.register(app)
    app.before_request(_begin)
    app.before_request(refuse_under_maintenance)
    app.after_request(_finish)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def _begin() -> None:
    g.request_id = f"req-{uuid.uuid4()}"
    if "\x00" in request.path or re.search(rb"%00|\x00", request.query_string):
        raise InputError("The path or a query argument has a NUL character, which cannot be looked for")


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response
