"""DBOS, a durable-execution library without a server, doing the same chain on the same machine."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from benchmarks.figures import Figure

_TIMES = 6
_SCRIPT = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from dbos import DBOS

DBOS(config={"name": "bench", "system_database_url": sys.argv[1], "log_level": "ERROR", "run_admin_server": False})

@DBOS.step()
def nothing(at):
    return at

@DBOS.workflow()
def chain(length):
    for at in range(length):
        nothing(at)
    return length

DBOS.launch()
executions, length = 100, 10
began = time.perf_counter()
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: DBOS.start_workflow(chain, length).get_result(), range(executions)))
print(executions * length / (time.perf_counter() - began))
DBOS.destroy()
"""


def measure(chain_rate: float) -> list[Figure]:
    """DBOS's steps a second, in an environment of its own, and how many times that ``chain_rate`` is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", "dbos"], check=True, capture_output=True)
        command = [str(python), "-c", _SCRIPT, f"sqlite:///{folder / 'dbos.sqlite'}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    steps = float(done.stdout.split()[-1])
    return [
        Figure("DBOS: chain on SQLite", steps, "steps/s"),
        Figure("chain, times DBOS's steps", chain_rate / steps, "×", _TIMES),
    ]
