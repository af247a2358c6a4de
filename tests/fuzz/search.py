"""Searches: a check is tried on made-up values, as often as is said or for as long, and what happened is counted."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from mistralish.errors import MistralishError

MOST_SECONDS = 3.0
"""What one example may take of the processor; definitions of the largest size allowed take about two."""

HANGS_AFTER = 120.0  # seconds by the clock: the machine may be busy with something else
_LONGEST_MESSAGE = 20_000
_A_ROUND = 300


@dataclass
class Tally:
    """What one part of the fuzz has done. ``memory`` is in MiB: before (when warm), and after."""

    part: str
    cases: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    slowest_case: str = ""
    seconds: float = 0.0
    memory: tuple[float, float] = (0.0, 0.0)
    findings: list[str] = field(default_factory=list)

    def note(self, answer: str, seconds: float, case: str) -> None:
        """Count a case and its answer."""
        self.cases += 1
        self.answers[answer] += 1
        if seconds > self.slowest:
            self.slowest, self.slowest_case = seconds, case

    def __str__(self) -> str:
        answers = ", ".join(f"{name} {count}" for name, count in sorted(self.answers.items()))
        before, after = self.memory
        return (
            f"{self.part}: {self.cases} cases in {self.seconds:.0f} s ({answers}), the slowest {self.slowest:.2f} s "
            f"({self.slowest_case}), memory {before:.0f} → {after:.0f} MiB, {len(self.findings)} findings"
        )


@dataclass(frozen=True)
class Target:
    """``check`` answers what came of a value, in a word or two, and fails with whatever must never happen."""

    part: str
    values: SearchStrategy[Any]
    check: Callable[[Any], str]


class HangsError(BaseException):
    """An example has not come to an end. No Exception: what is tried must not be able to catch it."""


def settled(work: Callable[..., Any], *arguments: Any) -> str:
    """What came of a call: ``accepted``, or the status of a refusal, which must be the caller's to understand."""
    refusal = None
    try:
        work(*arguments)
    except MistralishError as error:
        refusal = error
    if refusal is None:
        return "accepted"
    assert 400 <= refusal.status < 500, f"{refusal.status}: {refusal!r}"
    assert refusal.message.strip(), f"{type(refusal).__name__} says nothing"
    assert len(refusal.message) < _LONGEST_MESSAGE, f"a message of {len(refusal.message)} characters"
    return str(refusal.status)


def search(target: Target, *, examples: int = 0, seconds: float = 0) -> Tally:
    """Try so many examples, the same each time; or others each time, for so long. What fails is in ``findings``."""
    tally = Tally(target.part)
    begun = time.monotonic()
    while not tally.findings:
        _round(target, tally, examples)
        tally.seconds = time.monotonic() - begun
        tally.memory = (tally.memory[0] or resident(os.getpid()), resident(os.getpid()))
        if tally.seconds >= seconds:
            break
    return tally


def _round(target: Target, tally: Tally, examples: int) -> None:
    def tried(value: Any) -> None:
        worked, begun = time.process_time(), time.monotonic()
        with _not_hanging():
            answer = target.check(value)
        tally.note(answer, time.monotonic() - begun, repr(value)[:80])
        assert time.process_time() - worked < MOST_SECONDS, f"took {time.process_time() - worked:.1f} s"

    chosen = settings(
        max_examples=examples or _A_ROUND,
        derandomize=bool(examples),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    made_up = chosen(given(target.values)(tried))
    try:
        (made_up if examples else seed(random.getrandbits(64))(made_up))()
    except (Exception, HangsError) as error:
        notes = "\n".join(getattr(error, "__notes__", ()))
        tally.findings.append(f"{target.part}: {type(error).__name__}: {error}\n{notes}"[:5000])


@contextmanager
def _not_hanging() -> Iterator[None]:
    def give_up(*_: Any) -> None:
        raise HangsError(f"no end after {HANGS_AFTER} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, HANGS_AFTER)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def resident(process_id: int) -> float:
    """The memory of a process that is in use now, in MiB."""
    with open(f"/proc/{process_id}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
