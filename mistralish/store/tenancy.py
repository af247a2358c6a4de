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
    """Who asks: a project, which sees its own rows and what others share with it.

    ``is_admin``: besides, every row by its id, as if it were the project's own; a name means something within a project
    only. ``all_projects``: everything, as for the service itself.
    """

    project_id: str
    all_projects: bool = False
    is_admin: bool = False


def visible(kind: Kind, tenant: Tenant) -> peewee.Expression | None:
    """Return the condition that ``tenant`` sees a row in lists and by its name, None where it sees every row.

    Seen are: the project's own rows, public ones, and those that another project shares with it and it accepted.
    """
    if tenant.all_projects:
        return None
    columns = kind.columns
    seen = columns["project_id"] == tenant.project_id
    if kind.scoped:
        seen |= columns["scope"] == PUBLIC
    if kind.shared_as:
        seen |= columns["id"].in_(_shared_with(kind, tenant))
    return seen


def found_by_id(kind: Kind, tenant: Tenant, row_id: str) -> peewee.Expression:
    """Return the condition that a row is the one of this id, and ``tenant`` may see it."""
    match: peewee.Expression = kind.columns["id"] == row_id
    seen = None if tenant.is_admin else visible(kind, tenant)
    return match if seen is None else match & seen


def _shared_with(kind: Kind, tenant: Tenant) -> Any:
    member = models.ResourceMember
    return member.select(member.resource_id).where(
        (member.member_id == tenant.project_id) & (member.resource_type == kind.shared_as) & (member.status == ACCEPTED)
    )


def check_writable(kind: Kind, row_id: str, project_id: str, tenant: Tenant) -> None:
    """Raise ForbiddenError where ``tenant`` may not change a row of ``project_id``."""
    if project_id != tenant.project_id and not (tenant.is_admin or tenant.all_projects):
        raise ForbiddenError(
            f"Can not access {kind.model.__name__} resource of other projects, ID: {row_id}: "
            "other projects may read it, its own may change it"
        )
