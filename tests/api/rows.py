"""Rows of running work, as an engine would have made them, and definitions to start from."""

from typing import Any

from mistralish.config import Settings
from mistralish.records import ActionExecution, TaskExecution, WorkflowExecution

PROJECT = Settings().project_id
CREATED = 1_800_000_000_000_000
CREATED_TEXT = "2027-01-15 08:00:00"

WORKFLOW = """version: '2.0'
greet:
  description: says hello
  tags: [a, b]
  input:
    - who
    - greeting: hello
    - times: 2
    - more: null
  output:
    said: <% $.said %>
  tasks:
    say:
      action: std.echo output=<% $.who %>
      publish:
        said: <% task().result %>
"""

TWO_WORKFLOWS = """version: '2.0'
one:
  tasks:
    t:
      action: std.noop
two:
  tasks:
    t:
      action: std.noop
"""

WORKBOOK = """version: '2.0'
name: book
description: a workbook
tags: [k]
actions:
  shout:
    base: std.echo
    base-input:
      output: <% $.what %>!
    input: [what, loud: 3]
    description: shouts
workflows:
  main:
    tasks:
      t:
        action: shout what=1
"""

ACTION = """version: '2.0'
shout:
  base: std.echo
  base-input:
    output: <% $.what %>!
  input:
    - what
    - how: loudly
    - more: null
  tags: [q]
  description: shouts
"""


def execution_row(identifier: str, **values: Any) -> WorkflowExecution:
    """A running workflow execution."""
    given = {
        "name": values.get("workflow_name", "greet"),
        "workflow_name": "greet",
        "workflow_id": "w",
        "spec_id": "s",
        "state": "RUNNING",
        "tags": [],
        "project_id": PROJECT,
        "created_at": CREATED,
        "updated_at": CREATED,
    }
    return WorkflowExecution(id=identifier, **{**given, **values})


def task_row(identifier: str, execution: str, **values: Any) -> TaskExecution:
    """A running task execution."""
    given = {
        "name": identifier,
        "workflow_name": "greet",
        "workflow_id": "w",
        "state": "RUNNING",
        "tags": [],
        "project_id": PROJECT,
        "created_at": CREATED,
        "updated_at": CREATED,
        "started_at": CREATED,
    }
    return TaskExecution(id=identifier, workflow_execution_id=execution, **{**given, **values})


def action_row(identifier: str, task: str | None, **values: Any) -> ActionExecution:
    """A running action execution, of a task or (None) on its own."""
    given = {"name": "std.echo", "project_id": PROJECT, "created_at": CREATED, "updated_at": CREATED}
    return ActionExecution(id=identifier, task_execution_id=task, **{**given, **values})
