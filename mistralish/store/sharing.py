"""Resource members: with which other projects a resource is shared.

The owner proposes (``pending``), the other project accepts or rejects; what it accepted it can see, see ``tenancy``.
Source: the reference's behaviour for ``/v2/workflows/{id}/members``.
"""

import time
from typing import Any

import peewee

from mistralish.errors import ConflictError, InputError, NotFoundError
from mistralish.ids import new_id
from mistralish.store import models
from mistralish.store.documents import Documents
from mistralish.store.kinds import Kind, kind_of
from mistralish.store.tenancy import ACCEPTED, Tenant, check_writable

PENDING = "pending"
STATUSES = (PENDING, ACCEPTED, "rejected")

_MOST_MEMBERS = 10_000
_PRIVATE = "private"


class Sharing(Documents):
    """Documents that can be shared: proposes, lists, answers and ends that. Workflows are, other kinds are not."""

    def create_member(self, kind_name: str, resource_id: str, member_id: str, *, tenant: Tenant) -> dict[str, Any]:
        """Propose to share a private resource of the tenant's with the project ``member_id``.

        Raises NotFoundError (no such resource that the tenant can see), ForbiddenError (it is another project's),
        InputError (it is public: everyone sees it anyway), ConflictError (proposed already).
        """
        kind = _shareable(kind_name)
        row = {
            "id": new_id(),
            "created_at": time.time_ns() // 1000,
            "updated_at": None,
            "resource_type": kind.shared_as,
            "member_id": member_id,
            "status": PENDING,
        }
        with self._connection.write() as database:
            resource = self.get(kind_name, resource_id, tenant=tenant)
            check_writable(kind, resource["id"], resource["project_id"], tenant)
            if resource["scope"] != _PRIVATE:
                raise InputError("Only private resource could be shared.")
            row |= {"resource_id": resource["id"], "project_id": resource["project_id"]}
            try:
                with database.atomic():
                    database.execute(models.ResourceMember.insert(**row))
            except peewee.IntegrityError as error:
                raise ConflictError(
                    "Duplicate entry for ResourceMember ['resource_id', 'resource_type', 'member_id']: "
                    f"{resource['id']}, {kind.shared_as}, {member_id}"
                ) from error
        return row

    def get_member(self, kind_name: str, resource_id: str, member_id: str, *, tenant: Tenant) -> dict[str, Any]:
        """Return one member; only the owner, that member itself and administrators see it. Raises NotFoundError."""
        found = self._members(_shareable(kind_name), resource_id, _seen(tenant) & _is(member_id))
        if not found:
            raise _not_found(resource_id, member_id)
        return found[0]

    def list_members(self, kind_name: str, resource_id: str, *, tenant: Tenant) -> list[dict[str, Any]]:
        """Return the members of a resource, oldest first: all for its owner and administrators, itself for a member."""
        return self._members(_shareable(kind_name), resource_id, _seen(tenant))

    def update_member(
        self, kind_name: str, resource_id: str, member_id: str, status: str, *, tenant: Tenant
    ) -> dict[str, Any]:
        """Accept or reject; only the member itself may. Raises NotFoundError, InputError (no such status)."""
        kind = _shareable(kind_name)
        if status not in STATUSES:
            raise InputError(f"A member's status is one of {', '.join(STATUSES)}, not '{status}'")
        model = models.ResourceMember
        with self._connection.write() as database:
            found = [] if member_id != tenant.project_id else self._members(kind, resource_id, _is(member_id))
            if not found:
                raise _not_found(resource_id, member_id)
            changes = {"status": status, "updated_at": time.time_ns() // 1000}
            database.execute(model.update(**changes).where(model.id == found[0]["id"]))
            self._revision.increase()
        return {**found[0], **changes}

    def delete_member(self, kind_name: str, resource_id: str, member_id: str, *, tenant: Tenant) -> None:
        """End the sharing with one project; only the owner and administrators may. Raises NotFoundError."""
        kind = _shareable(kind_name)
        model = models.ResourceMember
        with self._connection.write() as database:
            found = self._members(kind, resource_id, _owned(tenant) & _is(member_id))
            if not found:
                raise _not_found(resource_id, member_id)
            database.execute(model.delete().where(model.id == found[0]["id"]))
            self._revision.increase()

    def _members(self, kind: Kind, resource_id: str, condition: peewee.Expression) -> list[dict[str, Any]]:
        model = models.ResourceMember
        names = tuple(column.name for column in model._meta.sorted_fields)
        resource = (model.resource_id == resource_id) & (model.resource_type == kind.shared_as)
        query = model.select().where(resource & condition).order_by(model.created_at, model.id).limit(_MOST_MEMBERS)
        with self._connection.read() as database:
            return [dict(zip(names, row, strict=True)) for row in database.execute(query).fetchall()]


def _seen(tenant: Tenant) -> peewee.Expression:
    return _owned(tenant) | _is(tenant.project_id)


def _owned(tenant: Tenant) -> peewee.Expression:
    owner = models.ResourceMember.project_id
    return owner.is_null(False) if tenant.is_admin else owner == tenant.project_id


def _is(member_id: str) -> peewee.Expression:
    return models.ResourceMember.member_id == member_id


def _shareable(kind_name: str) -> Kind:
    kind = kind_of(kind_name)
    if not kind.shared_as:
        raise InputError(f"A {kind.name} cannot be shared with single projects: only workflows can")
    return kind


def _not_found(resource_id: str, member_id: str) -> NotFoundError:
    return NotFoundError(f"Resource member not found [resource_id={resource_id}, member_id={member_id}]")
