"""Uploaded actions are found by those who may see them, and in their newest version."""

import sys
import threading
import time
from typing import Any

import pytest
from store_rows import OURS

from mistralish import dynamic
from mistralish.actions import ActionContext, Registry
from mistralish.dynamic import DynamicActions
from mistralish.errors import InputError
from mistralish.store import Store, Tenant

CODE = "class A:\n    def __init__(self, x): self.x = x\n    def run(self, context): return self.x + 1\n"


def upload(store: Store, tenant: Tenant = OURS, content: str = CODE, **values: Any) -> dict[str, Any]:
    source = store.create("code_source", {"name": "m", "content": content}, tenant=tenant)
    row = {"name": "add", "class_name": "A", "code_source_id": source["id"], "code_source_name": "m", **values}
    store.create("dynamic_action", row, tenant=tenant)
    return source


@pytest.fixture
def registry(store: Store) -> Registry:
    made = Registry()
    made.dynamic = DynamicActions(store)
    return made


def run(registry: Registry, project: str, given: dict[str, Any]) -> Any:
    """Find an action as a workflow of a project does, and run it as an executor does: by its reference alone."""
    action = registry.seen_by(project, "").find("add")
    assert action is not None
    reference, expanded = action.expand(given, {}, None)
    found = registry.find(reference)
    assert found is not None
    return found.run(expanded, ActionContext()).data


def test_projects_run_their_own_action_of_the_same_name(store: Store, registry: Registry) -> None:
    upload(store)
    upload(store, Tenant("theirs"), CODE.replace("+ 1", "+ 2"))
    assert (run(registry, "ours", {"x": 1}), run(registry, "theirs", {"x": 1})) == (2, 3)
    assert registry.seen_by("strangers", "").find("add") is None


def test_an_action_is_not_found_by_its_reference_or_id_in_a_workflow(store: Store, registry: Registry) -> None:
    upload(store)
    row = store.get("dynamic_action", "add", tenant=OURS)
    finder = registry.seen_by("theirs", "")
    assert finder.find(f"dynamic:{row['id']}") is None
    assert registry.seen_by("ours", "").find(row["id"]) is None


def test_a_system_action_is_not_replaced_by_an_uploaded_one(store: Store, registry: Registry) -> None:
    upload(store, name="std.noop")
    assert registry.seen_by("ours", "").find("std.noop") is registry.find("std.noop")


def test_a_new_version_of_the_code_runs_from_then_on(store: Store, registry: Registry) -> None:
    source = upload(store)
    assert run(registry, "ours", {"x": 1}) == 2
    store.update("code_source", source["id"], {"content": CODE.replace("+ 1", "* 9"), "version": 2}, tenant=OURS)
    assert run(registry, "ours", {"x": 1}) == 9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x = (", "line 1: SyntaxError"),
        ("\n\n1 / 0", "line 3: ZeroDivisionError"),
        ("raise SystemExit", "SystemExit"),
        ("A = 5", "no class A with a method run"),
        ("class A: pass", "no class A with a method run"),
    ],
)
def test_code_that_does_not_fit_says_why(store: Store, registry: Registry, content: str, words: str) -> None:
    upload(store, content=content)
    with pytest.raises(InputError, match=words):
        registry.seen_by("ours", "").find("add")


def test_code_that_does_not_end_holds_nobody_up_for_long_and_is_used_once_it_has_ended(
    store: Store, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamic, "LOAD_SECONDS", 0.3)
    source = upload(store, content="import time, sys\nwhile not hasattr(sys, 'go_on'): time.sleep(0.01)\n" + CODE)
    start = time.monotonic()
    for _ in range(5):
        with pytest.raises(InputError, match=r"cannot be loaded: it takes longer than 0\.3 seconds"):
            registry.seen_by("ours", "").find("add")
    assert time.monotonic() - start < 2
    loading = [thread for thread in threading.enumerate() if thread.name == f"load-{source['id']}"]
    assert len(loading) == 1
    monkeypatch.setattr(sys, "go_on", True, raising=False)
    loading[0].join(10)
    assert run(registry, "ours", {"x": 1}) == 2


def test_code_that_failed_is_tried_again(store: Store, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(store, content="import sys\nif not hasattr(sys, 'go_on'): raise OSError('not now')\n" + CODE)
    with pytest.raises(InputError, match="line 2: OSError: not now"):
        registry.seen_by("ours", "").find("add")
    monkeypatch.setattr(sys, "go_on", True, raising=False)
    assert run(registry, "ours", {"x": 1}) == 2


def test_without_the_setting_there_are_no_uploaded_actions(store: Store) -> None:
    upload(store)
    assert Registry().seen_by("ours", "").find("add") is None
