"""The engine holds a command to the project whose row was checked: another's may have come under the same id since."""

from collections.abc import Iterator

import pytest

from mistralish.actions import Registry
from mistralish.definitions import Definitions
from mistralish.engine import Engine, commands
from mistralish.errors import ConflictError, InputError, NotFoundError
from mistralish.executors import ThreadExecutor
from mistralish.store import Store, Tenant, parse_query

WAITING = "version: '2.0'\nwaiting:\n  tasks:\n    t: {action: std.async_noop}\n"


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    registry = Registry()
    engine = Engine(store, registry, lambda on_result: ThreadExecutor(registry, on_result, 2))
    engine.start()
    yield engine
    engine.stop(5)


@pytest.fixture
def run(store: Store, engine: Engine, tenant: Tenant) -> str:
    """An execution of ``ours``, RUNNING."""
    for project in (tenant, Tenant("theirs")):
        Definitions(store, project).create_workflows(WAITING)
    engine.call(commands.StartExecution("e", "waiting", project_id="ours"))
    engine.admissions.wait("ours")
    return "e"


def only(store: Store, kind: str) -> str:
    """The id of the one row of a kind."""
    (row,) = store.list(kind, parse_query(kind, {}), tenant=Tenant("ours")).items
    return str(row["id"])


def test_a_command_about_another_project_s_execution_finds_none(
    store: Store, engine: Engine, run: str, tenant: Tenant
) -> None:
    task, action = only(store, "task"), only(store, "action_execution")
    for command in (
        commands.PauseExecution(run),
        commands.ResumeExecution(run),
        commands.StopExecution(run, "ERROR"),
        commands.UpdateExecution(run, description="d"),
        commands.DeleteExecution(run, force=True),
        commands.RerunTask(task),
        commands.ActionFinished(action),
        commands.UpdateAction(action, "PAUSED"),
    ):
        with pytest.raises(NotFoundError):
            engine.call(command, project_id="theirs")
    kept = store.get("execution", run, tenant=tenant)
    assert (kept["state"], kept["description"]) == ("RUNNING", "")
    engine.call(commands.ActionFinished(action), project_id="ours")
    assert store.get("execution", run, tenant=tenant)["state"] == "SUCCESS"
    engine.call(commands.DeleteExecution(run), project_id="ours")


def test_an_action_outside_workflows_is_held_to_its_project_too(store: Store, engine: Engine, tenant: Tenant) -> None:
    action = engine.call(commands.RunAction("std.async_noop", project_id="ours", save_result=True))
    for command in (commands.ActionFinished(action.id), commands.UpdateAction(action.id, "PAUSED")):
        with pytest.raises(NotFoundError):
            engine.call(command, project_id="theirs")
    engine.call(commands.ActionFinished(action.id), project_id="ours")
    with pytest.raises(NotFoundError):
        engine.call(commands.DeleteAction(action.id), project_id="theirs")
    engine.call(commands.DeleteAction(action.id), project_id="ours")
    assert store.find("action_execution", action.id, tenant=tenant) is None


def test_an_id_that_another_project_has_starts_nothing_and_answers_nothing(engine: Engine, run: str) -> None:
    with pytest.raises(ConflictError, match="Duplicate entry for WorkflowExecution with ID: e"):
        engine.call(commands.StartExecution(run, "waiting", project_id="theirs"))
    assert engine.call(commands.StartExecution(run, "waiting", project_id="ours")).id == run


@pytest.mark.parametrize("place", ["root_execution_id", "task_execution_id", "parent_execution_id"])
def test_nobody_claims_a_place_in_a_tree_of_executions(store: Store, engine: Engine, run: str, place: str) -> None:
    with pytest.raises(InputError, match=rf"params\.{place} says where an execution is in a tree: leave it out"):
        engine.call(commands.StartExecution("n", "waiting", params={place: run}, project_id="theirs"))
    assert store.find("execution", "n", tenant=Tenant("theirs")) is None
