"""What a process looks for at its start and while it runs is found by an index, on both databases.

PostgreSQL's planner goes by what is there, so there are some finished actions, each of which was heard
of once, and it has been told to use indexes.
"""

from collections.abc import Callable
from typing import Any

import pytest
from store_rows import action, save

from mistralish.store import Store

LOOKS: dict[str, tuple[Callable[[Store], Any], str]] = {
    "executions under way": (lambda store: store.unfinished_executions(10), "ix_workflow_executions_id_partial"),
    "actions under way": (lambda store: store.unfinished_actions(10), "ix_action_executions_id_partial"),
    "silent actions": (lambda store: store.silent_actions(1, 10), "ix_action_executions_id_partial"),
    "due timers": (lambda store: store.due_timers(1, 10), "ix_timers_due_at_id"),
    "the next timer": (lambda store: store.next_timer_at(), "ix_timers_due_at_id"),
    "due triggers": (lambda store: store.due_cron_triggers(1, 10), "ix_cron_triggers_next_execution_time_id"),
    "the next trigger": (lambda store: store.next_cron_at(), "ix_cron_triggers_next_execution_time_id"),
    "messages": (lambda store: store.pending_messages(10), "messages"),
    "calls for this process": (lambda store: store.take_calls("here", 10, 1), "ix_queued_calls_target_id"),
}


@pytest.mark.parametrize("what", LOOKS)
def test_what_is_left_to_do_is_found_by_an_index(store: Store, database: str, what: str) -> None:
    look, index = LOOKS[what]
    for plan in _plans(store, look, database):
        assert index in plan
        assert "INDEX" in plan.upper()
        assert "SEQ SCAN" not in plan.upper()
        assert "B-TREE" not in plan


def _plans(store: Store, look: Callable[[Store], Any], dialect: str) -> list[str]:
    asked: list[tuple[str, Any]] = []
    with store.transaction() as database:
        database.query_hooks.append(lambda event: asked.append((event.sql, event.params)))
        try:
            look(store)
        finally:
            database.query_hooks.clear()
        if dialect == "postgresql":
            save(store, insert=[action(state="SUCCESS", last_heartbeat=0) for _ in range(300)])
            database.execute_sql("ANALYZE action_executions")
            database.execute_sql("SET LOCAL enable_seqscan = off")
            database.execute_sql("SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN" if dialect == "postgresql" else "EXPLAIN QUERY PLAN"
        plans = []
        for sql, parameters in asked:
            rows = database.execute_sql(f"{explain} {sql}", parameters).fetchall()
            plans.append("; ".join(str(row[-1]) for row in rows))
    assert plans
    return plans
