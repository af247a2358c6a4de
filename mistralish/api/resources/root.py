"""``/`` and ``/v2/``: which versions of the API there are, and where."""

from typing import Any

from flask import Blueprint, current_app, request

from mistralish.api.context import service
from mistralish.api.contract import contract, open_to_all
from mistralish.api.openapi import document
from mistralish.api.schemas.root import OpenApiSchema, VersionSchema, VersionsSchema

blueprint = Blueprint("root", __name__)


@blueprint.get("/")
@open_to_all
@contract(answers=VersionsSchema)
def list_versions() -> dict[str, Any]:
    """The versions of the API."""
    link = {"href": _url(), "target": "v2", "rel": "self"}
    return {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]}


@blueprint.get("/v2")
@open_to_all
@contract(answers=VersionSchema)
def get_version() -> dict[str, Any]:
    """Where version 2 is."""
    return {"uri": _url()}


@blueprint.get("/v2/openapi.json")
@contract("openapi:get", answers=OpenApiSchema)
def get_openapi() -> dict[str, Any]:
    """This description of the API, in OpenAPI 3.1."""
    return document(current_app, asks_nobody=service().settings.auth == "none")


def _url() -> str:
    return f"{request.host_url}v2"
