"""What was acknowledged, compared with what is there in the end."""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from kill_fleet import Client, Fleet
from kill_rows import CRON_LOG, Rows
from kill_stories import LOST, Alone, Defined, Kept, Promise
from peers import HttpPeer

QUIET_SECONDS = 1.0
LATE_SECONDS = 15  # a machine with much to do makes up for seconds that it had no time for
PERIODS = {"* * * * * *": 1, "* * * * * */2": 2, "* * * * * 1-58/3": 3}
"""The patterns of the cron triggers, and after how many seconds each comes again."""
MANY = 1_000_000
"""How often each may fire: what then remains tells how often it has."""


def problem_of(client: Client, kept: Kept, web: HttpPeer, fleet: Fleet) -> str | None:
    """What is not as promised, None where all is well."""
    if isinstance(kept, Defined):
        found = client.get(kept.path)
        has = None if found is None else found[kept.attribute]
        right = has is None if kept.word is None else has is not None and kept.word in has
        return None if right else f"{kept.path}: {has!r}, not {kept.word}"
    if isinstance(kept, Alone):
        found = client.get(f"/action_executions/{kept.action_id}") or {"state": "gone", "output": "{}"}
        why = _json(found["output"]).get("result") if found["state"] == "ERROR" else LOST[0]
        right = found["state"] in ("SUCCESS", "ERROR") and why in LOST
        return None if right else f"action {kept.action_id} is {found['state']}: {why!r}"
    found = client.get(f"/executions/{kept.execution_id}")
    what = f"{kept.workflow} {kept.execution_id}"
    if found is None or not kept.states:
        return None if found is None and not kept.states else f"{what} is {found and found['state']}, not {kept.states}"
    if found["state"] not in kept.states:
        return f"{what} is {found['state']}, not {kept.states}: {found['state_info']}"
    output = _json(found["output"])
    if kept.output is not None and output != kept.output:
        return f"{what} has the output {output}, not {kept.output}"
    return _problem_with_calls(what, kept, found, output, web, fleet)


def _problem_with_calls(
    what: str, kept: Promise, found: dict[str, Any], output: Any, web: HttpPeer, fleet: Fleet
) -> str | None:
    is_quiet = fleet.was_quiet(_seconds(found["created_at"]), _seconds(found["updated_at"]), QUIET_SECONDS)
    why = output["why"] if kept.workflow == "called" else ""
    if why not in ("", *LOST):
        return f"{what} failed for an unknown reason: {why!r}"
    for call in kept.calls:
        count = web.seen[call.path]
        if call.kind == "safe":
            is_right = count >= call.count
        elif call.kind == "told":
            is_right = count <= 1
        else:
            is_right = count == 1 or (count == 0 and why != "")
        if not is_right or (is_quiet and (count != call.count or why)):
            return f"{what}: {call.path} was asked for {count} times (quiet: {is_quiet}), its task was told {why!r}"
    return None


def problems_of_actions_alone(kept: list[Kept], rows: Rows, web: HttpPeer) -> list[str]:
    """Actions outside workflows that were run more often than there are rows, or less often than succeeded."""
    found = []
    for each in kept:
        if isinstance(each, Alone):
            made = rows.select(f"SELECT state FROM action_executions WHERE input LIKE '%{each.path}%'")
            done = sum(state == "SUCCESS" for (state,) in made)
            if not done <= web.seen[each.path] <= len(made):
                found.append(f"{each.path} was asked for {web.seen[each.path]} times by {made}")
    return found


def _json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def cron_problems(rows: Rows, fleet: Fleet, tally: Counter[str]) -> list[str]:
    """Each time of a trigger is there once: in the log of what the triggers moved on from, and as an execution."""
    found = []
    for number, (trigger, left) in enumerate(
        rows.select("SELECT id, remaining_executions FROM cron_triggers ORDER BY name")
    ):
        period = list(PERIODS.values())[number]
        moves = rows.select(f"SELECT was, is_now FROM {CRON_LOG} WHERE trigger_id = '{trigger}' ORDER BY was")
        ((started,),) = rows.select(
            "SELECT COUNT(*) FROM workflow_executions WHERE workflow_name = 'ticked' "
            f"AND description LIKE '%{trigger}%'"
        )
        tally["cron times"] += len(moves)
        if not len(moves) == started == MANY - left:
            found.append(f"cron {number}: {len(moves)} times, {started} executions, {MANY - left} counted")
        if len({was for was, _ in moves}) != len(moves):
            found.append(f"cron {number}: a time was taken twice")
        found += [f"cron {number}: {a[1]} was left out" for a, b in pairwise(moves) if a[1] != b[0]]
        for was, is_now in moves:
            left_out = (is_now - was) // 1_000_000 - period
            tally["cron times made up for by the next"] += left_out > 0
            if left_out > LATE_SECONDS and fleet.was_quiet(was / 1e6, is_now / 1e6, LATE_SECONDS):
                found.append(f"cron {number}: from {was} to {is_now} though all was well")
    return found
