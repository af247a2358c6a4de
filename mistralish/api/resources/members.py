"""``/v2/workflows/{id}/members``: sharing a workflow with other projects."""

from typing import Any

from flask import Blueprint

from mistralish.api.context import store, tenant
from mistralish.api.contract import contract
from mistralish.api.identifiers import is_uuid
from mistralish.api.schemas.base import show, show_many
from mistralish.api.schemas.sharing import MemberSchema
from mistralish.definitions import WORKFLOW
from mistralish.errors import InputError

blueprint = Blueprint("members", __name__, url_prefix="/v2/workflows/<workflow_id>/members")


@blueprint.get("")
@contract("members:list", answers=MemberSchema, collection="members")
def list_members(workflow_id: str) -> dict[str, Any]:
    """The projects that a workflow is shared with; a project that does not own it sees itself only."""
    _check(workflow_id)
    return {"members": show_many(MemberSchema, store().list_members(WORKFLOW, workflow_id, tenant=tenant()))}


@blueprint.post("")
@contract(
    "members:create",
    answers=MemberSchema,
    body=MemberSchema,
    needs=("member_id",),
    uses=("member_id",),
    status=201,
    errors=(403, 409),
)
def create_member(workflow_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Propose a private workflow to another project, which then may accept it."""
    _check(workflow_id)
    if not body.get("member_id"):
        raise InputError("Member id must be provided.")
    return show(MemberSchema, store().create_member(WORKFLOW, workflow_id, body["member_id"], tenant=tenant()))


@blueprint.get("/<member_id>")
@contract("members:get", answers=MemberSchema)
def get_member(workflow_id: str, member_id: str) -> dict[str, Any]:
    """One project that a workflow is shared with."""
    _check(workflow_id)
    return show(MemberSchema, store().get_member(WORKFLOW, workflow_id, member_id, tenant=tenant()))


@blueprint.put("/<member_id>")
@contract("members:update", answers=MemberSchema, body=MemberSchema, needs=("status",), uses=("status",))
def update_member(workflow_id: str, member_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Accept or reject a workflow that has been proposed; only the project that it was proposed to may."""
    _check(workflow_id)
    if not body.get("status"):
        raise InputError("Status must be provided.")
    member = store().update_member(WORKFLOW, workflow_id, member_id, body["status"], tenant=tenant())
    return show(MemberSchema, member)


@blueprint.delete("/<member_id>")
@contract("members:delete", status=204)
def delete_member(workflow_id: str, member_id: str) -> None:
    """Share a workflow with a project no longer; only its owner may."""
    _check(workflow_id)
    store().delete_member(WORKFLOW, workflow_id, member_id, tenant=tenant())


def _check(workflow_id: str) -> None:
    if not is_uuid(workflow_id):
        raise InputError("Only support UUID as resource identifier in resource sharing feature.")
