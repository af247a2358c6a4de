"""``/v2/code_sources``: Python modules that dynamic actions are taken from."""

from typing import Any

from flask import Blueprint
from marshmallow import fields, validate

from mistralish.api.arguments import InNamespace, ProjectionInNamespace
from mistralish.api.context import require_dynamic_actions, store, tenant
from mistralish.api.contract import CODE, contract, lists
from mistralish.api.lists import answer_list, check_fields
from mistralish.api.schemas.base import SCOPES, show
from mistralish.api.schemas.dynamic import CodeSourceSchema
from mistralish.errors import InputError

CODE_SOURCE = "code_source"

blueprint = Blueprint("code_sources", __name__, url_prefix="/v2/code_sources")
blueprint.before_request(require_dynamic_actions)


class _Place(InNamespace):
    scope = fields.String(load_default="private", validate=validate.OneOf(SCOPES))


class CodeSourceUpload(_Place):
    """Where a new code source is kept."""

    name = fields.String(load_default="")


class CodeSourceChange(_Place):
    """Which code source is changed: ``identifier`` is its name or id."""

    identifier = fields.String(load_default="")


@blueprint.get("")
@lists("code_sources:list", CodeSourceSchema, CODE_SOURCE, errors=(403,))
def list_code_sources() -> dict[str, Any]:
    """A page of code sources."""
    return answer_list(CODE_SOURCE, CodeSourceSchema, "code_sources")


@blueprint.post("")
@contract(
    "code_sources:create",
    answers=CodeSourceSchema,
    arguments=CodeSourceUpload,
    body=CODE,
    status=201,
    errors=(403, 409),
)
def create_code_source(arguments: dict[str, Any], body: str) -> dict[str, Any]:
    """Keep a new module; the body is its source text."""
    if not arguments["name"]:
        raise InputError("Name of the code source is not provided: give it as the argument 'name'")
    values = {key: arguments[key] for key in ("name", "namespace", "scope")}
    created = store().create(CODE_SOURCE, {**values, "content": body, "version": 1}, tenant=tenant())
    return show(CodeSourceSchema, created, without=("updated_at",))


@blueprint.put("")
@contract("code_sources:update", answers=CodeSourceSchema, arguments=CodeSourceChange, body=CODE, errors=(403, 404))
def update_code_source(arguments: dict[str, Any], body: str) -> dict[str, Any]:
    """Replace a module's source text. What runs already goes on with the old one."""
    if not arguments["identifier"]:
        raise InputError("Name or id of the code source is not provided: give it as the argument 'identifier'")
    with store().transaction():
        current = _get(arguments["identifier"], arguments["namespace"])
        values = {"content": body, "scope": arguments["scope"], "version": current["version"] + 1}
        return show(CodeSourceSchema, store().update(CODE_SOURCE, current["id"], values, tenant=tenant()))


@blueprint.get("/<identifier>")
@contract("code_sources:get", answers=CodeSourceSchema, arguments=ProjectionInNamespace, errors=(403,))
def get_code_source(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One module, by name or id."""
    only = check_fields(arguments["fields_"], CodeSourceSchema)
    return show(CodeSourceSchema, _get(identifier, arguments["namespace"]), only=only or None)


@blueprint.delete("/<identifier>")
@contract("code_sources:delete", arguments=InNamespace, status=204, errors=(403,))
def delete_code_source(identifier: str, arguments: dict[str, Any]) -> None:
    """Remove a module, and the dynamic actions taken from it."""
    store().delete(CODE_SOURCE, identifier, tenant=tenant(), namespace=arguments["namespace"])


def _get(identifier: str, namespace: str) -> dict[str, Any]:
    return store().get(CODE_SOURCE, identifier, tenant=tenant(), namespace=namespace)
