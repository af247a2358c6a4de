"""The record of an execution, read in order and in pages."""

import pytest
from store_rows import execution

from mistralish.records import HistoryEvent
from mistralish.store import Changes, Store


@pytest.fixture
def recorded(store: Store) -> Store:
    owner, other = execution(id="mine"), execution(id="other")
    events = [
        HistoryEvent(
            "mine", seq, 1000 + seq, "task" if seq % 2 else "action", {"name": f"t{seq % 3}", "state": "RUNNING"}
        )
        for seq in range(1, 3001)
    ]
    events.append(HistoryEvent("other", 1, 5, "execution", {"state": "SUCCESS"}))
    with store.turn([owner.id, other.id]) as turn:
        turn.save(Changes(insert=[owner, other], history=events))
    return store


def test_events_come_in_order_and_of_one_execution_only(recorded: Store) -> None:
    events = recorded.history("mine", limit=4000)
    assert [event.seq for event in events] == list(range(1, 3001))
    assert events[0] == HistoryEvent("mine", 1, 1001, "task", {"name": "t1", "state": "RUNNING"})


def test_a_page_goes_on_after_the_one_before(recorded: Store) -> None:
    assert [event.seq for event in recorded.history("mine", after=10, limit=3)] == [11, 12, 13]
    assert recorded.history("mine", after=3000, limit=3) == []


def test_events_are_chosen_by_type_and_by_what_they_say(recorded: Store) -> None:
    found = recorded.history("mine", limit=2, kind="action", payload={"name": "t0"}, after=2990)
    assert [event.seq for event in found] == [2994, 3000]
    # The chosen ones may lie many pages apart.
    assert len(recorded.history("mine", limit=5000, payload={"name": "t0"})) == 1000
    assert recorded.history("mine", limit=5, payload={"name": "none"}) == []
