"""One blueprint for each resource of the API."""

from flask import Blueprint

from mistralish.api.resources import (
    action_executions,
    actions,
    code_sources,
    cron_triggers,
    dynamic_actions,
    environments,
    event_triggers,
    events,
    executions,
    health,
    history,
    info,
    maintenance,
    members,
    metrics,
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
    history.blueprint,
    tasks.blueprint,
    action_executions.blueprint,
    environments.blueprint,
    cron_triggers.blueprint,
    event_triggers.blueprint,
    events.blueprint,
    members.blueprint,
    code_sources.blueprint,
    dynamic_actions.blueprint,
    maintenance.blueprint,
    info.blueprint,
    health.blueprint,
    metrics.blueprint,
)
