"""Sharing a workflow with another project: proposed by its owner, answered by the other one, seen by nobody else."""

from typing import Any

import pytest
from store_rows import OURS

from mistralish.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from mistralish.store import Store, Tenant, parse_query

THEIRS = Tenant("theirs")
STRANGERS = Tenant("strangers")


def workflow(store: Store, **values: Any) -> dict[str, Any]:
    return store.create("workflow", {"name": "flow", "definition": "d", "spec": {}, **values}, tenant=OURS)


def seen(store: Store, row: dict[str, Any], tenant: Tenant) -> bool:
    """Whether a tenant sees the workflow; by id, by name, in a list and as the engine all alike."""
    ways = (
        store.find("workflow", row["id"], tenant=tenant) is not None,
        store.find("workflow", row["name"], tenant=tenant) is not None,
        row["id"] in [item["id"] for item in store.list("workflow", parse_query("workflow", {}), tenant=tenant).items],
    )
    assert len(set(ways)) == 1
    return ways[0]


def share(store: Store, row: dict[str, Any], status: str) -> None:
    store.create_member("workflow", row["id"], "theirs", tenant=OURS)
    store.update_member("workflow", row["id"], "theirs", status, tenant=THEIRS)


def test_a_proposed_workflow_is_seen_once_it_is_accepted(store: Store) -> None:
    row = workflow(store)
    made = store.create_member("workflow", row["id"], "theirs", tenant=OURS)
    assert (made["status"], made["project_id"], made["resource_type"]) == ("pending", "ours", "workflow")
    assert not seen(store, row, THEIRS)
    accepted = store.update_member("workflow", row["id"], "theirs", "accepted", tenant=THEIRS)
    assert accepted["status"] == "accepted"
    assert accepted["updated_at"] >= made["created_at"]
    assert seen(store, row, THEIRS)
    assert not seen(store, row, STRANGERS)


def test_a_rejected_workflow_is_not_seen_even_after_it_was_accepted(store: Store) -> None:
    row = workflow(store)
    share(store, row, "accepted")
    store.update_member("workflow", row["id"], "theirs", "rejected", tenant=THEIRS)
    assert not seen(store, row, THEIRS)


def test_a_workflow_is_not_seen_any_more_when_its_owner_ends_the_sharing(store: Store) -> None:
    row = workflow(store)
    share(store, row, "accepted")
    store.delete_member("workflow", row["id"], "theirs", tenant=OURS)
    assert not seen(store, row, THEIRS)
    with pytest.raises(NotFoundError, match=rf"Resource member not found \[resource_id={row['id']}, member_id=theirs"):
        store.get_member("workflow", row["id"], "theirs", tenant=OURS)


def test_a_member_may_read_a_workflow_but_not_change_or_remove_or_share_it(store: Store) -> None:
    row = workflow(store)
    share(store, row, "accepted")
    with pytest.raises(ForbiddenError):
        store.update("workflow", row["id"], {"definition": "mine"}, tenant=THEIRS)
    with pytest.raises(ForbiddenError):
        store.delete("workflow", row["id"], tenant=THEIRS)
    with pytest.raises(ForbiddenError):
        store.create_member("workflow", row["id"], "strangers", tenant=THEIRS)


def test_only_the_member_itself_may_accept(store: Store) -> None:
    row = workflow(store)
    store.create_member("workflow", row["id"], "theirs", tenant=OURS)
    for tenant in (OURS, STRANGERS):
        with pytest.raises(NotFoundError):
            store.update_member("workflow", row["id"], "theirs", "accepted", tenant=tenant)
    with pytest.raises(NotFoundError):
        store.update_member("workflow", row["id"], "strangers", "accepted", tenant=STRANGERS)
    with pytest.raises(InputError, match="pending, accepted, rejected"):
        store.update_member("workflow", row["id"], "theirs", "perhaps", tenant=THEIRS)
    assert not seen(store, row, THEIRS)


def test_only_the_owner_may_end_the_sharing(store: Store) -> None:
    row = workflow(store)
    share(store, row, "accepted")
    for tenant in (THEIRS, STRANGERS):
        with pytest.raises(NotFoundError):
            store.delete_member("workflow", row["id"], "theirs", tenant=tenant)
    assert seen(store, row, THEIRS)


def test_the_owner_sees_all_members_and_a_member_only_itself(store: Store) -> None:
    row = workflow(store)
    for member in ("theirs", "others"):
        store.create_member("workflow", row["id"], member, tenant=OURS)

    def members(tenant: Tenant) -> list[str]:
        return [each["member_id"] for each in store.list_members("workflow", row["id"], tenant=tenant)]

    assert members(OURS) == ["theirs", "others"]
    assert members(THEIRS) == ["theirs"]
    assert members(STRANGERS) == []
    assert store.get_member("workflow", row["id"], "theirs", tenant=THEIRS)["status"] == "pending"
    with pytest.raises(NotFoundError):
        store.get_member("workflow", row["id"], "others", tenant=THEIRS)


def test_a_workflow_is_proposed_to_a_project_once_and_only_while_it_is_private(store: Store) -> None:
    row = workflow(store)
    store.create_member("workflow", row["id"], "theirs", tenant=OURS)
    with pytest.raises(ConflictError, match="Duplicate entry for ResourceMember"):
        store.create_member("workflow", row["id"], "theirs", tenant=OURS)
    public = workflow(store, name="open", scope="public")
    with pytest.raises(InputError, match="Only private resource could be shared"):
        store.create_member("workflow", public["id"], "theirs", tenant=OURS)
    with pytest.raises(NotFoundError):
        store.create_member("workflow", row["id"], "x", tenant=STRANGERS)


def test_the_members_of_a_workflow_go_with_it(store: Store) -> None:
    row = workflow(store)
    share(store, row, "accepted")
    store.delete("workflow", row["id"], tenant=OURS)
    again = workflow(store, id=row["id"])
    assert store.list_members("workflow", again["id"], tenant=OURS) == []
    assert not seen(store, again, THEIRS)


def test_a_project_s_own_workflow_goes_before_one_that_is_shared_with_it(store: Store) -> None:
    shared = workflow(store)
    share(store, shared, "accepted")
    own = store.create("workflow", {"name": "flow", "definition": "d", "spec": {}}, tenant=THEIRS)
    found = store.find("workflow", "flow", tenant=THEIRS)
    assert found is not None
    assert found["id"] == own["id"]


def test_what_is_kept_of_definitions_is_looked_up_again_when_a_member_answers(store: Store) -> None:
    row = workflow(store)
    store.create_member("workflow", row["id"], "theirs", tenant=OURS)
    before = store.revision()
    store.update_member("workflow", row["id"], "theirs", "accepted", tenant=THEIRS)
    assert store.revision() > before


def test_other_kinds_are_not_shared(store: Store) -> None:
    with pytest.raises(InputError, match="cannot be shared"):
        store.create_member("environment", "e", "theirs", tenant=OURS)
