"""What receivers of events are told, and what they are sent with it."""

import logging
from types import SimpleNamespace

import pytest

from mistralish.actions.egress import EgressPolicy
from mistralish.engine.effects import Notify
from mistralish.executors import notifier
from mistralish.logs import TextFormatter
from mistralish.sealing import Sealer, new_key

SEALER = Sealer((new_key(),))


@pytest.fixture
def told(monkeypatch):
    """What a publisher called `probe` was given: (data, its own parameters)."""
    calls = []

    class Probe:
        def publish(self, ctx, ex_id, data, event, timestamp, **params):
            calls.append((data, params))
            raise RuntimeError(f"refused: {params}")

    found = [SimpleNamespace(load=lambda: Probe)]
    monkeypatch.setattr(notifier, "entry_points", lambda **_: found)
    return calls


def tell(entry, **data):
    about = {"id": "e1", "project_id": "p1", **data}
    told_by = notifier.Notifier(EgressPolicy(), SEALER)
    told_by.notify(Notify("r1", [{"type": "probe", **entry}], "TASK_FAILED", about))
    told_by.stop(10)


def test_an_event_tells_nothing_that_looks_like_a_secret(told):
    tell({}, state_info=f"password=hunter2 and {SEALER.seal('hunter2', 'p1')}", name="t", state="ERROR")
    ((data, _),) = told
    assert data["state_info"] == "password=*** and ***"
    assert (data["name"], data["state"]) == ("t", "ERROR")


def test_a_receiver_is_sent_its_own_secret_in_plain_and_logs_are_not(told, caplog):
    caplog.handler.setFormatter(TextFormatter())
    tell({"headers": {"X-Hook": SEALER.seal("hunter2", "p1")}})
    ((_, params),) = told
    assert params == {"headers": {"X-Hook": "hunter2"}}
    assert "refused: " in caplog.text
    assert "hunter2" not in caplog.text


def test_a_receiver_with_another_projects_secret_is_told_nothing(told, caplog):
    caplog.set_level(logging.WARNING)
    tell({"headers": {"X-Hook": SEALER.seal("hunter2", "p2")}})
    assert not told
    assert "sealed for another project" in caplog.text
