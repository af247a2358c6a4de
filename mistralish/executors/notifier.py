"""Telling the outside of events: what an execution's ``notify`` parameter asks for.

Publishers come by the entry point group ``mistral.notification.publishers``; ``webhook`` and ``noop`` are built in.
A publisher is a class without parameters whose ``publish(ctx, ex_id, data, event, timestamp, **params)`` is
called with the other keys of its entry in ``notify``. Source: the reference's documentation, "Notifications".
"""

import copy
import logging
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from mistralish.actions.egress import EgressPolicy
from mistralish.executors.lines import Lines
from mistralish.executors.secrets import Opened
from mistralish.executors.webhook import Webhook
from mistralish.masking import hidden, mask_text, mask_values
from mistralish.sealing import Sealer
from mistralish.times import moment

log = logging.getLogger(__name__)

GROUP = "mistral.notification.publishers"

_THREADS = 16
_LINES = 4
"""In how many of them a project's trees are told of at a time."""
_MOST_WAITING = 10_000

Publish = Callable[..., None]


class Notifier:
    """Delivers events, those of one tree of executions in the order in which they happened.

    Each is tried once: a failure is logged and passed over, and what was not delivered when the process ended is lost.
    No project's receivers, however slow, keep those of others waiting for long. ``policy`` is where webhooks may go;
    ``sealer`` opens what is sealed in an entry of ``notify``, such as a receiver's token. Events tell no secrets.
    """

    def __init__(self, policy: EgressPolicy, sealer: Sealer) -> None:
        self._sealer = sealer
        self._lines = Lines(_THREADS, _MOST_WAITING, "notify")
        self._publishers: dict[str, Publish] = {"webhook": Webhook(policy).publish, "noop": _publish_nothing}

    def notify(self, notice: Any) -> None:
        """Queue a notice (``root_id``, ``publishers``, ``event``, ``data``) for delivery."""
        line = (notice.data.get("project_id"), hash(notice.root_id) % _LINES)
        if not self._lines.put(line, lambda: self._deliver(notice)):
            log.warning("Event %s of %s is not delivered: too many events wait already", notice.event, notice.root_id)

    def stop(self, seconds: float) -> None:
        """Deliver what is queued for so many seconds, then drop what is not yet on its way."""
        self._lines.close(seconds)

    def _deliver(self, notice: Any) -> None:
        data = {k: _shown(k, v) for k, v in notice.data.items()} | {"event": notice.event}
        for entry in notice.publishers:
            opened = Opened(self._sealer, str(data.get("project_id")))
            try:
                self._publish(data, notice.event, entry, opened)
            except Exception as error:
                with hidden(opened.values):
                    log.warning(
                        "Event %s of %s was not delivered to %s: %s", notice.event, data["id"], entry.get("type"), error
                    )

    def _publish(self, data: dict[str, Any], event: str, entry: dict[str, Any], opened: Opened) -> None:
        publish = self._find(str(entry.get("type")))
        params = opened.open({k: copy.deepcopy(v) for k, v in entry.items() if k != "type"})
        with hidden(opened.values):
            publish(None, data["id"], data, event, data.get("updated_at"), **params)

    def _find(self, name: str) -> Publish:
        if name not in self._publishers:
            for point in entry_points(group=GROUP, name=name):
                self._publishers[name] = point.load()().publish
        if name not in self._publishers:
            raise LookupError(f"there is no notification publisher '{name}'; known: {sorted(self._publishers)}")
        return self._publishers[name]


def _publish_nothing(*_: Any, **__: Any) -> None:
    pass


def _shown(key: str, value: Any) -> Any:
    if key.endswith("_at") and isinstance(value, int):
        return moment(value)
    return mask_text(value) if key == "state_info" and value else mask_values(value)
