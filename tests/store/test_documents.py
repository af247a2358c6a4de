"""Single documents: what is stored comes back, names are unique where they must be, tenants are kept apart."""

import pytest
from store_rows import execution, save

from mistralish.errors import ConflictError, ForbiddenError, InputError, NotAllowedError, NotFoundError
from mistralish.store import Store, Tenant, spec_id

DOCUMENTS = {
    "workflow": {"name": "flow", "definition": "---\nflow: é", "spec": {"tasks": {}}, "tags": ["a"], "input": "x, y=1"},
    "workbook": {"name": "book", "definition": "---", "spec": {}, "tags": []},
    "action": {"name": "my.act", "definition": "---", "input": "x", "description": "does", "is_system": False},
    "environment": {"name": "env", "description": "of tests", "variables": {"a": [1, {"b": None}]}},
    "cron_trigger": {
        "name": "every",
        "pattern": "* * * * *",
        "time_zone": "Europe/Paris",
        "workflow_id": "wf-1",
        "workflow_name": "flow",
        "workflow_input": {"a": 1},
        "workflow_params": {},
        "next_execution_time": 60_000_000,
        "remaining_executions": 2,
    },
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_comes_back_as_it_was_stored_by_id_and_by_name(store: Store, tenant: Tenant, kind: str) -> None:
    made = store.create(kind, DOCUMENTS[kind], tenant=tenant)
    assert {name: made[name] for name in DOCUMENTS[kind]} == DOCUMENTS[kind]
    assert made["project_id"] == "ours"
    assert made["scope"] == "private"
    assert made["updated_at"] is None
    assert store.get(kind, made["id"], tenant=tenant) == made
    assert store.get(kind, made["name"], tenant=tenant) == made
    assert store.find(kind, made["name"], tenant=tenant) == made


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_second_document_of_one_name_is_refused_and_another_project_may_have_it(
    store: Store, tenant: Tenant, kind: str
) -> None:
    store.create(kind, DOCUMENTS[kind], tenant=tenant)
    with pytest.raises(ConflictError, match=r"Duplicate entry for .*name.*project_id"):
        store.create(kind, DOCUMENTS[kind], tenant=tenant)
    assert store.create(kind, DOCUMENTS[kind], tenant=Tenant("theirs"))["project_id"] == "theirs"


def test_a_refused_name_inside_a_transaction_leaves_the_rest_of_it_intact(store: Store, tenant: Tenant) -> None:
    store.create("environment", {"name": "taken"}, tenant=tenant)
    with store.transaction():
        store.create("environment", {"name": "before"}, tenant=tenant)
        with pytest.raises(ConflictError):
            store.create("environment", {"name": "taken"}, tenant=tenant)
        store.create("environment", {"name": "after"}, tenant=tenant)
    assert [store.get("environment", name, tenant=tenant)["name"] for name in ("before", "after")] == [
        "before",
        "after",
    ]


def test_a_transaction_that_fails_leaves_nothing(store: Store, tenant: Tenant) -> None:
    before = store.revision()

    def fail_late() -> None:
        with store.transaction():
            store.create("workflow", {"name": "one"}, tenant=tenant)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_late()
    assert store.find("workflow", "one", tenant=tenant) is None
    assert store.revision() == before


@pytest.mark.parametrize(
    ("kind", "namespace", "message"),
    [
        ("workflow", "ns", "Workflow not found [workflow_identifier=nope, namespace=ns]"),
        ("workbook", "ns", "Workbook not found [workbook_name=nope, namespace=ns]"),
        ("action", "", "Action not found [name=nope, namespace=]"),
        ("environment", None, "Environment not found [name=nope]"),
        ("cron_trigger", None, "Cron trigger not found [identifier=nope]"),
        ("execution", None, "WorkflowExecution not found [id=nope]"),
        ("task", None, "Task execution not found [id=nope]"),
        ("action_execution", None, "ActionExecution not found [id=nope]"),
    ],
)
def test_what_is_not_there_is_said_in_the_words_of_the_reference(
    store: Store, tenant: Tenant, kind: str, namespace: str | None, message: str
) -> None:
    with pytest.raises(NotFoundError) as caught:
        store.get(kind, "nope", tenant=tenant, namespace=namespace)
    assert caught.value.message == message
    assert store.find(kind, "nope", tenant=tenant, namespace=namespace) is None


def test_a_namespace_holds_its_own_workflow_and_falls_back_to_the_default_one_where_a_workflow_runs(
    store: Store, tenant: Tenant
) -> None:
    common = store.create("workflow", {"name": "flow"}, tenant=tenant)
    special = store.create("workflow", {"name": "flow", "namespace": "ns"}, tenant=tenant)
    assert store.get("workflow", "flow", tenant=tenant, namespace="ns")["id"] == special["id"]
    assert store.get("workflow", "flow", tenant=tenant, namespace="")["id"] == common["id"]
    assert store.find("workflow", "flow", tenant=tenant, namespace="ns")["id"] == special["id"]
    assert store.find("workflow", "flow", tenant=tenant, namespace="other")["id"] == common["id"]
    with pytest.raises(NotFoundError):
        store.get("workflow", "flow", tenant=tenant, namespace="other")


def test_an_action_missing_in_a_namespace_is_taken_from_the_default_one(store: Store, tenant: Tenant) -> None:
    made = store.create("action", {"name": "act"}, tenant=tenant)
    assert store.get("action", "act", tenant=tenant, namespace="ns")["id"] == made["id"]


def test_public_documents_are_seen_by_all_and_changed_by_their_owner_only(store: Store, tenant: Tenant) -> None:
    member = Tenant("theirs")
    private = store.create("workflow", {"name": "mine"}, tenant=tenant)
    public = store.create("workflow", {"name": "shared", "scope": "public"}, tenant=tenant)
    assert store.get("workflow", "shared", tenant=member)["id"] == public["id"]
    with pytest.raises(NotFoundError):
        store.get("workflow", private["id"], tenant=member)
    with pytest.raises(ForbiddenError):
        store.update("workflow", public["id"], {"description": "taken over"}, tenant=member)
    with pytest.raises(ForbiddenError):
        store.delete("workflow", public["id"], tenant=member)
    assert store.get("workflow", private["id"], tenant=Tenant("theirs", all_projects=True))["name"] == "mine"


def test_one_s_own_document_wins_over_a_public_one_of_the_same_name(store: Store, tenant: Tenant) -> None:
    store.create("environment", {"name": "env", "scope": "public"}, tenant=Tenant("theirs"))
    own = store.create("environment", {"name": "env"}, tenant=tenant)
    assert store.get("environment", "env", tenant=tenant)["id"] == own["id"]


def test_an_update_changes_what_it_names_and_says_when(store: Store, tenant: Tenant) -> None:
    made = store.create("environment", DOCUMENTS["environment"], tenant=tenant)
    changed = store.update("environment", made["id"], {"variables": {"b": 2}}, tenant=tenant)
    assert changed["variables"] == {"b": 2}
    assert changed["description"] == "of tests"
    assert changed["updated_at"] >= made["created_at"]


def test_an_update_to_a_taken_name_is_a_conflict(store: Store, tenant: Tenant) -> None:
    store.create("environment", {"name": "one"}, tenant=tenant)
    two = store.create("environment", {"name": "two"}, tenant=tenant)
    with pytest.raises(ConflictError):
        store.update("environment", two["id"], {"name": "one"}, tenant=tenant)


def test_a_workflow_with_cron_triggers_is_not_deleted(store: Store, tenant: Tenant) -> None:
    flow = store.create("workflow", {"name": "flow"}, tenant=tenant)
    trigger = store.create(
        "cron_trigger", {"name": "c", "workflow_id": flow["id"], "workflow_name": "flow"}, tenant=tenant
    )
    with pytest.raises(InputError, match=f"Can't delete workflow that has cron triggers associated.*{trigger['id']}"):
        store.delete("workflow", "flow", tenant=tenant)
    store.delete("cron_trigger", "c", tenant=tenant)
    store.delete("workflow", "flow", tenant=tenant)
    assert store.find("workflow", "flow", tenant=tenant) is None


def test_a_public_workflow_with_foreign_triggers_stays_public(store: Store, tenant: Tenant) -> None:
    flow = store.create("workflow", {"name": "flow", "scope": "public"}, tenant=tenant)
    values = {"name": "c", "workflow_id": flow["id"], "workflow_name": "flow"}
    store.create("cron_trigger", values, tenant=Tenant("theirs"))
    with pytest.raises(NotAllowedError, match="cron triggers associated in other tenants"):
        store.update("workflow", flow["id"], {"scope": "private"}, tenant=tenant)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "n" * 256}, "256 characters long: at most 255"),
        ({"name": "a", "definition": "x\0y"}, "NUL"),
        ({"name": "a", "definition": "\ud800"}, "not well-formed Unicode"),
        ({"name": "a", "colour": "red"}, "has no 'colour'"),
        ({"definition": "nameless"}, "cannot be stored"),
    ],
)
def test_values_that_no_column_holds_are_refused_in_words(
    store: Store, tenant: Tenant, values: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        store.create("workflow", values, tenant=tenant)


def test_the_revision_grows_with_definitions_and_environments_only(store: Store, tenant: Tenant) -> None:
    seen = [store.revision()]
    made = store.create("workflow", {"name": "flow"}, tenant=tenant)
    seen.append(store.revision())
    store.update("workflow", made["id"], {"description": "d"}, tenant=tenant)
    seen.append(store.revision())
    store.delete("workflow", "flow", tenant=tenant)
    seen.append(store.revision())
    assert seen == sorted(set(seen))
    store.create("cron_trigger", DOCUMENTS["cron_trigger"], tenant=tenant)
    assert store.revision() == seen[-1]


def test_running_work_is_read_as_documents_and_not_written_as_such(store: Store, tenant: Tenant) -> None:
    run = execution(input={"a": 1}, output={"b": None}, spec_id=spec_id({"name": "flow"}), accepted=True)
    save(store, run.id, insert=[run], specs={run.spec_id: {"name": "flow"}})
    found = store.get("execution", run.id, tenant=tenant)
    assert (found["input"], found["output"], found["accepted"]) == ({"a": 1}, {"b": None}, True)
    assert "spec" not in found
    assert store.get("execution", run.id, tenant=tenant, with_spec=True)["spec"] == {"name": "flow"}
    with pytest.raises(NotFoundError):
        store.get("execution", run.id, tenant=Tenant("theirs"))
    with pytest.raises(InputError):
        store.update("execution", run.id, {"state": "SUCCESS"}, tenant=tenant)


@pytest.mark.parametrize(
    "value",
    [
        {"b": 1, "a": [1.5, None, True, 'é\n\t"\\']},
        {"big": 10**40, "negative": -(2**63) - 1},
        {"lone": "\ud800", "nul": "\0"},
        {},
        [],
    ],
)
def test_any_json_value_comes_back_unchanged(store: Store, tenant: Tenant, value: object) -> None:
    made = store.create("environment", {"name": "env", "variables": value}, tenant=tenant)
    assert store.get("environment", made["id"], tenant=tenant)["variables"] == value
