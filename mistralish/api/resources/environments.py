"""``/v2/environments``: variables that executions can use by the environment's name."""

from typing import Any

from flask import Blueprint

from mistralish.api.arguments import Projection
from mistralish.api.context import store, tenant
from mistralish.api.contract import contract, lists
from mistralish.api.lists import answer_list, check_fields
from mistralish.api.schemas.base import show
from mistralish.api.schemas.triggers import EnvironmentSchema
from mistralish.api.secrets import unmasked
from mistralish.errors import InputError

ENVIRONMENT = "environment"
_KEYS = ("name", "description", "variables", "scope")

blueprint = Blueprint("environments", __name__, url_prefix="/v2/environments")


@blueprint.get("")
@lists("environments:list", EnvironmentSchema, ENVIRONMENT)
def list_environments() -> dict[str, Any]:
    """A page of environments."""
    return answer_list(ENVIRONMENT, EnvironmentSchema, "environments")


@blueprint.post("")
@contract(
    "environments:create",
    answers=EnvironmentSchema,
    body=EnvironmentSchema,
    needs=("name",),
    uses=_KEYS,
    strict=True,
    status=201,
    errors=(409,),
)
def create_environment(body: dict[str, Any]) -> dict[str, Any]:
    """Keep a new environment. The answer has the attributes that were sent, as in the reference."""
    _checked(body)
    created = store().create(ENVIRONMENT, body, tenant=tenant())
    unsent = [key for key in ("description", "variables", "updated_at") if key not in body]
    return show(EnvironmentSchema, created, without=unsent)


@blueprint.put("")
@contract(
    "environments:update",
    answers=EnvironmentSchema,
    body=EnvironmentSchema,
    needs=("name",),
    uses=_KEYS,
    strict=True,
    errors=(404,),
)
def update_environment(body: dict[str, Any]) -> dict[str, Any]:
    """Change what was sent of the environment of that name."""
    name = _checked(body)
    with store().transaction():
        current = store().get(ENVIRONMENT, name, tenant=tenant())
        if "variables" in body:
            # Who reads an environment and sends it back has asterisks for its secrets.
            body["variables"] = unmasked(body["variables"], current["variables"])
        # The name is how it was found, and may have been the id: it stays.
        changes = {key: value for key, value in body.items() if key != "name"}
        return show(EnvironmentSchema, store().update(ENVIRONMENT, current["id"], changes, tenant=tenant()))


@blueprint.get("/<identifier>")
@contract("environments:get", answers=EnvironmentSchema, arguments=Projection)
def get_environment(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One environment, by name or id."""
    only = check_fields(arguments["fields_"], EnvironmentSchema)
    document = store().get(ENVIRONMENT, identifier, tenant=tenant())
    return show(EnvironmentSchema, document, only=only or None)


@blueprint.delete("/<identifier>")
@contract("environments:delete", status=204)
def delete_environment(identifier: str) -> None:
    """Remove an environment."""
    store().delete(ENVIRONMENT, identifier, tenant=tenant())


def _checked(body: dict[str, Any]) -> str:
    if set(body) - set(_KEYS):
        raise InputError(
            f"Please, check your environment definition. Only: {list(_KEYS)} are allowed as definition keys."
        )
    if not body.get("name"):
        raise InputError("Name of the environment is not provided.")
    return str(body["name"])
