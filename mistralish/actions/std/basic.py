"""The built-in actions that touch nothing outside. Source: the reference's standard actions."""

from collections.abc import Mapping
from typing import Any

from mistralish.actions.base import ActionError, StdAction
from mistralish.actions.context import ActionContext
from mistralish.actions.result import Result

_LONGEST_DELAY = 365 * 24 * 3600.0
_MOST_KEY_CHARACTERS = 64_000_000


class NoOpAction(StdAction):
    """Does nothing and succeeds, with no result."""

    inline = True
    idempotent = True
    plain_result = True

    def execute(self, about: ActionContext) -> None:
        return None


class AsyncNoOpAction(NoOpAction):
    """Does nothing and waits: the result must be given through the API."""

    def is_sync(self, given: Mapping[str, Any]) -> bool:
        return False


class EchoAction(StdAction):
    """Returns its `output` as it is, after `delay` seconds.

    :param output: what to return.
    :param delay: seconds to wait before that; anything that is not a positive number means none.
    """

    idempotent = True
    plain_result = True

    def is_inline(self, given: Mapping[str, Any]) -> bool:
        delay = given.get("delay", 0)
        # A delay that is no number at all fails at once, which is quick too.
        return not isinstance(delay, int | float | str) or seconds_of(delay, float) == 0

    def delay(self, given: Mapping[str, Any]) -> float:
        return seconds_of(given.get("delay", 0), float)

    def execute(self, about: ActionContext, output: Any, delay: Any = 0) -> Any:
        return output


class FailAction(StdAction):
    """Always fails.

    :param error_data: what the error is to hold; without it the error is a plain message.
    """

    inline = True
    idempotent = True
    plain_result = True

    def __str__(self) -> str:
        return "Fail action"

    def execute(self, about: ActionContext, error_data: Any = None) -> Result:
        if error_data:
            return Result(error=error_data)
        raise ActionError("Fail action expected exception.")


class SleepAction(StdAction):
    """Waits for a number of whole seconds, then succeeds with no result.

    :param seconds: how long; anything that is not a positive number means not at all.
    """

    idempotent = True
    plain_result = True

    def delay(self, given: Mapping[str, Any]) -> float:
        return seconds_of(given.get("seconds", 1), int)

    def execute(self, about: ActionContext, seconds: Any = 1) -> None:
        return None


class TestDictAction(StdAction):
    """Makes a dictionary of `size` entries, each with the value `val`, under `key_prefix` and a number from 0.

    :param size: how many entries, up to a million; all the keys together may have 64 million characters.
    """

    inline = True
    idempotent = True
    plain_result = True
    __test__ = False  # not a test case, whatever its name says

    def is_inline(self, given: Mapping[str, Any]) -> bool:
        size = given.get("size", 0)
        return not isinstance(size, int) or size <= 1000

    def execute(self, about: ActionContext, size: Any = 0, key_prefix: Any = "", val: Any = "") -> dict[str, Any]:
        if not isinstance(size, int) or size > 1_000_000:
            raise ActionError(f"Wrong size: {size!r:.100}; it must be a whole number up to 1000000")
        if size * len(str(key_prefix)) > _MOST_KEY_CHARACTERS:
            raise ActionError(f"{size} keys of {len(str(key_prefix))} characters are too much for one dictionary")
        return {f"{key_prefix}{number}": val for number in range(size)}


def seconds_of(value: Any, kind: type[int] | type[float]) -> float:
    """Read a number of seconds as the reference does: text counts, nonsense and negatives are none.

    At most a year. Raises ActionError for what is neither number nor text.
    """
    if not isinstance(value, int | float | str):
        raise ActionError(f"Wrong number of seconds: {value!r:.100}; it must be a number")
    try:
        seconds = float(kind(value))
    except (ValueError, OverflowError):
        return 0.0
    return min(seconds, _LONGEST_DELAY) if seconds > 0 else 0.0
