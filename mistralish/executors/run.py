"""Running one call of an action: whatever happens, a Result comes out."""

import logging
import threading
import time
import traceback
from dataclasses import replace

from mistralish.actions.base import SystemAction
from mistralish.actions.context import ActionContext
from mistralish.actions.plain import to_plain
from mistralish.actions.redact import redact
from mistralish.actions.registry import Registry
from mistralish.actions.result import Result
from mistralish.errors import UnavailableError
from mistralish.executors.call import ActionCall
from mistralish.executors.secrets import open_call
from mistralish.masking import hidden
from mistralish.sealing import Sealer, SealError

log = logging.getLogger(__name__)

SYNC_SECONDS = 60
"""How long a caller waits for an action; the reference's wait for an answer of its executor is the same."""
SYNC_RUNS = 8
"""How many callers may wait at a time."""

_places = threading.BoundedSemaphore(SYNC_RUNS)


def run_now(registry: Registry, call: ActionCall, sealer: Sealer | None = None) -> Result:
    """Run an action here and wait for it, its delay included, but no longer than its timeout, or SYNC_SECONDS.

    Never raises what the action raises: that is an error result. After that time the action may go on in a
    thread of its own, and nobody hears of it. Raises UnavailableError while too many run in this way: each keeps a
    request waiting. ``sealer``: see :func:`run_action`.
    """
    action = registry.find(call.action)
    if action is None:
        return not_found(call)
    call = replace(call, timeout=SYNC_SECONDS if call.timeout is None else min(call.timeout, SYNC_SECONDS))
    delay = delay_of(action, call)
    if isinstance(delay, Result):
        return delay
    if not _places.acquire(blocking=False):
        raise UnavailableError(
            f"{SYNC_RUNS} actions run while their callers wait, and more cannot; try again, or leave out 'run_sync'"
        )
    return _run_aside(action, call, delay, sealer)


def _run_aside(action: SystemAction, call: ActionCall, delay: float, sealer: Sealer | None) -> Result:
    wait = call.timeout or 0.0
    time.sleep(min(delay, wait))
    if delay >= wait:
        _places.release()
        return timed_out(action, call)
    results: list[Result] = []

    def run() -> None:
        try:
            results.append(run_action(action, call, sealer))
        finally:
            _places.release()

    runner = threading.Thread(target=run, name=f"run-{call.action_execution_id}", daemon=True)
    runner.start()
    runner.join(wait - delay)
    return results[0] if results else timed_out(action, call)


def run_action(action: SystemAction, call: ActionCall, sealer: Sealer | None = None) -> Result:
    """Run an action without its delay and without its timeout. An exception becomes an error result.

    ``sealer`` opens what is sealed in the input, and seals it in the result; without one, all stays as it is.
    """
    if sealer is None:
        return _run(action, call)
    try:
        return _run_opened(action, call, sealer)
    except (SealError, RecursionError) as error:
        return _raised(action, call, str(error))


def _run_opened(action: SystemAction, call: ActionCall, sealer: Sealer) -> Result:
    call, opened = open_call(call, sealer)
    if opened is None:
        return _run(action, call)
    with hidden(opened.values):
        result = _run(action, call)
    error = opened.mask(result.error) if isinstance(result.error, str) else opened.close(result.error)
    return Result(opened.close(result.data), error, result.cancel)


def _run(action: SystemAction, call: ActionCall) -> Result:
    try:
        about = {**call.context, "timeout": call.timeout}
        result = action.run(call.input, ActionContext.from_dict(about, call.action_execution_id))
    except BaseException as error:  # in the thread of an action, even sys.exit is only the action's end
        if log.isEnabledFor(logging.DEBUG):
            trace = redact(traceback.format_exc(), call.input)
            log.debug("Action %s (%s) failed: %s", call.action, call.action_execution_id, trace)
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
