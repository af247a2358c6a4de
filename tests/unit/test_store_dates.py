"""Dates as clients write them."""

from datetime import UTC, datetime

import pytest

from mistralish.store.dates import parse_date

MOMENT = datetime(2026, 11, 21, 7, 31, 38, tzinfo=UTC)
SECOND = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21 07:31:38",
        "2026-11-21 7:31:38",
        "2026-11-21T07:31:38",
        "2026-11-21T07:31:38Z",
        "2026-11-21t07:31:38z",
        " 2026-11-21 07:31:38 UTC ",
        "2026-11-21T07:31:38+00:00",
        "2026-11-21T08:31:38+01:00",
        "2026-11-21T08:31:38+0100",
        "2026-11-21T08:31:38+01",
        "2026-11-21T08:31:38 01:00",
        "2026-11-21T02:01:38-05:30",
        "2026-11-21T07:31:38.000000Z",
        "2026-11-21T07:31:38,0",
    ],
)
def test_every_form_of_one_second_stands_for_that_whole_second(text: str) -> None:
    span = parse_date(text)
    assert span.start == int(MOMENT.timestamp()) * SECOND
    assert span.end == span.start + SECOND


def test_a_fraction_stands_for_its_microsecond() -> None:
    span = parse_date("2026-11-21T07:31:38.25Z")
    assert span.start == int(MOMENT.timestamp()) * SECOND + 250_000
    assert span.end == span.start + 1
    assert parse_date("2026-11-21T07:31:38.250000999Z") == span


def test_a_date_or_minute_alone_stands_for_its_first_second() -> None:
    assert parse_date("2026-11-21").start == int(datetime(2026, 11, 21, tzinfo=UTC).timestamp()) * SECOND
    assert parse_date("2026-11-21 07:31").start == parse_date("2026-11-21 07:31:00").start


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026",
        "2026-11",
        "2026-13-01",
        "2026-02-30",
        "2026-11-21 25:00",
        "2026-11-21 07:31:61",
        "21.11.2026",
        "2026-11-21T07:31:38+99:00",
        "1795246298",
        "2026-11-21T07:31:38.",
        "２０２６-11-21",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_date(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_dates_at_the_ends_of_the_calendar_are_taken(text: str) -> None:
    assert parse_date(text).end - parse_date(text).start == SECOND
