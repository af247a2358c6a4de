"""Whose rows a caller sees, and whose it may write."""

from dataclasses import dataclass
from typing import Any

import peewee

from mistralish.errors import ForbiddenError
from mistralish.store import models
from mistralish.store.kinds import Kind

PUBLIC = "public"
ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who asks: a project, and whether it is an administrator that asks about all projects."""

    project_id: str
    all_projects: bool = False
    is_admin: bool = True


def visible(kind: Kind, tenant: Tenant) -> peewee.Expression | None:
    """Return the condition that a row may be seen by ``tenant``, None where every row may.

    Seen are: the project's own rows, public ones, and those that another project shares with it and it accepted.
    """
    if tenant.all_projects and tenant.is_admin:
        return None
    columns = kind.columns
    seen = columns["project_id"] == tenant.project_id
    if kind.scoped:
        seen |= columns["scope"] == PUBLIC
    if kind.shared_as:
        seen |= columns["id"].in_(_shared_with(kind, tenant))
    return seen


def _shared_with(kind: Kind, tenant: Tenant) -> Any:
    member = models.ResourceMember
    return member.select(member.resource_id).where(
        (member.member_id == tenant.project_id) & (member.resource_type == kind.shared_as) & (member.status == ACCEPTED)
    )


def check_writable(kind: Kind, row_id: str, project_id: str, tenant: Tenant) -> None:
    """Raise ForbiddenError where ``tenant`` may not change a row of ``project_id``."""
    if project_id != tenant.project_id and not (tenant.all_projects and tenant.is_admin):
        raise ForbiddenError(
            f"Can not access {kind.model.__name__} resource of other projects, ID: {row_id}: "
            "it is public, to be read by everyone and changed by its owner only"
        )
