"""What expressions may ask of the running workflow. The engine implements it."""

from collections.abc import Mapping
from typing import Any, Protocol


class Scope(Protocol):
    """The place an expression is evaluated at: which execution, and which task if any.

    Source of what each answer holds: the language reference, "Workflow language functions".
    The answers belong to the engine: expressions read them and never change them.
    ``project``: whose time evaluations take.
    """

    project: str

    def env(self) -> Mapping[str, Any]:
        """Return the environment of the execution."""

    def task(self, name: str | None) -> dict[str, Any] | None:
        """Return the current task (no name), or the latest of that name in this execution; None if there is none."""

    def tasks(
        self, workflow_execution_id: str | None, recursive: bool, state: str | None, flat: bool
    ) -> list[dict[str, Any]]:
        """Return the tasks that fit."""

    def execution(self) -> dict[str, Any]:
        """Return the execution this is evaluated in."""

    def executions(
        self, id: str | None, root_execution_id: str | None, state: str | None, from_time: Any, to_time: Any
    ) -> list[dict[str, Any]]:
        """Return the executions that fit; ``from_time`` is inclusive, ``to_time`` exclusive."""

    def global_(self, name: str) -> Any:
        """Return what was published globally under the name; None if nothing was."""
