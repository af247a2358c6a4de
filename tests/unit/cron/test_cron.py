"""Cron patterns: what is accepted, what is said about the rest, and when each is due."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mistralish.errors import InputError
from mistralish.scheduler import cron


def micros(text: str, zone: str = "UTC") -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return round(moment.timestamp()) * 1_000_000


def firings(pattern: str, after: str, count: int, zone: str | None = None) -> list[str]:
    """The next ``count`` firings after the local time ``after``, each with its UTC offset."""
    due: int | None = micros(after, zone or "UTC")
    found = []
    for _ in range(count):
        assert due is not None
        due = cron.next_time(pattern, due, zone)
        assert due is not None
        local = datetime.fromtimestamp(due // 1_000_000, UTC).astimezone(ZoneInfo(zone or "UTC"))
        found.append(local.strftime("%m-%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("pattern", "first", "second"),
    [
        ("* * * * *", "2026-01-01T00:01+00:00", "2026-01-01T00:02+00:00"),
        ("*/20 3 * * *", "2026-01-01T03:00+00:00", "2026-01-01T03:20+00:00"),
        ("5,50 0-1 * * *", "2026-01-01T00:05+00:00", "2026-01-01T00:50+00:00"),
        ("0 0 * * 0", "2026-01-04T00:00+00:00", "2026-01-11T00:00+00:00"),
        ("0 0 * * 7", "2026-01-04T00:00+00:00", "2026-01-11T00:00+00:00"),
        ("0 0 * * Sun", "2026-01-04T00:00+00:00", "2026-01-11T00:00+00:00"),
        ("0 0 1 FEB-mar *", "2026-02-01T00:00+00:00", "2026-03-01T00:00+00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"),
        ("0 0 13 * fri", "2026-01-02T00:00+00:00", "2026-01-09T00:00+00:00"),
        ("@hourly", "2026-01-01T01:00+00:00", "2026-01-01T02:00+00:00"),
        ("@daily", "2026-01-02T00:00+00:00", "2026-01-03T00:00+00:00"),
        ("@midnight", "2026-01-02T00:00+00:00", "2026-01-03T00:00+00:00"),
        ("@weekly", "2026-01-04T00:00+00:00", "2026-01-11T00:00+00:00"),
        ("@monthly", "2026-02-01T00:00+00:00", "2026-03-01T00:00+00:00"),
        ("@yearly", "2027-01-01T00:00+00:00", "2028-01-01T00:00+00:00"),
        ("@annually", "2027-01-01T00:00+00:00", "2028-01-01T00:00+00:00"),
    ],
)
def test_a_pattern_is_due_in_utc_as_crontab_says(pattern: str, first: str, second: str) -> None:
    start = cron.next_time(pattern, micros("2026-01-01T00:00"))
    assert start == micros(first)
    assert cron.next_time(pattern, start) == micros(second)


def test_seconds_are_the_sixth_field_as_in_the_reference() -> None:
    assert cron.next_time("* * * * * 30", micros("2026-01-01T00:00")) == micros("2026-01-01T00:00:30")


def test_the_next_time_is_after_the_given_one_however_close_that_is() -> None:
    due = micros("2026-01-01T00:01")
    assert cron.next_time("* * * * *", due - 1) == due
    assert cron.next_time("* * * * *", due) == due + 60_000_000


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("61 * * * *", ["'61'", "field 1 (minute)", "0-59"]),
        ("* 24 * * *", ["'24'", "field 2 (hour)", "0-23"]),
        ("* * 0 * *", ["'0'", "field 3 (day of month)", "1-31"]),
        ("* * * foo *", ["'foo'", "field 4 (month)", "jan-dec"]),
        ("* * * * 8", ["'8'", "field 5 (day of week)", "0-7"]),
        ("*/0 * * * *", ["'*/0'", "field 1 (minute)"]),
        ("1,,2 * * * *", ["'1,,2'", "field 1 (minute)"]),
        ("* * *", ["3 fields", "must have five"]),
        ("", ["0 fields", "must have five"]),
        ("@reboot", ["@hourly", "@daily"]),
        ("0 0 31 2 *", ["no date ever"]),
    ],
)
def test_a_wrong_pattern_is_refused_with_the_field_its_place_and_its_range(pattern: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        cron.validate(pattern)
    assert caught.value.message.startswith(f"The specified pattern is not valid: {pattern}")
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", "/etc/localtime"])
def test_an_unknown_time_zone_is_refused_by_name(zone: str) -> None:
    with pytest.raises(InputError, match="IANA name") as caught:
        cron.validate("* * * * *", zone)
    assert zone in caught.value.message


@pytest.mark.parametrize(
    ("zone", "after", "pattern", "expected"),
    [
        ("Europe/Berlin", "2026-03-28T03:00", "30 2 * * *", ["03-29 03:00+0200", "03-30 02:30+0200"]),
        ("Europe/Berlin", "2026-03-28T12:00", "15,45 2 * * *", ["03-29 03:00+0200", "03-30 02:15+0200"]),
        ("Europe/Berlin", "2026-03-28T12:00", "0 3 * * *", ["03-29 03:00+0200", "03-30 03:00+0200"]),
        ("America/New_York", "2026-03-07T12:00", "30 2 * * *", ["03-08 03:00-0400", "03-09 02:30-0400"]),
        ("America/Havana", "2026-03-07T12:00", "@daily", ["03-08 01:00-0400", "03-09 00:00-0400"]),
    ],
)
def test_a_time_of_day_that_clocks_leave_out_fires_once_right_after_the_gap(
    zone: str, after: str, pattern: str, expected: list[str]
) -> None:
    assert firings(pattern, after, 2, zone) == expected


@pytest.mark.parametrize(
    ("zone", "after", "pattern", "expected"),
    [
        ("Europe/Berlin", "2026-10-24T12:00", "30 2 * * *", ["10-25 02:30+0200", "10-26 02:30+0100"]),
        ("Europe/Berlin", "2026-10-25T02:20", "*/15 2 * * *", ["10-25 02:30+0200", "10-25 02:45+0200"]),
        ("Europe/Berlin", "2026-10-25T02:45", "*/15 2 * * *", ["10-26 02:00+0100", "10-26 02:15+0100"]),
        ("America/New_York", "2026-10-31T12:00", "30 1 * * *", ["11-01 01:30-0400", "11-02 01:30-0500"]),
        ("America/Havana", "2026-10-31T12:00", "@daily", ["11-01 00:00-0400", "11-02 00:00-0500"]),
    ],
)
def test_a_time_of_day_that_comes_twice_fires_the_first_time_only(
    zone: str, after: str, pattern: str, expected: list[str]
) -> None:
    assert firings(pattern, after, 2, zone) == expected


@pytest.mark.parametrize(
    ("zone", "after", "pattern", "expected"),
    [
        ("Europe/Berlin", "2026-03-29T01:00", "30 * * * *", ["03-29 01:30+0100", "03-29 03:30+0200"]),
        ("Europe/Berlin", "2026-10-25T01:30", "0 * * * *", ["10-25 02:00+0200", "10-25 02:00+0100"]),
        ("America/New_York", "2026-11-01T00:30", "@hourly", ["11-01 01:00-0400", "11-01 01:00-0500"]),
        ("Australia/Lord_Howe", "2026-10-04T01:20", "10,40 * * * *", ["10-04 01:40+1030", "10-04 02:40+1100"]),
    ],
)
def test_a_pattern_for_every_hour_counts_hours_as_they_pass(
    zone: str, after: str, pattern: str, expected: list[str]
) -> None:
    assert firings(pattern, after, 2, zone) == expected
