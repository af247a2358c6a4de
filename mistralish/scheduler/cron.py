"""Cron patterns: which are right, and when one is due next.

A pattern has five fields as in crontab(5): minute, hour, day of month, month, day of week (0 and 7 are Sunday), with
names, ranges, steps and lists, or is one of ``@hourly``, ``@daily``, ``@midnight``, ``@weekly``, ``@monthly``,
``@yearly``, ``@annually``. When day of month and day of week are both restricted, either may match. As with the
reference, whose library this uses, a sixth field counts seconds and a seventh years, and ``L`` (last) and ``#`` (nth
weekday) are understood.

Patterns are evaluated in UTC unless a time zone is named. In a zone that changes its clocks:

- With ``*`` as its hour, a pattern counts hours as they pass: it goes on through the hour that comes twice, and has no
  firing in the hour that is left out.
- Every other pattern names times of the day, each of which counts once a day (the rule of crontab(5) for jobs at a
  fixed hour): one that the clocks leave out fires at the first moment after the gap, one that comes twice fires the
  first time only.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from croniter import croniter
from croniter.croniter import CroniterBadDateError

from mistralish.errors import InputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ALIASES = "@hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"


class _Field(NamedTuple):
    name: str
    allowed: str


_FIELDS = (
    _Field("minute", "0-59"),
    _Field("hour", "0-23"),
    _Field("day of month", "1-31, or L for the last"),
    _Field("month", "1-12 or jan-dec"),
    _Field("day of week", "0-7 (0 and 7 are Sunday) or sun-sat"),
    _Field("second", "0-59"),
    _Field("year", "1970-2099"),
)


def validate(pattern: str, time_zone: str | None = None) -> None:
    """Check a cron pattern and the name of a time zone (IANA, such as ``Europe/Berlin``).

    Raises InputError naming the field that is wrong, its position and its range, or saying that the pattern never
    comes true (such as the 31st of February).
    """
    names_years = isinstance(pattern, str) and len(pattern.split()) == len(_FIELDS)
    if next_time(pattern, 0, time_zone) is None and not names_years:
        raise InputError(
            f"The specified pattern is not valid: {pattern}: no date ever has such a day of month, month and weekday"
        )


def next_time(pattern: str, after_us: int, time_zone: str | None = None) -> int | None:
    """The first time after ``after_us`` at which ``pattern`` is due, both in microseconds since the epoch, UTC.

    None when no such time comes within fifty years. Raises InputError when pattern or time zone is wrong.
    """
    after = (_EPOCH + after_us * _MICROSECOND).astimezone(_zone(time_zone))
    times = _iterator(pattern, after.replace(microsecond=0))
    once_a_day = _names_times_of_day(pattern)
    while True:
        try:
            due = times.get_next(datetime)
        except CroniterBadDateError:
            return None
        if not (once_a_day and due.fold):
            return (due - _EPOCH) // _MICROSECOND


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (LookupError, ValueError, OSError):
        raise InputError(f"Unknown time zone '{name}': give an IANA name such as Europe/Berlin or UTC") from None


def _iterator(pattern: str, start: datetime) -> croniter:
    if not isinstance(pattern, str):
        raise InputError(f"The specified pattern is not valid: {pattern}: it must be text such as '*/5 * * * *'")
    try:
        return croniter(pattern, start)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(_what_is_wrong(pattern, error)) from None


def _names_times_of_day(pattern: str) -> bool:
    """Whether the pattern names hours of the day (then the clock on the wall counts), rather than every hour."""
    fields = pattern.lower().split()
    return fields[1] != "*" if len(fields) > 1 else fields != ["@hourly"]


def _what_is_wrong(pattern: str, error: Exception) -> str:
    prefix = f"The specified pattern is not valid: {pattern}"
    parts = pattern.split()
    if len(parts) == 1 and parts[0].startswith("@"):
        return f"{prefix}: the names that stand for a pattern are {_ALIASES}"
    if not 5 <= len(parts) <= len(_FIELDS):
        return (
            f"{prefix}: it has {len(parts)} fields, but must have five (minute, hour, day of month, month, day of "
            f"week), or be one of {_ALIASES}"
        )
    for position, part in enumerate(parts):
        alone = ["*"] * len(parts)
        alone[position] = part
        try:
            croniter(" ".join(alone))
        except (ValueError, KeyError, TypeError):
            field = _FIELDS[position]
            return (
                f"{prefix}: '{part}' in field {position + 1} ({field.name}) is wrong; allowed are {field.allowed}, "
                "lists (1,2), ranges (1-5) and steps (*/5)"
            )
    return f"{prefix}: {error}"
