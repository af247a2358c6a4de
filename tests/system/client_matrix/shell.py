"""The installed ``mistral`` command, as a process of its own; every run that succeeded is recorded."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers import wait_for
from rest import Rest, unique

Scenario = Callable[["Shell"], None]

PROGRAM = shutil.which("mistral", path=str(Path(sys.executable).parent)) or shutil.which("mistral")


@dataclass
class Shell:
    """``mistral`` with ``environment``, which says where the service is; ``folder`` takes the files it reads.

    ``done`` has the arguments of every run that ended with exit code 0.
    """

    environment: Mapping[str, str]
    folder: Path
    done: list[tuple[str, ...]] = field(default_factory=list)

    def _started(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        command = [str(PROGRAM), *arguments]
        return subprocess.run(command, env=dict(self.environment), capture_output=True, text=True, timeout=90)

    def run(self, *arguments: str) -> str:
        """Run ``mistral ARGUMENTS`` and return what it prints; AssertionError when it fails."""
        ended = self._started(arguments)
        assert ended.returncode == 0, f"mistral {' '.join(arguments)}\n{ended.stdout}\n{ended.stderr}"
        self.done.append(arguments)
        return ended.stdout

    def refused(self, *arguments: str) -> str:
        """Run a command that must fail, and return what it says."""
        ended = self._started(arguments)
        assert ended.returncode != 0, f"mistral {' '.join(arguments)} should fail\n{ended.stdout}"
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended.stdout + ended.stderr

    def json(self, *arguments: str) -> Any:
        """Run a command that prints JSON by itself, and return that."""
        return json.loads(self.run(*arguments))

    def one(self, *arguments: str) -> dict[str, Any]:
        """Run a command that shows one thing, and return its columns."""
        shown: dict[str, Any] = json.loads(self.run(*arguments, "-f", "json"))
        return shown

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command that lists, and return the rows; the client shows no rows as one that is empty: left out."""
        shown = json.loads(self.run(*arguments, "-f", "json"))
        return [row for row in shown if any(row.values())]

    def names(self, *arguments: str) -> list[str]:
        """Run a command that lists, and return the names, in order."""
        return [row["Name"] for row in self.rows(*arguments)]

    def pages(self, command: tuple[str, ...], column: str, key: str, more: tuple[str, ...] = ()) -> list[Any]:
        """Return a column of a list whose rows come one page of one row after the other, sorted down by ``key``.

        ``command`` lists; ``more`` restricts the list to two rows at least.
        """
        sorting = (*more, f"--sort_keys={key}", "--sort_dirs=desc", "--limit=1")
        (first,) = self.rows(*command, *sorting)
        (second,) = self.rows(*command, *sorting, f"--marker={first['ID']}")
        assert first["ID"] != second["ID"]
        return [first[column], second[column]]

    def marker(self, collection: str, name: str) -> str:
        """Return the option that begins a list behind ``name``, of whose kind the command shows no id."""
        found = Rest(self.environment["OS_MISTRAL_URL"]).get(f"/{collection}/{name}")
        return f"--marker={found['id']}"

    def file(self, text: str) -> str:
        """Write ``text`` to a file of its own and return its path."""
        path = self.folder / unique("file")
        path.write_text(text)
        return str(path)

    def create(self, command: str, text: str, *more: str) -> Any:
        """Create something from a definition; return the one row or the columns that are shown."""
        shown = json.loads(self.run(command, self.file(text), *more, "-f", "json"))
        return shown[0] if isinstance(shown, list) and len(shown) == 1 else shown

    def until(self, state: str, command: str, identifier: str) -> dict[str, Any]:
        """Wait until what ``command`` shows is in ``state``, and return its columns."""

        def there() -> dict[str, Any] | None:
            shown = self.one(command, identifier)
            return shown if shown["State"] == state else None

        found: dict[str, Any] = wait_for(there, 60, f"{command} {identifier} in {state}")
        return found

    def ended(self, workflow: str, *arguments: str) -> str:
        """Create an execution, wait until it succeeded and return its id."""
        identifier: str = self.one("execution-create", workflow, *arguments)["ID"]
        self.until("SUCCESS", "execution-get", identifier)
        return identifier
