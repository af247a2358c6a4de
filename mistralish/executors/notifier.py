"""Telling the outside of events: what an execution's ``notify`` parameter asks for.

Publishers come by the entry point group ``mistral.notification.publishers``; ``webhook`` and ``noop`` are built in.
A publisher is a class without parameters whose ``publish(ctx, ex_id, data, event, timestamp, **params)`` is
called with the other keys of its entry in ``notify``. Source: the reference's documentation, "Notifications".
"""

import copy
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from importlib.metadata import entry_points
from typing import Any

from mistralish.times import moment

log = logging.getLogger(__name__)

GROUP = "mistral.notification.publishers"

_LINES = 4
_CONNECT_AND_READ_SECONDS = (3, 10)

Publish = Callable[..., None]


class Notifier:
    """Delivers events, those of one tree of executions in the order in which they happened.

    Each is tried once: a failure is logged and passed over, and what was not delivered when the process ended is lost.
    """

    def __init__(self) -> None:
        self._lines = [ThreadPoolExecutor(1, thread_name_prefix=f"notify-{i}") for i in range(_LINES)]
        self._publishers: dict[str, Publish] = {"webhook": publish_webhook, "noop": _publish_nothing}
        self._waiting: set[Future[None]] = set()

    def notify(self, notice: Any) -> None:
        """Queue a notice (``root_id``, ``publishers``, ``event``, ``data``) for delivery."""
        future = self._lines[hash(notice.root_id) % _LINES].submit(self._deliver, notice)
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)

    def stop(self, seconds: float) -> None:
        """Deliver what is queued for so many seconds, then drop what is not yet on its way."""
        wait(list(self._waiting), timeout=seconds)
        for line in self._lines:
            line.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, notice: Any) -> None:
        data = {k: _shown(k, v) for k, v in notice.data.items()} | {"event": notice.event}
        for entry in notice.publishers:
            params = {k: copy.deepcopy(v) for k, v in entry.items() if k != "type"}
            try:
                publish = self._find(str(entry.get("type")))
                publish(None, data["id"], data, notice.event, data.get("updated_at"), **params)
            except Exception as error:
                log.warning(
                    "Event %s of %s was not delivered to %s: %s", notice.event, data["id"], entry.get("type"), error
                )

    def _find(self, name: str) -> Publish:
        if name not in self._publishers:
            for point in entry_points(group=GROUP, name=name):
                self._publishers[name] = point.load()().publish
        if name not in self._publishers:
            raise LookupError(f"there is no notification publisher '{name}'; known: {sorted(self._publishers)}")
        return self._publishers[name]


def publish_webhook(
    ctx: Any, ex_id: str, data: dict[str, Any], event: str, timestamp: str, url: str, headers: Any = None, **_: Any
) -> None:
    """POST an event as JSON to ``url``. Raises OSError where it is not taken with 200 or 201."""
    import requests

    answer = requests.post(
        url, json=data, headers=headers or {}, timeout=_CONNECT_AND_READ_SECONDS, allow_redirects=False
    )
    if answer.status_code not in (200, 201):
        raise OSError(f"{url} answered {answer.status_code}")


def _publish_nothing(*_: Any, **__: Any) -> None:
    pass


def _shown(key: str, value: Any) -> Any:
    if key.endswith("_at") and isinstance(value, int):
        return moment(value)
    return value
