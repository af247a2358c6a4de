"""Every command of `mistral`, with every option of its own, run as a user runs it; scenarios are run side by side."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from serving import running_server

pytest.importorskip("mistralclient", reason="pip install python-mistralclient")
pytest.register_assert_rewrite("client_matrix.definitions", "client_matrix.executions", "client_matrix.shell")

from client_matrix import definitions, executions, inventory  # noqa: E402 - only where the client is installed
from client_matrix.shell import PROGRAM, Scenario, Shell  # noqa: E402

SCENARIOS: tuple[Scenario, ...] = (*executions.SCENARIOS, *definitions.SCENARIOS)
SIDE_BY_SIDE = 4
IGNORED = {"filters", "limit", "marker", "sort_keys", "sort_dirs"}
"""Options of lists that the client also gives to commands that list nothing (and to member-list), and never sends."""


class Matrix:
    """The scenarios, each run once: its result is what the runs that succeeded were given."""

    def __init__(self, pool: ThreadPoolExecutor, environment: dict[str, str], folder: Path) -> None:
        self.pool, self.environment, self.folder = pool, environment, folder
        self.futures: dict[Scenario, Future[list[tuple[str, ...]]]] = {}

    def _run(self, scenario: Scenario) -> list[tuple[str, ...]]:
        folder = self.folder / scenario.__name__
        folder.mkdir()
        shell = Shell(self.environment, folder)
        scenario(shell)
        return shell.done

    def start(self, scenario: Scenario) -> Future[list[tuple[str, ...]]]:
        """Begin the scenario, unless it was begun before."""
        if scenario not in self.futures:
            self.futures[scenario] = self.pool.submit(self._run, scenario)
        return self.futures[scenario]

    def everything(self) -> list[tuple[str, ...]]:
        """Run all scenarios and return the arguments of all their commands."""
        return [run for future in [self.start(each) for each in SCENARIOS] for run in future.result()]


@pytest.fixture(scope="module")
def matrix(
    tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[Matrix]:
    """A service of its own, and the scenarios of the tests that were selected, begun."""
    if PROGRAM is None:
        pytest.skip("the command mistral is not installed (pip install python-mistralclient)")
    folder = tmp_path_factory.mktemp("matrix")
    with running_server(folder) as server, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        begun = Matrix(pool, {**clean_environment, "OS_MISTRAL_URL": server.url, "TZ": "UTC"}, folder)
        for item in request.session.items:
            if item.name.startswith("test_commands[") and item.path == request.path:
                begun.start(item.callspec.params["scenario"])
        yield begun


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_commands(matrix: Matrix, scenario: Scenario) -> None:
    assert matrix.start(scenario).result()


def test_every_command_with_every_option_is_run(matrix: Matrix) -> None:
    commands = inventory.commands()
    used: dict[str, set[str]] = {}
    for name, *arguments in matrix.everything():
        used.setdefault(name, set()).update(inventory.options_given(commands[name], tuple(arguments)))
    assert set(used) == set(commands)
    missing = {name: _own_options(name) - used[name] for name in commands}
    assert {name: options for name, options in missing.items() if options} == {}


def _own_options(name: str) -> set[str]:
    options = inventory.options(inventory.commands()[name])
    return options if name.endswith("-list") and name != "member-list" else options - IGNORED


def test_commands_of_openstack_are_the_same_as_those_of_mistral() -> None:
    theirs = inventory.openstack_commands()
    assert theirs
    assert set(theirs.values()) <= set(inventory.commands().values())
