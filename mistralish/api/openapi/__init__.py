"""The API's description in OpenAPI 3.1, made from the routes, their contracts and the schemas in use."""

import importlib
import re
from typing import Any

from apispec import APISpec
from flask import Flask

import mistralish
from mistralish.api.openapi import security
from mistralish.api.openapi.operations import Describer

_KEY = "mistralish.openapi"
_INTRODUCTION = (
    "Version 2 of the REST API of OpenStack Mistral. Times are in UTC, written YYYY-MM-DD HH:MM:SS. An unknown query "
    "argument or attribute is an error, never ignored. Every error is JSON: faultstring says what was wrong and what "
    "would be right."
)


def document(app: Flask, *, asks_nobody: bool = False) -> dict[str, Any]:
    """The OpenAPI document of every route of ``app`` whose view has a contract. Made when first asked for.

    ``asks_nobody``: tokens are taken and not needed, which is the mode ``auth = none``.
    """
    made: dict[str, Any] | None = app.extensions.get(_KEY)
    if made is None:
        made = app.extensions[_KEY] = _build(app, asks_nobody)
    return made


def path_of(rule: str) -> str:
    """A Flask rule as OpenAPI writes it: ``/v2/tasks/{identifier}``."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _build(app: Flask, asks_nobody: bool) -> dict[str, Any]:
    spec = APISpec(
        title="mistralish",
        version=mistralish.__version__,
        openapi_version="3.1.0",
        info={"description": _INTRODUCTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        security=security.for_all(asks_nobody),
    )
    for name, scheme in security.SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    describer = Describer(spec)
    operations: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        if not hasattr(view, "contract"):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            operation = describer.operation(rule, view)
            operations.setdefault(path_of(rule.rule), {})[method.lower()] = operation
    _tell_apart(operations)
    for path, by_method in operations.items():
        spec.path(path, operations=by_method)
    for name, blueprint in sorted(app.blueprints.items()):
        spec.tag({"name": name, "description": _first_line(blueprint.import_name)})
    return spec.to_dict()


def _tell_apart(operations: dict[str, dict[str, Any]]) -> None:
    """A view that answers several paths has an operation for each: name the longer ones by what they add."""
    seen: set[str] = set()
    for path, by_method in operations.items():
        for operation in by_method.values():
            if operation["operationId"] in seen:
                operation["operationId"] += "_by_" + path.rpartition("{")[2].rstrip("}")
            seen.add(operation["operationId"])


def _first_line(module: str) -> str:
    text = importlib.import_module(module).__doc__ or ""
    return text.partition("\n")[0].partition(": ")[2]
