"""What an event is, and how it is read from a message.

Understood are the notifications of oslo.messaging (OpenStack's services send them), with and without their envelope,
and any JSON object that has an ``event_type`` (or ``event``). Source: the reference's event engine, and
oslo.messaging's notification format.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_ENVELOPE_VERSION, _ENVELOPE = "oslo.version", "oslo.message"
_CONTEXT_PREFIX = "_context_"


class NoEventError(ValueError):
    """A message that is no event; says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``context`` says on whose behalf (``project_id``, ``user_id``, …).

    ``message_id`` is the sender's: two events from one source with the same id are the same event, delivered twice.
    """

    exchange: str
    topic: str
    event_type: str
    payload: Any = None
    publisher: str | None = None
    timestamp: str | None = None
    message_id: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def project_id(self) -> str | None:
        """The project that the event is about, None where it names none."""
        return self.context.get("project_id") or self.context.get("tenant") or None

    def as_params(self) -> dict[str, Any]:
        """What an execution gets as its parameter ``event_params``.

        The first four are the reference's; ``event_type`` and ``payload`` are an extension.
        """
        return {
            "service": self.publisher,
            "project_id": self.project_id,
            "user_id": self.context.get("user_id") or self.context.get("user"),
            "timestamp": self.timestamp,
            "event_type": self.event_type,
            "payload": self.payload,
        }


def read_event(exchange: str, topic: str, body: bytes, message_id: str | None = None) -> Event:
    """Read a message of a broker. ``message_id`` is the one in its properties; the body's own goes before it.

    Raises NoEventError.
    """
    values = _object(body, "The message")
    if _ENVELOPE in values and _ENVELOPE_VERSION in values:
        values = _object(values[_ENVELOPE], "The envelope's message")
    event_type = values.get("event_type") or values.get("event")
    if not isinstance(event_type, str):
        raise NoEventError("The message has no event_type")
    return Event(
        exchange=exchange,
        topic=topic,
        event_type=event_type,
        payload=values.get("payload"),
        publisher=_text(values.get("publisher_id") or values.get("publisher")),
        timestamp=_text(values.get("timestamp")),
        message_id=_text(values.get("message_id") or message_id),
        context=_context(values),
    )


def _object(source: Any, what: str) -> dict[str, Any]:
    try:
        values = json.loads(source)
    except (ValueError, TypeError, RecursionError) as error:
        raise NoEventError(f"{what} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise NoEventError(f"{what} is not a JSON object")
    return values


def _context(values: dict[str, Any]) -> dict[str, Any]:
    given = values.get("context")
    context = dict(given) if isinstance(given, dict) else {}
    for name, value in values.items():
        if name.startswith(_CONTEXT_PREFIX):
            context[name.removeprefix(_CONTEXT_PREFIX)] = value
    return context


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
