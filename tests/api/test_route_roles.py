"""Each route as each role: what ``route_table`` says, held against the application."""

from collections.abc import Callable
from typing import Any

import pytest
from roles import ANONYMOUS, FLOW, IDS, OWNERS, SECRET, WHO, World
from route_table import ACTION, EVENT, OPEN, TABLE, TIMES, WORKBOOK, WORKFLOW, path_of

from mistralish.api.policy import DEFAULTS

Body = dict[str, Any]
LISTS = [
    "workflows", "workbooks", "actions", "environments", "cron_triggers", "event_triggers", "executions", "tasks",
    "action_executions",
]  # fmt: skip
MAKES_PUBLIC: list[tuple[str, str, Body]] = [
    ("POST", "workflows?scope=public", {"data": WORKFLOW.format("new")}),
    ("PUT", "workflows?scope=public", {"data": WORKFLOW.format("flow")}),
    ("PUT", f"workflows/{FLOW}?scope=public", {"data": WORKFLOW.format("flow")}),
    ("POST", "workbooks?scope=public", {"data": WORKBOOK.format("new")}),
    ("PUT", "workbooks?scope=public", {"data": WORKBOOK.format("book")}),
    ("POST", "actions?scope=public", {"data": ACTION.format("new")}),
    ("PUT", "actions?scope=public", {"data": ACTION.format("act")}),
    ("POST", "environments", {"json": {"name": "n", "variables": {}, "scope": "public"}}),
    ("PUT", "environments", {"json": {"name": "env", "scope": "public"}}),
    ("POST", "cron_triggers", {"json": {**TIMES, "scope": "public"}}),
    ("POST", "event_triggers", {"json": {**EVENT, "workflow_id": FLOW, "scope": "public"}}),
    ("PUT", f"event_triggers/{IDS['event_triggers']}", {"json": {"scope": "public"}}),
]


def test_the_table_has_every_route(new_world: Callable[..., World]) -> None:
    routes = {
        f"{method} {rule.rule}"
        for rule in new_world().app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(TABLE)


@pytest.mark.parametrize("route", TABLE)
def test_each_route_answers_each_role_as_the_table_says(new_world: Callable[..., World], route: str) -> None:
    statuses, request = TABLE[route]
    method, rule = route.split(" ")
    wanted = dict(zip(WHO, statuses, strict=True)) if statuses != OPEN else {}
    world, before = new_world(), None
    for who in (ANONYMOUS, *WHO):
        before = before or world.state()
        answer = world.ask(who, method, path_of(rule), **request)
        if statuses == OPEN:
            assert answer.status_code in (200, 400)
            continue
        assert answer.status_code == wanted.get(who, 401), (who, answer.text)
        if who in (ANONYMOUS, "stranger") or (who == "member" and "workflows" not in rule):
            assert SECRET not in answer.text
        if answer.status_code < 400 and method != "GET":
            world, before = new_world(), None
        else:
            assert world.state() == before, f"{who} was refused, and yet something has changed"


@pytest.mark.parametrize("route", [route for route, (statuses, _) in TABLE.items() if statuses[0] == 404])
def test_what_is_another_s_is_denied_in_the_words_for_what_is_not_there(
    new_world: Callable[..., World], route: str
) -> None:
    _, request = TABLE[route]
    method, rule = route.split(" ")
    world = new_world()
    there = world.ask("stranger", method, path_of(rule), **request)
    with world.store.transaction() as database:
        for (table,) in database.execute_sql("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [row[1] for row in database.execute_sql(f'PRAGMA table_info("{table}")').fetchall()]
            if "project_id" in columns:
                database.execute_sql(f"DELETE FROM \"{table}\" WHERE project_id = 'owners'")
    gone = world.ask("stranger", method, path_of(rule), **request)
    assert (there.status_code, there.get_json()) == (gone.status_code, gone.get_json())


@pytest.mark.parametrize("collection", LISTS)
def test_rows_of_other_projects_are_listed_for_administrators_who_ask(
    new_world: Callable[..., World], collection: str
) -> None:
    world = new_world()

    def listed(who: str, query: str) -> tuple[int, bool]:
        answer = world.ask(who, "GET", f"/v2/{collection}?include_output=true&{query}")
        assert answer.status_code == 200 or f"{collection}:list:all_projects takes the role admin" in answer.text
        rows = answer.get_json().get(collection, ())
        return answer.status_code, any(row["project_id"] == "owners" for row in rows)

    assert listed("admin", "") == (200, False)
    assert listed("admin", "all_projects=true") == listed("admin", "project_id=owners") == (200, True)
    assert listed("owner", "") == listed("owner", "project_id=owners") == (200, True)
    assert listed("owner", "all_projects=true") == listed("stranger", "all_projects=true") == (403, False)
    # The reference forbids it for executions only; elsewhere it finds nothing.
    assert listed("stranger", "project_id=owners") == (403 if collection == "executions" else 200, False)


@pytest.mark.parametrize(("method", "path", "request_"), MAKES_PUBLIC)
def test_only_an_administrator_makes_something_public(
    new_world: Callable[..., World], method: str, path: str, request_: Body
) -> None:
    world = new_world()
    before = world.state()
    refused = world.ask("owner", method, f"/v2/{path}", **request_)
    rule = path.partition("?")[0].partition("/")[0] + ":publicize"
    assert refused.status_code == 403
    assert f"the rule {rule} takes the role admin" in refused.get_json()["faultstring"]
    assert world.state() == before
    assert world.ask("admin", method, f"/v2/{path}", **request_).status_code in (200, 201, 404)


def test_every_resource_that_can_be_public_is_held_against_its_rule() -> None:
    tried = {path.partition("?")[0].partition("/")[0] for _, path, _ in MAKES_PUBLIC}
    # Of code, no more than reading it is for others than administrators.
    assert {*tried, "code_sources", "dynamic_actions"} == {
        rule.partition(":")[0] for rule in DEFAULTS if rule.endswith(":publicize")
    }


def test_only_an_administrator_tells_events_of_another_project(new_world: Callable[..., World]) -> None:
    world = new_world()
    event = {**EVENT, "project_id": "owners"}
    refused = world.ask("stranger", "POST", "/v2/events", json=event)
    assert refused.status_code == 403
    assert "events:create:all_projects" in refused.text
    assert world.engine.done == []
    assert [row["event_trigger_id"] for row in _started(world, "admin", event)] == [IDS["event_triggers"]]
    assert _started(world, "owner", event) != []
    assert _started(world, "admin", EVENT) == []


def test_what_another_project_s_public_trigger_could_not_start_is_not_told(new_world: Callable[..., World]) -> None:
    world = new_world()
    world.store.update(
        "event_trigger", IDS["event_triggers"], {"scope": "public", "workflow_id": "gone"}, tenant=OWNERS
    )
    assert "Workflow not found" in _started(world, "owner", EVENT)[0]["error"]
    assert _started(world, "stranger", EVENT)[0]["error"].startswith("The workflow of this trigger, which is another")


def _started(world: World, who: str, event: Body) -> list[Body]:
    rows: list[Body] = world.ask(who, "POST", "/v2/events", json=event).get_json()["executions"]
    return rows
