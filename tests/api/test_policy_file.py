"""A policy file: what it changes, what is refused in it, and that no route can do without a rule."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from roles import FLOW, WHO, World
from route_table import OPEN, TABLE, path_of

from mistralish.api.access import check_routes
from mistralish.api.policy import DEFAULTS, Policy
from mistralish.api.policy import policy as policy_module
from mistralish.errors import ForbiddenError, InputError

NewWorld = Callable[..., World]
PUBLIC_WORKFLOW = {"data": "version: '2.0'\nnew:\n  tasks:\n    t: {action: std.noop}\n"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


@pytest.mark.parametrize(
    ("expression", "whom"),
    [
        ("", "stranger member owner admin"),
        ("@", "stranger member owner admin"),
        ("!", ""),
        ("role:author", "owner"),
        ("role:AUTHOR", "owner"),
        ("is_admin:True", "admin"),
        ("is_admin:False", "stranger member owner"),
        ("project_id:members", "member"),
        ("user_id:s", "stranger"),
        ("project_id:%(project_id)s", "stranger member owner admin"),
        ("(project_id:%(project_id)s)", "stranger member owner admin"),
        ("not role:admin", "stranger member owner"),
        ("NOT role:admin AND NOT role:author", "stranger member"),
        ("role:admin or role:author", "owner admin"),
        ("role:admin or role:member and role:author", "owner admin"),
        ("(role:admin or role:member) and role:author", "owner"),
        ("not (role:admin or role:author)", "stranger member"),
        ("rule:admin_only", "admin"),
        ("rule:admin_or_owner", "stranger member owner admin"),
        ("rule:authors", "owner"),
    ],
)
def test_an_expression_means_whom_operators_expect(file: Path, expression: str, whom: str) -> None:
    file.write_text(f"workflows:create: '{expression}'\nauthors: role:author\nactions:create: rule:authors\n")
    policy = Policy(file)
    assert [who for who, caller in WHO.items() if policy.allows("workflows:create", caller)] == whom.split()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("workflows:craete: '!'", r"workflows:craete: there is no such rule.*did you mean workflows:create\?"),
        ("operator: role:operator", "operator: there is no such rule, and no other rule uses it"),
        ("workflows:create: rule:admin_onyl", r"rule:admin_onyl is not there; did you mean admin_only\?"),
        ("a: rule:b\nb: rule:a\nworkflows:create: rule:a", "a: it refers to itself: a → b → a"),
        ("workflows:create: role:a role:b", "'role:b' does not fit where it is"),
        ("workflows:create: role:a and", "a check is missing at the end"),
        ("workflows:create: or role:a", "a check is missing before 'or'"),
        ("workflows:create: (role:a", r"a '\(' has no '\)'"),
        ("workflows:create: role:a)", r"'\)' does not fit"),
        ("workflows:create: domain_id:d", r"'domain_id:d' is no check: there are role:x"),
        ("workflows:create: 'http://x/%(project_id)s'", "is no check"),
        (
            "workflows:create: 'project_id:%(target.project_id)s'",
            r"only project_id:%\(project_id\)s and .* may stand for a value",
        ),
        ("workflows:create: is_admin:yes", "is_admin is True or False"),
        ("workflows:create: [[role:a]]", "must be text in quotes"),
        ("workflows:create: " + "(" * 60 + "@" + ")" * 60, "more than 50 parentheses"),
        ("- a", "it must be a mapping"),
        ("{", "it is not YAML"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_the_start(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(InputError, match=rf"policy file {file}.*(?:{told})"):
        Policy(file)


def test_a_named_file_that_is_missing_is_refused_and_an_empty_one_changes_nothing(file: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        Policy(file)
    file.write_text("# nothing yet\n")
    assert [Policy(file).allows(rule, WHO["admin"]) for rule in DEFAULTS] == [True] * len(DEFAULTS)


def test_a_change_of_the_file_counts_without_a_restart_and_a_broken_one_leaves_the_rules(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(policy_module, "_LOOK_SECONDS", 0)
    file.write_text("tasks:list: role:author\n")
    policy = Policy(file)
    assert not policy.allows("tasks:list", WHO["member"])
    file.write_text("tasks:list: role:author or role:member\n")
    assert policy.allows("tasks:list", WHO["member"])
    file.write_text("tasks:list: '!!'\n")
    assert policy.allows("tasks:list", WHO["member"])
    assert "The rules stay as they were" in caplog.text
    file.unlink()
    assert policy.allows("tasks:list", WHO["member"])
    file.write_text("tasks:list: '!'\n")
    assert not policy.allows("tasks:list", WHO["member"])


def test_a_rule_of_the_file_goes_before_its_default(new_world: NewWorld, file: Path) -> None:
    file.write_text(
        "workflows:publicize: role:author\n"
        "workflows:delete: rule:admin_only\n"
        "executions:list:all_projects: role:author\n"
        "code_sources:list: '@'\n"
    )
    world = new_world(policy_file=file)
    assert world.ask("member", "POST", "/v2/workflows?scope=public", **PUBLIC_WORKFLOW).status_code == 403
    assert world.ask("owner", "POST", "/v2/workflows?scope=public", **PUBLIC_WORKFLOW).status_code == 201
    before = world.state()
    refused = world.ask("owner", "DELETE", f"/v2/workflows/{FLOW}")
    assert refused.status_code == 403
    assert refused.get_json()["faultstring"] == "Operation not allowed: the rule workflows:delete takes the role admin"
    assert world.state() == before
    assert world.ask("admin", "DELETE", f"/v2/workflows/{FLOW}").status_code == 204
    assert world.ask("member", "GET", "/v2/executions?all_projects=true").status_code == 403
    everything = world.ask("owner", "GET", "/v2/executions?all_projects=true").get_json()["executions"]
    assert {row["project_id"] for row in everything} == {"owners"}
    # A rule lets in; what is another project's stays hidden.
    assert world.ask("stranger", "GET", "/v2/code_sources").get_json() == {"code_sources": []}


def test_every_route_is_held_against_its_rule_before_its_body_is_read(new_world: NewWorld, file: Path) -> None:
    file.write_text("".join(f"{rule}: '!'\n" for rule in DEFAULTS if ":" in rule))
    world = new_world(policy_file=file)
    before = world.state()
    no_body = {"data": b"\xff no body", "content_type": "application/xml"}
    for route in (route for route, (statuses, _) in TABLE.items() if statuses != OPEN):
        method, rule = route.split(" ")
        refused = world.ask("admin", method, path_of(rule), **no_body)
        assert refused.status_code == 403, route
        assert refused.get_json()["faultstring"].startswith("Operation not allowed: the rule "), route
        assert world.ask("nobody", method, path_of(rule), **no_body).status_code == 401, route
    assert world.state() == before


def test_a_route_without_a_rule_does_not_start() -> None:
    app = Flask("bare", static_folder=None)
    app.add_url_rule("/x", "unguarded", lambda: "everything")
    with pytest.raises(LookupError, match="the route unguarded has no rule"):
        check_routes(app)


def test_holding_a_request_against_its_rule_costs_next_to_nothing(file: Path) -> None:
    file.write_text("workflows:create: (role:a or role:member) and not role:b\n")
    policy, count = Policy(file), 10_000
    begin = time.perf_counter()
    for _ in range(count):
        policy.require("workflows:create", WHO["owner"])
    assert (time.perf_counter() - begin) / count < 0.0001
    with pytest.raises(ForbiddenError, match=r"takes \(the role a or the role member\) and not \(the role b\)"):
        policy.require("workflows:create", WHO["admin"])
