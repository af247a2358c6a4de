"""``/`` and ``/v2/``: which versions of the API there are, and where."""

from typing import Any

from flask import Blueprint, request

from mistralish.api.contract import contract

blueprint = Blueprint("root", __name__)


@blueprint.get("/")
@contract()
def list_versions() -> dict[str, Any]:
    """The versions of the API."""
    link = {"href": _url(), "target": "v2", "rel": "self"}
    return {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]}


@blueprint.get("/v2")
@contract()
def get_version() -> dict[str, Any]:
    """Where version 2 is."""
    return {"uri": _url()}


def _url() -> str:
    return f"{request.host_url}v2"
