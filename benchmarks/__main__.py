"""Measures everything, section by section, and prints the table."""

import argparse
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks import dbos, floor, growth, idle, language, plugin, rates, stored, waiting
from benchmarks.figures import Figure, table
from benchmarks.service import database_file, running

_OF_SQLITE = 0.6
_SERVER = os.environ.get("MISTRALISH_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
SECTIONS = ("rates", "dbos", "growth", "idle", "expressions", "postgresql", "waiting", "stored")


class Benchmark:
    """Runs the sections that are wanted, each in a folder of its own, and keeps what they found."""

    def __init__(self, folder: Path, scale: int, stored_executions: int, waiting_executions: int) -> None:
        self._folder = folder
        self._scale = scale
        self._stored = stored_executions
        self._waiting = waiting_executions
        self._chain = 0.0
        self.figures: list[Figure] = []

    def run(self, section: str) -> None:
        """Run one of ``SECTIONS``; ``dbos`` needs the rate of the chain, and has it measured if it was not yet."""
        sections: dict[str, Callable[[], list[Figure]]] = {
            "rates": self._rates,
            "dbos": lambda: dbos.measure(self._rate_of_chain()),
            "growth": self._growth,
            "idle": self._idle,
            "expressions": language.measure,
            "postgresql": self._postgresql,
            "waiting": lambda: waiting.measure(self._new_folder(), self._waiting),
            "stored": lambda: stored.measure(self._new_folder(), self._new_folder(), self._stored, self._scale),
        }
        for figure in sections[section]():
            self.figures.append(figure)
            print(table([figure]).splitlines()[-1], flush=True)

    def _rates(self) -> list[Figure]:
        folder = self._new_folder()
        with running(folder, more=plugin.lay_out(folder / "plugin")) as service:
            rates.measure(service.client, 1)  # what is compiled once is not measured
            found, by_workload = rates.measure(service.client, self._scale)
            threaded = rates.measure_threaded(service.client, self._scale)
        self._chain = by_workload["b_chain"]
        raw = floor.tasks_a_second(database_file(folder), folder)
        shown = [replace(each, of_floor=each.value / raw) if each.unit == rates.RATE else each for each in found]
        return [Figure("floor: raw sqlite3 writing the same rows", raw, rates.RATE), *shown, *threaded]

    def _rate_of_chain(self) -> float:
        if not self._chain:
            self._rates()
        return self._chain

    def _growth(self) -> list[Figure]:
        with running(self._new_folder()) as service:
            return growth.measure(service.client)

    def _idle(self) -> list[Figure]:
        with running(self._new_folder()) as service:
            return idle.measure(service)

    def _postgresql(self) -> list[Figure]:
        with (
            _database() as url,
            running(self._new_folder(), url) as on_postgresql,
            running(self._new_folder()) as on_sqlite,
        ):
            ratios = rates.compare(on_sqlite.client, on_postgresql.client, self._scale)
        return [
            Figure(f"{name[2:]} on PostgreSQL, of SQLite's rate", ratio, "×", _OF_SQLITE)
            for name, ratio in ratios.items()
        ]

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))


@contextmanager
def _database() -> Iterator[str]:
    import psycopg

    name = f"mistralish_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(_SERVER, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield _SERVER.rpartition("/")[0] + "/" + name
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=SECTIONS, help="this section; may be given several times")
    parser.add_argument("--scale", type=int, default=10, help="how many times the work that load drivers do")
    parser.add_argument("--stored", type=int, default=1_000_000, help="finished executions in the large store")
    parser.add_argument("--waiting", type=int, default=100_000, help="executions that wait")
    parser.add_argument("--folder", type=Path, help="where to put databases; a temporary one otherwise")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder, ignore_cleanup_errors=True) as folder:
        benchmark = Benchmark(Path(folder), given.scale, given.stored, given.waiting)
        for section in given.only or SECTIONS:
            benchmark.run(section)
    print("\n" + table(benchmark.figures))


if __name__ == "__main__":
    main()
