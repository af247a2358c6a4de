"""The service's mode, event triggers, and what goes together with a document."""

from typing import Any

import pytest
from store_rows import OURS

from mistralish.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from mistralish.store import Store, Tenant

THEIRS = Tenant("theirs")


def trigger(store: Store, tenant: Tenant = OURS, **values: Any) -> dict[str, Any]:
    row = {"workflow_id": "w", "exchange": "nova", "topic": "notifications", "event": "created", **values}
    return store.create("event_trigger", row, tenant=tenant)


def test_the_mode_is_running_until_it_is_set_and_the_same_for_all(store: Store, second_store: Store) -> None:
    assert store.maintenance() == "RUNNING"
    assert store.set_maintenance("PAUSING")
    assert second_store.maintenance() == "PAUSING"
    assert not second_store.set_maintenance("PAUSED", expected="RUNNING")
    assert second_store.set_maintenance("PAUSED", expected="PAUSING")
    assert store.maintenance() == "PAUSED"
    with pytest.raises(InputError, match="RUNNING, PAUSING, PAUSED"):
        store.set_maintenance("ASLEEP")
    assert store.set_maintenance("RUNNING")


def test_triggers_are_found_by_the_event_whatever_their_project(store: Store) -> None:
    first, second = trigger(store), trigger(store, THEIRS)
    trigger(store, event="deleted")
    trigger(store, exchange="glance")
    found = store.event_triggers_for("nova", "notifications", "created")
    assert [row["id"] for row in found] == [first["id"], second["id"]]
    assert found[0] == first
    assert store.event_sources() == [("glance", "notifications"), ("nova", "notifications")]


def test_the_same_trigger_twice_is_a_conflict_within_a_project_only(store: Store) -> None:
    trigger(store)
    with pytest.raises(ConflictError, match=r"Duplicate entry for EventTrigger .*: nova, notifications, created, w"):
        trigger(store)
    assert trigger(store, THEIRS)["project_id"] == "theirs"


def test_a_trigger_of_another_project_is_not_seen_unless_it_is_public(store: Store) -> None:
    private, public = trigger(store), trigger(store, event="e2", scope="public")
    with pytest.raises(NotFoundError, match=r"Event trigger not found \[id="):
        store.get("event_trigger", private["id"], tenant=THEIRS)
    assert store.get("event_trigger", public["id"], tenant=THEIRS) == public


def test_a_workflow_that_an_event_trigger_starts_stays(store: Store) -> None:
    workflow = store.create("workflow", {"name": "f", "definition": "", "scope": "public"}, tenant=OURS)
    row = trigger(store, THEIRS, workflow_id=workflow["id"])
    own = trigger(store, workflow_id=workflow["id"])
    told = rf"event triggers associated.*\[event_trigger_id\(s\)={own['id']}, 1 of other projects\]"
    with pytest.raises(InputError, match=told):
        store.delete("workflow", "f", tenant=OURS)
    with pytest.raises(NotAllowedError, match="event triggers associated in other tenants"):
        store.update("workflow", workflow["id"], {"scope": "private"}, tenant=OURS)
    store.delete("event_trigger", own["id"], tenant=OURS)
    store.delete("event_trigger", row["id"], tenant=THEIRS)
    store.delete("workflow", "f", tenant=OURS)


def test_the_dynamic_actions_of_a_code_source_go_with_it(store: Store) -> None:
    source = store.create("code_source", {"name": "m", "content": "x = 1"}, tenant=OURS)
    assert (source["version"], source["namespace"]) == (1, "")
    values = {"name": "a", "class_name": "A", "code_source_id": source["id"], "code_source_name": "m"}
    before = store.revision()
    action = store.create("dynamic_action", values, tenant=OURS)
    assert store.revision() > before
    store.delete("code_source", "m", tenant=OURS)
    with pytest.raises(NotFoundError, match=r"Dynamic Action not found \[name=a,namespace=\]"):
        store.get("dynamic_action", action["name"], tenant=OURS, namespace="")
