"""Running one call of an action: whatever happens, a Result comes out."""

import logging
import threading
import time

from mistralish.actions.base import SystemAction
from mistralish.actions.context import ActionContext
from mistralish.actions.plain import to_plain
from mistralish.actions.redact import redact
from mistralish.actions.registry import Registry
from mistralish.actions.result import Result
from mistralish.executors.call import ActionCall

log = logging.getLogger(__name__)


def run_now(registry: Registry, call: ActionCall) -> Result:
    """Run an action here and wait for it, its delay included, but no longer than its timeout.

    Never raises what the action raises: that is an error result. After the timeout the action may go on in a
    thread of its own, and nobody hears of it.
    """
    action = registry.find(call.action)
    if action is None:
        return not_found(call)
    if call.timeout is None:
        return _wait_and_run(action, call)
    results: list[Result] = []
    runner = threading.Thread(target=lambda: results.append(_wait_and_run(action, call)), daemon=True)
    runner.start()
    runner.join(call.timeout)
    return results[0] if results else timed_out(action, call)


def run_action(action: SystemAction, call: ActionCall) -> Result:
    """Run an action without its delay and without its timeout. An exception becomes an error result."""
    try:
        result = action.run(call.input, ActionContext.from_dict(call.context, call.action_execution_id))
    except BaseException as error:  # in the thread of an action, even sys.exit is only the action's end
        log.debug("Action %s (%s) failed", call.action, call.action_execution_id, exc_info=True)
        return failed(action, call, error)
    return result if action.plain_result else _plain(action, call, result)


def failed(action: SystemAction, call: ActionCall, error: BaseException) -> Result:
    """Return the error result for an exception; values of secret-looking parameters are masked in its message."""
    return _raised(action, call, redact(str(error), call.input))


def timed_out(action: SystemAction, call: ActionCall) -> Result:
    """Return the error result for a call that overran its timeout."""
    return _raised(action, call, f"Timeout after {call.timeout} seconds")


def not_found(call: ActionCall) -> Result:
    """Return the error result for a call of an action that does not exist here."""
    return Result(error=f"Failed to find action [action_name={call.action}]")


def delay_of(action: SystemAction, call: ActionCall) -> float | Result:
    """Return the seconds to wait before the run, or the error result when the input does not tell them."""
    try:
        return action.delay(call.input)
    except Exception as error:
        return failed(action, call, error)


def _wait_and_run(action: SystemAction, call: ActionCall) -> Result:
    delay = delay_of(action, call)
    if isinstance(delay, Result):
        return delay
    if delay > 0:
        time.sleep(delay)
    return run_action(action, call)


def _raised(action: SystemAction, call: ActionCall, message: str) -> Result:
    return Result(
        error=f"The action raised an exception [action={action}, action_ex_id={call.action_execution_id},"
        f" msg='{message}']"
    )


def _plain(action: SystemAction, call: ActionCall, result: Result) -> Result:
    try:
        return Result(to_plain(result.data), to_plain(result.error), result.cancel)
    except ValueError as error:  # UnicodeDecodeError is one
        return Result(
            error="Failed to complete action due to a Mistral exception"
            f" [action={action}, action_ex_id={call.action_execution_id}]\n {error}"
        )
