"""Actions in threads of this process."""

import logging
import threading
import time
from collections.abc import Callable

from mistralish.actions.base import SystemAction
from mistralish.actions.registry import Registry
from mistralish.actions.result import Result
from mistralish.errors import UnavailableError
from mistralish.executors.alarm import Alarm
from mistralish.executors.call import ActionCall, Load
from mistralish.executors.fair import FairQueue
from mistralish.executors.run import delay_of, failed, not_found, run_action, timed_out
from mistralish.logs import about_execution
from mistralish.sealing import Sealer

log = logging.getLogger(__name__)

SHARES = 4
"""So many projects may use all that one may use, at the same time."""

OnResult = Callable[[str | None, Result], None]


class _Job:
    """A call on its way. Its result is told once, whoever comes first: the action or the timeout."""

    __slots__ = ("action", "call", "delay", "ended", "project_id", "running", "stuck", "taken_at")

    def __init__(self, call: ActionCall, action: SystemAction, delay: float) -> None:
        self.call = call
        self.action = action
        self.delay = delay
        self.project_id = call.context.get("project_id")
        self.taken_at = time.monotonic()
        self.running = False
        self.ended = False
        self.stuck = False


class ThreadExecutor:
    """Runs calls in threads: at most ``workers`` calls of a project at a time, and SHARES times as many of all.

    The queue before the threads has no bound, and tells its size: the engine starts nothing new while it is long.
    Projects take turns in it.
    ``on_result(action_execution_id, result)`` is called once for each synchronous action, and for an asynchronous
    one only when it fails to start; in one of the executor's threads, or in ``submit`` for a call that cannot be
    run at all. What it raises is logged and dropped. An action's delay occupies no thread. A call that overruns its
    timeout is told as an error; its thread goes on to its end unheard, and another takes its place: for as many calls
    as there are workers. Beyond that, such calls keep their threads from the others until they end.
    ``sealer``: see :func:`mistralish.executors.run.run_action`.
    """

    def __init__(
        self, registry: Registry, on_result: OnResult, workers: int = 16, sealer: Sealer | None = None
    ) -> None:
        self._registry = registry
        self._sealer = sealer
        self._on_result = on_result
        self._wanted = workers
        self._threads = 0
        self._active = 0  # calls in the queue or in one of those threads
        self._started = 0
        self._begun = 0
        self._stuck = 0
        self._overdue: set[_Job] = set()  # they are not among the stuck ones, since those are as many as may be
        self._queue: FairQueue[_Job] = FairQueue(workers)
        self._idle = 0  # threads that wait, and have not been called
        self._jobs: set[_Job] = set()
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        self._called = threading.Condition(lock)
        self._accepting = True
        self._open = True
        self._alarm = Alarm("actions-alarm")

    @property
    def load(self) -> Load:
        """How much there is to do."""
        return Load(self._begun, self.queued, self.unfinished, self._stuck)

    @property
    def queued(self) -> int:
        """How many calls wait for a thread."""
        return len(self._queue)

    def queued_of(self, project_id: str) -> int:
        """How many calls of a project wait for a thread."""
        return self._queue.waiting(project_id)

    @property
    def unfinished(self) -> int:
        """How many calls have been taken and have not ended: waiting, delayed or running."""
        return len(self._jobs)

    @property
    def room(self) -> int:
        """How many more calls it would begin without much delay: a few for each thread."""
        return max(0, 2 * self._wanted - self._active)

    def in_flight(self, seconds: float) -> list[str]:
        """The action executions of the calls that were taken at least so many seconds ago and have not ended."""
        before = time.monotonic() - seconds
        with self._changed:
            jobs = [job for job in self._jobs if job.taken_at <= before and not job.ended]
        return [job.call.action_execution_id for job in jobs if job.call.action_execution_id is not None]

    def submit(self, call: ActionCall) -> None:
        """Take a call. Raises UnavailableError once the executor is being shut down."""
        action = self._registry.find(call.action)
        if action is None:
            self._tell(call, not_found(call))
            return
        delay = delay_of(action, call)
        if isinstance(delay, Result):
            self._tell(call, delay)
            return
        job = _Job(call, action, delay)
        with self._changed:
            if not self._accepting:
                raise UnavailableError("The service is stopping and starts no more actions")
            self._jobs.add(job)
        if delay > 0:
            self._limit(job)
            self._alarm.after(delay, lambda: self._enqueue(job))
        else:
            self._enqueue(job)

    def shutdown(self, seconds: float) -> tuple[str, ...]:
        """Take no more calls, let those that were taken end for so many seconds, then drop the rest.

        Returns the action execution ids of the calls that did not end; no result of theirs is told any more.
        """
        give_up_at = time.monotonic() + seconds
        with self._changed:
            self._accepting = False
            while self._jobs and (left := give_up_at - time.monotonic()) > 0:
                self._changed.wait(left)
            self._open = False
            left_over = tuple(job.call.action_execution_id or "" for job in self._jobs if not job.ended)
            for job in self._jobs:
                job.ended = True
            self._jobs.clear()
            self._called.notify_all()
        self._alarm.close()
        return left_over

    def _enqueue(self, job: _Job) -> None:
        with self._changed:
            self._active += 1
            self._queue.put(job.project_id, job)
            self._call_thread()

    def _call_thread(self) -> None:
        """See to it that somebody takes the next call, if one may be taken."""
        if not self._open or not self._queue.is_ready:
            return
        if self._idle:
            self._idle -= 1
            self._called.notify()
        elif self._threads < SHARES * self._wanted:
            self._threads += 1
            self._started += 1
            threading.Thread(target=self._work, name=f"action-{self._started}", daemon=True).start()

    def _next(self) -> _Job | None:
        """Wait for a call. None after the shutdown."""
        with self._changed:
            while self._open:
                job = self._queue.take()
                if job is not None:
                    job.running = not job.ended
                    self._begun += job.running
                    return job
                self._idle += 1
                self._called.wait()
        return None

    def _work(self) -> None:
        while (job := self._next()) is not None:
            if job.running:
                self._run(job)
            with self._changed:
                job.running = False
                if job.stuck:
                    self._stuck -= 1
                    if not self._take_place():
                        return
                else:
                    self._overdue.discard(job)
                    self._leave(job)

    def _leave(self, job: _Job) -> None:
        self._active -= 1
        self._queue.done(job.project_id)

    def _run(self, job: _Job) -> None:
        about_execution(str(job.call.context.get("workflow_execution_id") or ""))
        if job.delay <= 0:
            self._limit(job)
        result = run_action(job.action, job.call, self._sealer)
        try:
            expected = result.is_error or job.action.is_sync(job.call.input)
        except Exception as error:
            expected, result = True, failed(job.action, job.call, error)
        self._end(job, result if expected else None)

    def _limit(self, job: _Job) -> None:
        if job.call.timeout is not None:
            self._alarm.after(job.call.timeout, lambda: self._overrun(job))

    def _overrun(self, job: _Job) -> None:
        with self._changed:
            if job.ended:
                return
            if job.running:  # its thread is lost for others: let one take its place
                self._overdue.add(job)
                if self._stuck < self._wanted:
                    self._set_aside()
                    self._call_thread()
                else:
                    log.error(
                        "%d calls run on after their timeout: their threads are not replaced any more, others wait",
                        self._stuck + len(self._overdue),
                    )
        self._end(job, timed_out(job.action, job.call))

    def _set_aside(self) -> None:
        """Count the thread of an overdue call no longer: it ends with the call."""
        job = self._overdue.pop()
        job.stuck = True
        self._stuck += 1
        self._threads -= 1
        self._leave(job)
        log.warning(
            "Action %s (%s) runs on after its timeout; %d of at most %d threads are lost in this way",
            job.call.action,
            job.call.action_execution_id,
            self._stuck,
            self._wanted,
        )

    def _take_place(self) -> bool:
        """Let the thread of a call that was set aside, and has ended, take the place of one that is overdue yet."""
        if not self._overdue:
            return False
        self._set_aside()
        self._threads += 1
        return True

    def _end(self, job: _Job, result: Result | None) -> None:
        with self._changed:
            if job.ended:
                return
            job.ended = True
        if result is not None:
            self._tell(job.call, result)
        with self._changed:
            self._jobs.discard(job)
            self._changed.notify_all()

    def _tell(self, call: ActionCall, result: Result) -> None:
        try:
            self._on_result(call.action_execution_id, result)
        except Exception:
            log.exception("The result of action execution %s could not be told", call.action_execution_id)
