"""Programs from PyPI that need an environment of their own: installed once, kept in the user's cache directory."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from peers import Unavailable

INSTALL_SECONDS = 600


def cache_dir() -> Path:
    """Where environments are kept: ``$XDG_CACHE_HOME/mistralish-tests``, or ``~/.cache/mistralish-tests``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "mistralish-tests"


def environment_with(name: str, *packages: str) -> Path:
    """The ``bin`` of a virtual environment with ``packages``, made now if it is not there yet.

    Raises Unavailable, with what pip said last, where they cannot be installed.
    """
    folder = cache_dir() / f"{name}-py{sys.version_info.major}.{sys.version_info.minor}"
    folder.mkdir(parents=True, exist_ok=True)
    complete = folder / "installed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be installing the same
        if not complete.exists() or complete.read_text() != "\n".join(packages):
            _run(sys.executable, "-m", "venv", "--clear", folder / "venv")
            _run(folder / "venv/bin/pip", "install", "--quiet", *packages)
            complete.write_text("\n".join(packages))
    return folder / "venv/bin"


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    if done.returncode:
        raise Unavailable(f"{' '.join(map(str, command))} failed: {done.stderr.strip()[-500:]}")
