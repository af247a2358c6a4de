"""Rows for the store's tests, and short ways to put them there."""

from typing import Any

from mistralish.ids import new_id
from mistralish.records import ActionExecution, TaskExecution, WorkflowExecution
from mistralish.store import Changes, Page, Store, Tenant, parse_query

OURS = Tenant("ours")
ADMIN = Tenant("ours", is_admin=True)


def execution(**values: Any) -> WorkflowExecution:
    return WorkflowExecution(
        **{
            "id": new_id(),
            "name": "flow",
            "workflow_name": "flow",
            "workflow_id": "wf-1",
            "spec_id": "none",
            "project_id": "ours",
            "created_at": 1,
            **values,
        }
    )


def task(owner: WorkflowExecution, **values: Any) -> TaskExecution:
    return TaskExecution(
        **{
            "id": new_id(),
            "name": "t1",
            "workflow_execution_id": owner.id,
            "workflow_name": owner.workflow_name,
            "workflow_id": owner.workflow_id,
            "project_id": owner.project_id,
            "created_at": 2,
            **values,
        }
    )


def action(owner: TaskExecution | None = None, **values: Any) -> ActionExecution:
    of_task = (
        {"task_execution_id": owner.id, "workflow_execution_id": owner.workflow_execution_id, "workflow_name": "flow"}
        if owner
        else {}
    )
    return ActionExecution(
        **{"id": new_id(), "name": "std.echo", "project_id": "ours", "created_at": 3, **of_task, **values}
    )


def save(store: Store, *roots: str, **changes: Any) -> None:
    with store.turn(roots) as turn:
        turn.save(Changes(**changes))


def listed(store: Store, kind: str, tenant: Tenant = OURS, **args: str) -> Page:
    return store.list(kind, parse_query(kind, args), tenant=tenant)


def ids(store: Store, kind: str, tenant: Tenant = OURS, **args: str) -> list[str]:
    return [item["id"] for item in listed(store, kind, tenant, **args).items]
