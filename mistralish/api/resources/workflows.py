"""``/v2/workflows``: workflow definitions."""

from typing import Any

from flask import Blueprint

from mistralish import lang
from mistralish.api.arguments import DefinitionUpload, InNamespace, ProjectionInNamespace
from mistralish.api.context import store, tenant
from mistralish.api.contract import DEFINITION, contract, lists
from mistralish.api.lists import answer_list, check_fields
from mistralish.api.schemas.base import show
from mistralish.api.schemas.definitions import UploadedWorkflowSchema, ValidationSchema, WorkflowSchema, with_interface
from mistralish.definitions import WORKFLOW, Definitions, get, validation_error

blueprint = Blueprint("workflows", __name__, url_prefix="/v2/workflows")


@blueprint.get("")
@lists("workflows:list", WorkflowSchema, WORKFLOW)
def list_workflows() -> dict[str, Any]:
    """A page of workflows."""
    return answer_list(WORKFLOW, WorkflowSchema, "workflows", as_shown=with_interface)


@blueprint.post("")
@contract(
    "workflows:create",
    answers=UploadedWorkflowSchema,
    collection="workflows",
    arguments=DefinitionUpload,
    body=DEFINITION,
    status=201,
    errors=(409,),
)
def create_workflows(arguments: dict[str, Any], body: str) -> dict[str, Any]:
    """Keep every workflow in the text, or none of them."""
    created = _definitions(arguments).create_workflows(body)
    return {"workflows": [_uploaded(item, without=("updated_at",)) for item in created]}


@blueprint.put("")
@contract(
    "workflows:update",
    answers=UploadedWorkflowSchema,
    collection="workflows",
    arguments=DefinitionUpload,
    body=DEFINITION,
    errors=(404,),
)
def update_workflows(arguments: dict[str, Any], body: str) -> dict[str, Any]:
    """Replace every workflow in the text, or none of them."""
    return {"workflows": [_uploaded(item) for item in _definitions(arguments).update_workflows(body)]}


@blueprint.post("/validate")
@contract("workflows:validate", answers=ValidationSchema, body=DEFINITION)
def validate_workflows(body: str) -> dict[str, Any]:
    """Whether the text would be taken, and why not."""
    error = validation_error(lang.parse_workflows, body)
    return {"valid": True} if error is None else {"valid": False, "error": error}


@blueprint.get("/<identifier>")
@contract("workflows:get", answers=WorkflowSchema, arguments=ProjectionInNamespace)
def get_workflow(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One workflow, by name or id."""
    only = check_fields(arguments["fields_"], WorkflowSchema)
    document = get(store(), WORKFLOW, identifier, arguments["namespace"], tenant())
    return show(WorkflowSchema, with_interface(document), only=only or None)


@blueprint.put("/<identifier>")
@contract(
    "workflows:update", answers=UploadedWorkflowSchema, arguments=DefinitionUpload, body=DEFINITION, errors=(409,)
)
def update_workflow(identifier: str, arguments: dict[str, Any], body: str) -> dict[str, Any]:
    """Replace one workflow, by name or id."""
    return _uploaded(_definitions(arguments).update_workflows(body, identifier)[0])


@blueprint.delete("/<identifier>")
@contract("workflows:delete", arguments=InNamespace, status=204)
def delete_workflow(identifier: str, arguments: dict[str, Any]) -> None:
    """Remove a workflow that no trigger starts."""
    store().delete(WORKFLOW, identifier, tenant=tenant(), namespace=arguments["namespace"])


def _definitions(arguments: dict[str, Any]) -> Definitions:
    return Definitions(store(), tenant(), namespace=arguments["namespace"], scope=arguments["scope"])


def _uploaded(document: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    return show(UploadedWorkflowSchema, with_interface(document), without=without)
