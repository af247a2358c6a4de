"""``/v2/dynamic_actions``: actions whose code clients have uploaded."""

from typing import Any

from flask import Blueprint

from mistralish.api.arguments import InNamespace, ProjectionInNamespace
from mistralish.api.context import project, require_dynamic_actions, store, tenant
from mistralish.api.contract import contract, lists
from mistralish.api.lists import answer_list, check_fields, owner
from mistralish.api.resources.code_sources import CODE_SOURCE
from mistralish.api.schemas.base import show
from mistralish.api.schemas.dynamic import DynamicActionSchema
from mistralish.errors import InputError
from mistralish.store import Tenant

DYNAMIC_ACTION = "dynamic_action"
_WRITTEN = ("name", "namespace", "class_name", "code_source_id", "code_source_name", "scope")

blueprint = Blueprint("dynamic_actions", __name__, url_prefix="/v2/dynamic_actions")
blueprint.before_request(require_dynamic_actions)


@blueprint.get("")
@lists("dynamic_actions:list", DynamicActionSchema, DYNAMIC_ACTION, errors=(403,))
def list_dynamic_actions() -> dict[str, Any]:
    """A page of dynamic actions."""
    return answer_list(DYNAMIC_ACTION, DynamicActionSchema, "dynamic_actions")


@blueprint.post("")
@contract(
    "dynamic_actions:create",
    answers=DynamicActionSchema,
    body=DynamicActionSchema,
    needs=("name", "class_name"),
    uses=_WRITTEN,
    status=201,
    errors=(403, 404, 409),
)
def create_dynamic_action(body: dict[str, Any]) -> dict[str, Any]:
    """Make an action of a class in a code source, which the body names by its id or its name."""
    for name in ("name", "class_name"):
        if not body.get(name):
            raise InputError(f"The attribute '{name}' of the dynamic action is not provided.")
    with store().transaction():
        source = _source(body, project())
        if source is None:
            raise InputError("Either 'code_source_id' or 'code_source_name' must be provided.")
        values = {
            "name": body["name"],
            "namespace": body.get("namespace") or "",
            "class_name": body["class_name"],
            "scope": body.get("scope", "private"),
            "code_source_id": source["id"],
            "code_source_name": source["name"],
        }
        created = store().create(DYNAMIC_ACTION, values, tenant=tenant())
    return show(DynamicActionSchema, created, without=("updated_at",))


@blueprint.put("")
@contract(
    "dynamic_actions:update",
    answers=DynamicActionSchema,
    body=DynamicActionSchema,
    uses=("id", *_WRITTEN),
    errors=(403, 404),
)
def update_dynamic_action(body: dict[str, Any]) -> dict[str, Any]:
    """Change the class, the code source or the scope of the action that the body names by its id or its name."""
    identifier = body.get("id") or body.get("name")
    if not identifier:
        raise InputError("Either 'name' or 'id' must be provided.")
    values = {name: body[name] for name in ("class_name", "scope") if body.get(name)}
    with store().transaction():
        current = _get(identifier, body.get("namespace") or "")
        source = _source(body, owner(current))
        if source is not None:
            values |= {"code_source_id": source["id"], "code_source_name": source["name"]}
        return show(DynamicActionSchema, store().update(DYNAMIC_ACTION, current["id"], values, tenant=tenant()))


@blueprint.get("/<identifier>")
@contract("dynamic_actions:get", answers=DynamicActionSchema, arguments=ProjectionInNamespace, errors=(403,))
def get_dynamic_action(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One dynamic action, by name or id."""
    only = check_fields(arguments["fields_"], DynamicActionSchema)
    return show(DynamicActionSchema, _get(identifier, arguments["namespace"]), only=only or None)


@blueprint.delete("/<identifier>")
@contract("dynamic_actions:delete", arguments=InNamespace, status=204, errors=(403,))
def delete_dynamic_action(identifier: str, arguments: dict[str, Any]) -> None:
    """Remove a dynamic action. Its code source stays."""
    store().delete(DYNAMIC_ACTION, identifier, tenant=tenant(), namespace=arguments["namespace"])


def _get(identifier: str, namespace: str) -> dict[str, Any]:
    return store().get(DYNAMIC_ACTION, identifier, tenant=tenant(), namespace=namespace)


def _source(body: dict[str, Any], of: Tenant) -> dict[str, Any] | None:
    """The code source that a body names, as the action's project sees it; None for none. Raises NotFoundError."""
    identifier = body.get("code_source_id") or body.get("code_source_name")
    if not identifier:
        return None
    return store().get(CODE_SOURCE, identifier, tenant=of, namespace=body.get("namespace") or "")
