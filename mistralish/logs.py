"""Logs: one record a line, as text or as JSON, with the ids of what it is about, and safe to ship.

Whatever a record says, it comes out as one record (no control characters that begin another line or move a terminal's
cursor) and with what looks like a secret masked. Libraries that log what they send are kept from doing so.
"""

import logging
import re
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from mistralish.config import Settings
from mistralish.masking import mask_text

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request that the current thread answers."""

project_id: ContextVar[str] = ContextVar("project_id", default="")
"""The project on whose behalf that is."""

execution_id: ContextVar[str] = ContextVar("execution_id", default="")
"""The workflow execution that is being decided, or that the current action runs for."""

FIELDS = "fields"
"""The attribute of a record that holds values of its own: ``logger.info(…, extra={FIELDS: {…}})``."""

_ABOUT = (request_id, project_id, execution_id)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROLS_BUT_LINE_ENDS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# At DEBUG these log statements with their values, headers, or requests with their queries.
_TALKATIVE = ("amqp", "keystoneauth", "keystonemiddleware", "kombu", "paramiko", "peewee", "requests", "urllib3")


class TextFormatter(logging.Formatter):
    """A record as a line of text, below it its traceback, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        about = "".join(f" {name}={value}" for name, value in _about().items())
        message = _escaped(mask_text(_message(record)))
        line = (
            f"{_time(record)} {record.levelname} {record.name}: {message}{f' [{_escaped(about[1:])}]' if about else ''}"
        )
        trace = _trace(self, record)
        return f"{line}\n{_indented(trace)}" if trace else line


class JsonFormatter(logging.Formatter):
    """A record as a JSON object on one line.

    It has ``timestamp`` (RFC 3339, UTC), ``level``, ``logger`` and ``message``; ``request_id``, ``project_id`` and
    ``execution_id`` where they are known; ``exception``, a traceback; and the record's own fields.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        entry: dict[str, Any] = {
            "timestamp": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": mask_text(_message(record)),
            **_about(),
            **getattr(record, FIELDS, {}),
        }
        trace = _trace(self, record)
        if trace:
            entry["exception"] = trace
        return _CONTROLS.sub(_as_escape, _dumped(entry))


def configure(settings: Settings) -> None:
    """Log to standard error what is as severe as the settings say, and what would otherwise be printed there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    least = max(logging.INFO, logging.getLevelName(settings.log_level))
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(least)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    # No format asks for these.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # A record that cannot be written would be shown on standard error as it is.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    threading.excepthook = _log_end_of_thread
    sys.excepthook = _log_end_of_process


def about_execution(identifier: str) -> None:
    """Let what this thread logs from now on tell this execution; none with an empty text."""
    execution_id.set(identifier)


def _log_end_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread else "?"
        logging.getLogger(__name__).error("Thread %s ended unexpectedly", name, exc_info=args.exc_value)


def _log_end_of_process(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    logging.getLogger(__name__).critical("The process ends unexpectedly", exc_info=error)


def _about() -> dict[str, str]:
    return {variable.name: value for variable in _ABOUT if (value := variable.get())}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # A wrong format string at the call: its values stay out, since nobody knows what they are.
        return str(record.msg)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return mask_text(formatter.formatException(record.exc_info))


def _indented(trace: str) -> str:
    return "\n".join(f"    | {line}" for line in _CONTROLS_BUT_LINE_ENDS.sub(_as_escape, trace).split("\n"))


def _escaped(text: str) -> str:
    return _CONTROLS.sub(_as_escape, text)


def _as_escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _dumped(entry: dict[str, Any]) -> str:
    try:
        return orjson.dumps(entry, default=str).decode()
    except TypeError:  # half of a surrogate pair: no UTF-8
        return orjson.dumps({key: _escaped(str(value)) for key, value in entry.items()}).decode()


Announce = Callable[[str], None]


def announcer(settings: Settings) -> Announce:
    """What tells that the service is ready: a line on standard output, or a record where all output is JSON."""
    if settings.log_format == "json":
        return logging.getLogger("mistralish").info
    return lambda line: print(line, flush=True)
