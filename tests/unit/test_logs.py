"""Records as they leave the process: one line each, whatever they say, with ids and without secrets."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mistralish import logs
from mistralish.logs import FIELDS, JsonFormatter, TextFormatter

FORMATTERS = (TextFormatter(), JsonFormatter())
# What ends a line for some reader, or moves a terminal's cursor.
CONTROLS = "\n\r\x0b\x0c\x1b\x7f\x85\x9b\u2028\u2029"


def record(message: str, *args: Any, exc_info: Any = None, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("mistralish.x", logging.WARNING, "x.py", 1, message, args, exc_info)
    made.created = 1_700_000_000.25
    made.__dict__.update(more)
    return made


def as_json(*args: Any, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(JsonFormatter().format(record(*args, **more)))
    return found


@pytest.fixture(autouse=True)
def nothing_is_known() -> Iterator[None]:
    yield
    for variable in (logs.request_id, logs.project_id, logs.execution_id):
        variable.set("")


@pytest.fixture
def failure() -> Any:
    try:
        raise ValueError("two\nlines, and password=hunter2")
    except ValueError:
        return sys.exc_info()


def test_a_json_record_has_time_level_logger_and_message() -> None:
    assert as_json("%d of %s", 3, "ü") == {
        "timestamp": "2023-11-14T22:13:20.250Z",
        "level": "WARNING",
        "logger": "mistralish.x",
        "message": "3 of ü",
    }


def test_a_text_record_has_them_too() -> None:
    assert TextFormatter().format(record("3 of %s", "ü")) == "2023-11-14T22:13:20.250Z WARNING mistralish.x: 3 of ü"


def test_a_record_tells_the_request_the_project_and_the_execution_that_are_known() -> None:
    logs.request_id.set("req-1")
    logs.about_execution("ex-1")
    assert as_json("m") | {"request_id": "req-1", "execution_id": "ex-1"} == as_json("m")
    assert "project_id" not in as_json("m")
    assert TextFormatter().format(record("m")).endswith(": m [request_id=req-1 execution_id=ex-1]")


def test_fields_of_its_own_stand_beside_the_message_in_json() -> None:
    assert as_json("m", **{FIELDS: {"status": 404}})["status"] == 404


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_no_message_makes_a_second_line_or_moves_a_cursor(formatter: logging.Formatter) -> None:
    line = formatter.format(record(f"user {CONTROLS}2023-11-14T22:13:20.250Z ERROR forged: record"))
    assert not set(line) & set(CONTROLS)
    assert len(line.splitlines()) == 1


def test_what_a_message_held_is_read_again_from_json() -> None:
    assert as_json(f"a{CONTROLS}b")["message"] == f"a{CONTROLS}b"


def test_an_execution_id_of_a_client_forges_nothing() -> None:
    logs.about_execution("x\n2023 ERROR forged")
    assert len(TextFormatter().format(record("m")).splitlines()) == 1


def test_a_traceback_is_a_field_in_json(failure: Any) -> None:
    entry = as_json("m", exc_info=failure)
    assert entry["exception"].startswith("Traceback")
    assert "ValueError: two\nlines" in entry["exception"]


def test_a_traceback_in_text_is_indented_so_that_its_lines_are_no_records(failure: Any) -> None:
    first, *others = TextFormatter().format(record("m", exc_info=failure)).splitlines()
    assert first.endswith(": m")
    assert others
    assert all(line.startswith("    | ") for line in others)


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_secrets_are_masked_in_messages_arguments_and_tracebacks(formatter: logging.Formatter, failure: Any) -> None:
    said = record(
        "GET postgresql://ann:hunter2@db with %s", {"Authorization": "Bearer hunter2hunter2"}, exc_info=failure
    )
    assert "hunter2" not in formatter.format(said)


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_a_wrong_format_string_is_logged_without_its_values(formatter: logging.Formatter) -> None:
    line = formatter.format(record("%d of %d", "hunter2"))
    assert "%d of %d" in line
    assert "hunter2" not in line


def test_half_of_a_surrogate_pair_is_logged() -> None:
    assert "\\ud800" in as_json("a\ud800b")["message"]
    TextFormatter().format(record("a\ud800b")).encode()


def test_values_that_are_no_json_are_logged_as_text() -> None:
    assert as_json("m", **{FIELDS: {"path": FORMATTERS}})["path"]
