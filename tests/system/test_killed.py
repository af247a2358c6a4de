"""The real service under load, killed at random moments: what was acknowledged is there, and right, in the end.

By default a slice that fits into every run; ``MISTRALISH_KILLS=60`` makes it as long as wanted, and
``MISTRALISH_KILL_SEED`` repeats the choices of an earlier run (not its timing, which is the machine's).
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kill_checks import MANY, PERIODS, cron_problems, problem_of, problems_of_actions_alone
from kill_fleet import Client, Fleet
from kill_rows import Rows
from kill_stories import FINISHED, STORIES, WORKFLOWS, Kept
from peers import HttpPeer, wait_for
from private_postgresql import Cluster, private_cluster

SLICE = 5
KILLS = int(os.environ.get("MISTRALISH_KILLS", SLICE))
SEED = os.environ.get("MISTRALISH_KILL_SEED") or f"{random.SystemRandom().getrandbits(32):x}"
CLIENTS = 8
PAUSE_SECONDS = 0.05  # of each client after a story: the machine must be able to follow
SETTINGS = {"action_heartbeat_check_interval": 1, "action_heartbeat_max_missed_heartbeats": 3}
HOUR = 3600

Kill = Callable[[Fleet, random.Random], None]


class Load:
    """Callers at work, each in a thread; ``kept`` is what was acknowledged."""

    def __init__(self, fleet: Fleet, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.kept: list[Kept] = []
        self.failures: list[str] = []
        self.clients = [Client(fleet, f"{SEED}-{number}") for number in range(CLIENTS)]
        self._threads = [threading.Thread(target=self._work, args=(client,)) for client in self.clients]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let each caller finish what it is at."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, client: Client) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            story = client.random.choice(STORIES)
            try:
                self.kept.append(story(client, self._url))
            except Exception as error:
                self.failures.append(f"{story.__name__}: {error!r}")


def _set_up(client: Client) -> None:
    client.done("definition", "POST", "/workflows", WORKFLOWS)
    workflow = client.get("/workflows/evented")["id"]
    client.done(
        "trigger",
        "POST",
        "/event_triggers",
        {"name": "on", "workflow_id": workflow, "exchange": "kills", "topic": "t", "event": "e"},
    )
    for number, pattern in enumerate(PERIODS):
        cron = {"name": f"cron-{number}", "workflow_name": "ticked", "pattern": pattern, "remaining_executions": MANY}
        client.done("trigger", "POST", "/cron_triggers", cron)


@contextmanager
def _loaded(fleet: Fleet, database_url: str, url: str) -> Iterator[tuple[Load, Rows]]:
    rows = Rows(database_url)
    load = Load(fleet, url)
    try:
        rows.watch_cron()
        _set_up(load.clients[0])
        load.start()
        try:
            yield load, rows
        finally:
            load.end()
    finally:
        fleet.stop()
        rows.close()


def _killed_for_a_while(fleet: Fleet, kill: Kill) -> None:
    chance = random.Random(f"{SEED}-kills")
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.2, 3))
        kill(fleet, chance)


def _kill_one(fleet: Fleet, chance: random.Random) -> None:
    """Kill a service and start it again; sometimes once more while it recovers."""
    place = chance.randrange(len(fleet.services))
    at = fleet.kill(place)
    fleet.begin(place)
    if chance.random() < 0.25:
        time.sleep(chance.uniform(0.3, 1.2))
        fleet.kill(place)
        fleet.begin(place)
    fleet.await_answer(place, at)


def _kill_all(fleet: Fleet) -> None:
    """Kill all services at once."""
    places = range(len(fleet.services))
    gone = [fleet.kill(place) for place in places]
    for place in places:
        fleet.begin(place)
    for place in places:
        fleet.await_answer(place, gone[place])


def _restart_database(fleet: Fleet, cluster: Cluster, chance: random.Random) -> None:
    """Stop the database under its services, or have it crash, and start it again."""
    at = time.time()
    cluster.stop(chance.choice(("fast", "immediate")))
    time.sleep(chance.uniform(0, 1))
    cluster.start()
    fleet.restarts += 1
    for place in range(len(fleet.services)):
        fleet.await_answer(place, at)


def _all_ended(rows: Rows) -> bool:
    """Whether nothing is under way but what was paused for good."""
    states = ", ".join(repr(state) for state in (*FINISHED, "PAUSED"))
    running = f"SELECT id FROM workflow_executions WHERE state NOT IN ({states})"
    alone = f"SELECT id FROM action_executions WHERE task_execution_id IS NULL AND state NOT IN ({states})"
    return not rows.select(f"{running} UNION ALL {alone} LIMIT 1")


def _tell(name: str, fleet: Fleet, load: Load, problems: list[str], tally: Counter[str]) -> str:
    acknowledged = sum((client.acknowledged for client in load.clients), Counter())
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(acknowledged.items()))
    more = ", ".join(f"{what}: {count}" for what, count in sorted(tally.items()))
    return (
        f"{name} (seed {SEED}): kills {fleet.kills}, restarts of the database {fleet.restarts}, "
        f"acknowledged {acknowledged.total()} ({kinds}), {more}, "
        f"problems: {len(problems)}"
    )


def _check(name: str, load: Load, rows: Rows, fleet: Fleet, web: HttpPeer) -> None:
    load.end()
    try:
        wait_for(lambda: _all_ended(rows), 90, "the end of all executions")
    except AssertionError as error:
        load.failures.append(str(error))
    client = load.clients[0]
    problems = [*load.failures, *filter(None, (problem_of(client, kept, web, fleet) for kept in load.kept))]
    fleet.stop()
    tally: Counter[str] = Counter()
    problems += problems_of_actions_alone(load.kept, rows, web)
    problems += rows.problems() + cron_problems(rows, fleet, tally)
    told = _tell(name, fleet, load, problems, tally)
    print(told)
    assert not problems, told + "\n" + "\n".join(problems[:40])


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_done_twice_on_sqlite(tmp_path: Path, web: HttpPeer) -> None:
    url = f"sqlite:///{tmp_path}/killed.db"
    fleet = Fleet(tmp_path, url, 1, SETTINGS)
    with _loaded(fleet, url, web.url) as (load, rows):
        _killed_for_a_while(fleet, _kill_one)
        _check("SQLite", load, rows, fleet, web)
        said = fleet.said
        assert "Traceback" not in said, said[said.index("Traceback") - 500 :][:4000]


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_done_twice_by_two_services_on_postgresql(
    tmp_path: Path, web: HttpPeer
) -> None:
    with private_cluster() as cluster:

        def kill(fleet: Fleet, chance: random.Random) -> None:
            what = chance.random()
            if what < 0.2:
                _restart_database(fleet, cluster, chance)
            elif what < 0.3:
                _kill_all(fleet)
            else:
                _kill_one(fleet, chance)

        fleet = Fleet(tmp_path, cluster.url, 2, SETTINGS)
        with _loaded(fleet, cluster.url, web.url) as (load, rows):
            _killed_for_a_while(fleet, kill)
            if KILLS > SLICE:
                # The one that is left finishes the work of the other; with messages, that takes half a minute.
                fleet.outages.append((fleet.kill(0), time.time() + HOUR))
            _check("PostgreSQL", load, rows, fleet, web)
