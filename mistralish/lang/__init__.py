"""The Mistral workflow language 2.0: YAML text → immutable specs, every error with its place and a hint."""

from mistralish.lang.actions import load_action, parse_actions
from mistralish.lang.errors import LanguageError
from mistralish.lang.specs import (
    ENGINE_COMMANDS,
    REQUIRED,
    ActionSpec,
    OnClause,
    Policies,
    Publish,
    Retry,
    TaskSpec,
    Transition,
    WorkbookSpec,
    WorkflowSpec,
)
from mistralish.lang.workbooks import parse_workbook
from mistralish.lang.workflows import load_workflow, parse_workflows
from mistralish.lang.yaml_loader import YamlLimits, load_yaml

__all__ = [
    "ENGINE_COMMANDS",
    "REQUIRED",
    "ActionSpec",
    "LanguageError",
    "OnClause",
    "Policies",
    "Publish",
    "Retry",
    "TaskSpec",
    "Transition",
    "WorkbookSpec",
    "WorkflowSpec",
    "YamlLimits",
    "load_action",
    "load_workflow",
    "load_yaml",
    "parse_actions",
    "parse_workbook",
    "parse_workflows",
]
