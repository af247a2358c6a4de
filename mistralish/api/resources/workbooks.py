"""``/v2/workbooks``: workbooks, each with workflows and actions of its own."""

from typing import Any

from flask import Blueprint

from mistralish import lang
from mistralish.api.arguments import DefinitionUpload, InNamespace, ProjectionInNamespace
from mistralish.api.context import store, tenant
from mistralish.api.contract import DEFINITION, contract, lists
from mistralish.api.lists import answer_list, check_fields
from mistralish.api.schemas.base import show
from mistralish.api.schemas.definitions import ValidationSchema, WorkbookSchema
from mistralish.definitions import WORKBOOK, Definitions, get, validation_error

blueprint = Blueprint("workbooks", __name__, url_prefix="/v2/workbooks")


@blueprint.get("")
@lists("workbooks:list", WorkbookSchema, WORKBOOK)
def list_workbooks() -> dict[str, Any]:
    """A page of workbooks."""
    return answer_list(WORKBOOK, WorkbookSchema, "workbooks")


@blueprint.post("")
@contract(
    "workbooks:create", answers=WorkbookSchema, arguments=DefinitionUpload, body=DEFINITION, status=201, errors=(409,)
)
def create_workbook(arguments: dict[str, Any], body: str) -> dict[str, Any]:
    """Keep a workbook with its workflows and actions."""
    return show(WorkbookSchema, _definitions(arguments).create_workbook(body), without=("updated_at",))


@blueprint.put("")
@contract("workbooks:update", answers=WorkbookSchema, arguments=DefinitionUpload, body=DEFINITION, errors=(404,))
def update_workbook(arguments: dict[str, Any], body: str) -> dict[str, Any]:
    """Replace a workbook, and add or replace its workflows and actions."""
    return show(WorkbookSchema, _definitions(arguments).update_workbook(body))


@blueprint.post("/validate")
@contract("workbooks:validate", answers=ValidationSchema, body=DEFINITION)
def validate_workbook(body: str) -> dict[str, Any]:
    """Whether the text would be taken, and why not."""
    error = validation_error(lang.parse_workbook, body)
    return {"valid": True} if error is None else {"valid": False, "error": error}


@blueprint.get("/<name>")
@contract("workbooks:get", answers=WorkbookSchema, arguments=ProjectionInNamespace)
def get_workbook(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One workbook."""
    only = check_fields(arguments["fields_"], WorkbookSchema)
    document = get(store(), WORKBOOK, name, arguments["namespace"], tenant())
    return show(WorkbookSchema, document, only=only or None)


@blueprint.delete("/<name>")
@contract("workbooks:delete", arguments=InNamespace, status=204)
def delete_workbook(name: str, arguments: dict[str, Any]) -> None:
    """Remove a workbook. Its workflows and actions stay, as in the reference."""
    store().delete(WORKBOOK, name, tenant=tenant(), namespace=arguments["namespace"])


def _definitions(arguments: dict[str, Any]) -> Definitions:
    return Definitions(store(), tenant(), namespace=arguments["namespace"], scope=arguments["scope"])
