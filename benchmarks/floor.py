"""The floor: raw sqlite3 writing the very rows that the service wrote, with the same durability, and nothing else."""

import sqlite3
import time
from pathlib import Path

_TABLES = ("workflow_executions", "task_executions", "action_executions", "history")
_TASKS_PER_COMMIT = 200


def tasks_a_second(written: Path, folder: Path) -> float:
    """How many tasks a second plain sqlite3 writes: the rows of the database ``written``, into tables like its own.

    ``synchronous=FULL``, 200 tasks a commit, every index of the service's.
    """
    source = sqlite3.connect(written)
    rows = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in _TABLES}
    schema = source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name IN (?, ?, ?, ?)", _TABLES)
    target = sqlite3.connect(folder / "floor.db", isolation_level=None)
    target.execute("PRAGMA journal_mode=WAL")
    target.execute("PRAGMA synchronous=FULL")
    for (statement,) in schema:
        target.execute(statement)
    source.close()
    tasks = len(rows["task_executions"])
    commits = max(1, tasks // _TASKS_PER_COMMIT)
    began = time.perf_counter()
    for at in range(commits):
        target.execute("BEGIN")
        for table, found in rows.items():
            part = found[len(found) * at // commits : len(found) * (at + 1) // commits]
            if part:
                target.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(part[0]))})", part)
        target.execute("COMMIT")
    seconds = time.perf_counter() - began
    target.close()
    return tasks / seconds
