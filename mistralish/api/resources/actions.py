"""``/v2/actions``: the service's own actions, and ad-hoc ones.

An action's namespace is a query argument, as everywhere, or the second part of its path: Mistral's client sends that.
"""

from typing import Any

from flask import Blueprint

from mistralish import lang
from mistralish.api.arguments import DefinitionUpload, InNamespace, ProjectionInNamespace
from mistralish.api.context import store, tenant
from mistralish.api.contract import DEFINITION, contract, lists
from mistralish.api.lists import answer_list, check_fields
from mistralish.api.schemas.base import show
from mistralish.api.schemas.definitions import ActionSchema, ValidationSchema, as_action
from mistralish.definitions import ACTION, Definitions, get, validation_error
from mistralish.errors import InputError, NotFoundError

blueprint = Blueprint("actions", __name__, url_prefix="/v2/actions")


@blueprint.get("")
@lists("actions:list", ActionSchema, ACTION)
def list_actions() -> dict[str, Any]:
    """A page of actions, by name unless asked otherwise; those of the default namespace unless one is named."""
    return answer_list(ACTION, ActionSchema, "actions", defaults={"namespace": "eq:"}, as_shown=as_action)


@blueprint.post("")
@contract(
    "actions:create",
    answers=ActionSchema,
    collection="actions",
    arguments=DefinitionUpload,
    body=DEFINITION,
    status=201,
    errors=(409,),
)
def create_actions(arguments: dict[str, Any], body: str) -> dict[str, Any]:
    """Keep every ad-hoc action in the text, or none of them."""
    created = _definitions(arguments).create_actions(body)
    return {"actions": [show(ActionSchema, item, without=("updated_at",)) for item in created]}


@blueprint.put("", defaults={"identifier": None})
@blueprint.put("/<identifier>")
@contract(
    "actions:update",
    answers=ActionSchema,
    collection="actions",
    arguments=DefinitionUpload,
    body=DEFINITION,
    errors=(404, 409),
)
def update_actions(identifier: str | None, arguments: dict[str, Any], body: str) -> dict[str, Any]:
    """Replace every ad-hoc action in the text, or none; with an id or name, that one."""
    return {"actions": [show(ActionSchema, a) for a in _definitions(arguments).update_actions(body, identifier)]}


@blueprint.post("/validate")
@contract("actions:validate", answers=ValidationSchema, body=DEFINITION)
def validate_actions(body: str) -> dict[str, Any]:
    """Whether the text would be taken, and why not."""
    error = validation_error(lang.parse_actions, body)
    return {"valid": True} if error is None else {"valid": False, "error": error}


@blueprint.get("/<identifier>", defaults={"namespace": ""})
@blueprint.get("/<identifier>/<namespace>")
@contract("actions:get", answers=ActionSchema, arguments=ProjectionInNamespace)
def get_action(identifier: str, namespace: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One action, by name or id; looked for in the default namespace too."""
    only = check_fields(arguments["fields_"], ActionSchema)
    namespace = arguments["namespace"] or namespace
    try:
        document = get(store(), ACTION, identifier, namespace, tenant())
    except NotFoundError:
        raise NotFoundError(f"Action not found [name={identifier}, namespace={namespace}]") from None
    return show(ActionSchema, as_action(document), only=only or None)


@blueprint.delete("/<identifier>", defaults={"namespace": ""})
@blueprint.delete("/<identifier>/<namespace>")
@contract("actions:delete", arguments=InNamespace, status=204)
def delete_action(identifier: str, namespace: str, arguments: dict[str, Any]) -> None:
    """Remove an ad-hoc action."""
    kept = store()
    with kept.transaction():
        document = get(kept, ACTION, identifier, arguments["namespace"] or namespace, tenant())
        if document["is_system"]:
            raise InputError(f"Attempt to delete a system action: {identifier}")
        kept.delete(ACTION, document["id"], tenant=tenant(), namespace=document["namespace"])


def _definitions(arguments: dict[str, Any]) -> Definitions:
    return Definitions(store(), tenant(), namespace=arguments["namespace"], scope=arguments["scope"])
