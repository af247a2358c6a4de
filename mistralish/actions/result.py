"""What an action ends with."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """The end of an action: ``data`` when it went well, ``error`` when not, ``cancel`` when it was called off.

    ``error`` may be any JSON value: it is a failure unless it is None.
    """

    data: Any = None
    error: Any = None
    cancel: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the action did what it should."""
        return self.error is None and not self.cancel

    @property
    def is_error(self) -> bool:
        """Whether the action failed (a cancelled one did not)."""
        return self.error is not None and not self.cancel

    def to_output(self) -> dict[str, Any]:
        """Return the action execution's ``output``: the data, or what went wrong, under ``result``."""
        return {"result": self.data if self.is_success else self.error}
