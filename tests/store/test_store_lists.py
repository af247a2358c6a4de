"""Filters, fields and the other parameters of lists."""

import pytest
from store_rows import ADMIN, action, execution, ids, listed, save, task

from mistralish.errors import ForbiddenError, InputError
from mistralish.store import Store, Tenant, parse_query
from mistralish.store.connection import SQLITE
from mistralish.store.filters import condition, parse_filter
from mistralish.store.kinds import kind_of

SECOND = 1_000_000
# 2026-11-21 07:31:38 UTC
NOON = 1_795_246_298 * SECOND


@pytest.fixture
def filled(store: Store) -> Store:
    rows = [
        execution(
            id="a",
            name="flow.a",
            state="SUCCESS",
            created_at=NOON,
            updated_at=NOON + SECOND,
            input={"n": 1},
            output={"x": "é"},
            tags=["red", "big"],
            accepted=True,
            description="50% of _it_",
            state_info="Failure: a:b",
        ),
        execution(
            id="b",
            name="flow.b",
            state="ERROR",
            created_at=NOON + 999_999,
            updated_at=None,
            input={"n": 1, "m": [1, 2]},
            output=None,
            tags=['re"d', "red"],
            description="all of it",
        ),
        execution(
            id="c",
            name="http://flow/c",
            state="RUNNING",
            created_at=NOON + SECOND,
            updated_at=NOON + 5 * SECOND,
            input={},
            tags=None,
            description="Half",
            root_execution_id="a",
            task_execution_id="t",
        ),
        execution(id="z", project_id="theirs", created_at=NOON + 9 * SECOND, state="SUCCESS"),
    ]
    save(store, insert=rows)
    return store


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "abc"),
        ({"state": "SUCCESS"}, "a"),
        ({"state": "eq:SUCCESS"}, "a"),
        ({"state": "neq:SUCCESS"}, "bc"),
        ({"state": "in:SUCCESS,RUNNING"}, "ac"),
        ({"state": "nin:SUCCESS,RUNNING"}, "b"),
        ({"name": "gt:flow.a"}, "bc"),
        ({"name": "gte:flow.a"}, "abc"),
        ({"name": "lt:flow.b"}, "a"),
        ({"name": "lte:flow.b"}, "ab"),
        ({"name": "has:low."}, "ab"),
        ({"name": "http://flow/c"}, "c"),
        ({"name": "eq:http://flow/c"}, "c"),
        ({"description": "has:%"}, "a"),
        ({"description": "has:_it_"}, "a"),
        ({"description": "has:half"}, ""),
        ({"description": "in:all of it,Half"}, "bc"),
        ({"state_info": "Failure: a:b"}, "a"),
        ({"state_info": "neq:x"}, "a"),
        ({"id": "in:a,c,z"}, "ac"),
        ({"created_at": "2026-11-21 07:31:38"}, "ab"),
        ({"created_at": "eq:2026-11-21T07:31:38Z"}, "ab"),
        ({"created_at": "2026-11-21T08:31:38+01:00"}, "ab"),
        ({"created_at": "2026-11-21T07:31:38.999999"}, "b"),
        ({"created_at": "2026-11-21T07:31:38.000000"}, "ab"),
        ({"created_at": "neq:2026-11-21 07:31:38"}, "c"),
        ({"created_at": "gt:2026-11-21 07:31:38"}, "c"),
        ({"created_at": "gte:2026-11-21 07:31:38"}, "abc"),
        ({"created_at": "lt:2026-11-21 07:31:39"}, "ab"),
        ({"created_at": "lte:2026-11-21 07:31:38"}, "ab"),
        ({"created_at": "lt:2026-11-21 07:31:38"}, ""),
        ({"created_at": "gt:2026-11-21"}, "abc"),
        ({"created_at": "in:2026-11-21 07:31:39,2026-11-22"}, "c"),
        ({"created_at": "nin:2026-11-21 07:31:39,2026-11-22"}, "ab"),
        ({"input": '{"n": 1}'}, "a"),
        ({"input": 'eq:{"m": [1, 2], "n": 1}'}, "b"),
        ({"input": 'neq:{"n":1}'}, "bc"),
        ({"input": 'in:{"n": 1},{}'}, "ac"),
        ({"input": 'has:"m"'}, "b"),
        ({"output": "null"}, "b"),
        ({"output": "neq:null"}, "ac"),
        ({"tags": "red"}, "ab"),
        ({"tags": "red,big"}, "a"),
        ({"tags": "eq:big"}, "a"),
        ({"tags": "has:red"}, "ab"),
        ({"tags": 'has:re"d'}, "b"),
        ({"tags": "d"}, ""),
        ({"tags": "neq:red,big"}, "b"),
        ({"tags": "in:big,none"}, "a"),
        ({"tags": "nin:big"}, "b"),
        ({"accepted": "true"}, "a"),
        ({"accepted": "eq:FALSE"}, "bc"),
        ({"accepted": "neq:1"}, "bc"),
        ({"nulls": "updated_at"}, "b"),
        ({"nulls": "task_execution_id,root_execution_id"}, "ab"),
        ({"nulls": "task_execution_id", "state": "ERROR"}, "b"),
        ({"project_id": "theirs"}, "z"),
        ({"all_projects": "true"}, "abcz"),
        ({"all_projects": "True", "state": "SUCCESS"}, "az"),
    ],
)
def test_a_filter_finds_what_it_says(filled: Store, arguments: dict[str, str], expected: str) -> None:
    assert "".join(ids(filled, "execution", ADMIN, **arguments)) == expected


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("execution", {"bogus": "1"}, r'Unknown argument: "bogus".*choose from id'),
        ("execution", {"state": "foo:bar"}, r"Unknown filter operator 'foo' in 'state=foo:bar': choose from eq, neq"),
        ("execution", {"name": "like:a"}, "Unknown filter operator 'like'.*eq, neq, in, nin, gt, gte, lt, lte, has"),
        ("execution", {"name": "GT:a"}, "Unknown filter operator 'GT'"),
        ("execution", {"created_at": "around:2026-01-01"}, "Unknown filter operator 'around'"),
        ("execution", {"created_at": "yesterday"}, "created_at. Value: 'yesterday'.*2026-11-21T07:31:38Z"),
        ("execution", {"created_at": "2026-13-01"}, "created_at. Value: '2026-13-01'"),
        ("execution", {"created_at": "has:2026"}, "'created_at' cannot be filtered by 'has': choose from eq"),
        ("execution", {"input": "{broken"}, "input. Value: '{broken'.*JSON"),
        ("execution", {"input": "gt:{}"}, "'input' cannot be filtered by 'gt'"),
        ("execution", {"accepted": "maybe"}, "accepted. Value: 'maybe'. Expected true or false"),
        ("execution", {"name": "a\0"}, "NUL"),
        ("execution", {"nulls": "bogus"}, "nulls. Value: 'bogus'. Choose from"),
        ("execution", {"nulls": "state"}, "nulls. Value: 'state'. Choose from"),
        ("execution", {"fields": "id,bogus"}, r"Some fields do not exist  \[bogus\], please choose from \[id"),
        ("execution", {"limit": "-1"}, "Limit must be positive.*'-1'"),
        ("execution", {"limit": "0"}, "Limit must be positive"),
        ("execution", {"limit": "abc"}, "Invalid input for field/attribute limit. Value: 'abc'"),
        ("execution", {"sort_keys": "bogus"}, "Sort key supplied is invalid: bogus: choose from"),
        ("execution", {"sort_keys": "id", "sort_dirs": "up"}, "Unknown sort direction, must be 'desc' or 'asc'"),
        ("execution", {"sort_dirs": "asc,asc"}, "Length of sort_keys must be equal or greater than sort_dirs"),
        ("execution", {"all_projects": "perhaps"}, "all_projects. Value: 'perhaps'"),
        ("execution", {"include_output": "2"}, "include_output"),
        ("execution", {"marker": "a", "position": "!!!"}, "Invalid position"),
        (
            "cron_trigger",
            {"remaining_executions": "many"},
            "remaining_executions. Value: 'many'. Expected a whole number",
        ),
        ("cron_trigger", {"remaining_executions": "9" * 19}, "whole number of at most 64 bits"),
        ("execution", {"id": "in:" + "x," * 1000}, "1001 values.*at most 1000"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value_and_what_is_right(
    store: Store, tenant: Tenant, kind: str, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        store.list(kind, parse_query(kind, arguments), tenant=tenant)


def test_many_values_are_looked_for_like_few(filled: Store) -> None:
    many = ",".join(f"no-{number}" for number in range(900))
    assert "".join(ids(filled, "execution", name=f"in:flow.a,{many},http://flow/c,50%,é'\"\\")) == "ac"
    assert "".join(ids(filled, "execution", name=f"nin:flow.a,{many}")) == "bc"
    assert "".join(ids(filled, "execution", description=f"in:{many},Half")) == "c"


def test_filters_of_many_values_are_one_statement_for_a_connection_to_keep() -> None:
    kind = kind_of("execution")
    filters = [parse_filter(kind, "name", "in:" + "a," * count) for count in (30, 900)]
    select = kind.model.select(kind.model.id)
    assert len({select.where(condition(kind, each, SQLITE)).sql()[0] for each in filters}) == 1


class Arguments:
    """As much of a MultiDict as ``parse_query`` needs."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = pairs

    def getlist(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def items(self, multi: bool = False) -> tuple[tuple[str, str], ...]:
        return self._pairs


def test_an_attribute_may_be_filtered_from_both_sides(filled: Store, tenant: Tenant) -> None:
    both = Arguments(("created_at", "gte:2026-11-21 07:31:38"), ("created_at", "lt:2026-11-21 07:31:39"))
    page = filled.list("execution", parse_query("execution", both), tenant=tenant)
    assert [item["id"] for item in page.items] == ["a", "b"]
    with pytest.raises(InputError, match="'limit' is given twice"):
        parse_query("execution", Arguments(("limit", "1"), ("limit", "2")))


def test_others_rows_are_listed_for_administrators_only(filled: Store) -> None:
    member = Tenant("ours")
    assert ids(filled, "execution", member, project_id="theirs") == []
    with pytest.raises(ForbiddenError):
        ids(filled, "execution", member, all_projects="true")
    assert ids(filled, "execution", member) == ["a", "b", "c"]


def test_public_documents_are_in_everybodys_list(store: Store) -> None:
    for name, scope in (("own", "private"), ("shared", "public")):
        store.create("workflow", {"id": name, "name": name, "scope": scope}, tenant=Tenant("theirs"))
    assert ids(store, "workflow", Tenant("ours")) == ["shared"]


def test_only_the_wanted_fields_come_and_always_the_id(filled: Store) -> None:
    item = listed(filled, "execution", fields="state,output", limit="1").items[0]
    assert (item["id"], item["state"], item["output"]) == ("a", "SUCCESS", {"x": "é"})
    assert "input" not in item


def test_the_output_comes_when_it_is_asked_for(filled: Store) -> None:
    assert "output" not in listed(filled, "execution", limit="1").items[0]
    assert listed(filled, "execution", limit="1", include_output="true").items[0]["output"] == {"x": "é"}


def test_the_limit_is_clamped() -> None:
    assert parse_query("execution", {"limit": "5000"}, default_limit=100, max_limit=1000).limit == 1000
    assert parse_query("execution", {}, default_limit=100, max_limit=50).limit == 50
    assert parse_query("execution", {"limit": "7"}, default_limit=100, max_limit=50).limit == 7


def test_tasks_and_actions_are_found_by_what_they_belong_to(store: Store) -> None:
    run = execution()
    one, two = task(run, id="t1", name="one", processed=True), task(run, id="t2", name="two")
    rows = [action(one, id="a1"), action(two, id="a2"), action(id="a3", name="ad-hoc")]
    save(store, run.id, insert=[run, one, two, *rows])
    assert ids(store, "task", workflow_execution_id=run.id) == ["t1", "t2"]
    assert ids(store, "task", name="two", processed="false") == ["t2"]
    assert ids(store, "action_execution", task_execution_id="t1") == ["a1"]
    assert ids(store, "action_execution", task_name="two") == ["a2"]
    assert ids(store, "action_execution", nulls="task_execution_id") == ["a3"]
    named = listed(store, "action_execution", fields="task_name").items
    assert [item["task_name"] for item in named] == ["one", "two", None]


def test_numbers_are_compared_as_numbers(store: Store, tenant: Tenant) -> None:
    for number in (2, 10, None):
        values = {"id": str(number), "name": str(number), "workflow_name": "w", "remaining_executions": number}
        store.create("cron_trigger", values, tenant=tenant)
    assert ids(store, "cron_trigger", remaining_executions="gt:2") == ["10"]
    assert ids(store, "cron_trigger", remaining_executions="in:2,10") == ["2", "10"]
    assert ids(store, "cron_trigger", remaining_executions="in:" + ",".join(map(str, range(9, 900)))) == ["10"]
    assert ids(store, "cron_trigger", nulls="remaining_executions") == ["None"]


def test_actions_are_sorted_by_name_unless_asked_otherwise(store: Store, tenant: Tenant) -> None:
    for name in ("b", "c", "a"):
        store.create("action", {"id": name, "name": name}, tenant=tenant)
    assert ids(store, "action") == ["a", "b", "c"]
    assert ids(store, "action", sort_keys="created_at") == ["b", "c", "a"]
