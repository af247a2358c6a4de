"""One blueprint for each resource of the API."""

from flask import Blueprint

from mistralish.api.resources import (
    action_executions,
    actions,
    cron_triggers,
    environments,
    executions,
    root,
    tasks,
    workbooks,
    workflows,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    root.blueprint,
    workflows.blueprint,
    workbooks.blueprint,
    actions.blueprint,
    executions.blueprint,
    tasks.blueprint,
    action_executions.blueprint,
    environments.blueprint,
    cron_triggers.blueprint,
)
