"""Every call of the Python API of python-mistralclient, with every parameter of each."""

from collections.abc import Iterator

import pytest
from serving import running_server

pytest.importorskip("mistralclient", reason="pip install python-mistralclient")
pytest.register_assert_rewrite("client_matrix.calls", "client_matrix.recording")

from client_matrix import inventory  # noqa: E402 - only where the client is installed
from client_matrix.calls import SCENARIOS, Scenario  # noqa: E402
from client_matrix.recording import Recorded  # noqa: E402


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of its own: ``find`` sees the first page of a list only, so others' rows are not to be in it."""
    with running_server(tmp_path_factory.mktemp("calls")) as server:
        yield server.url


@pytest.fixture(scope="module")
def ran(url: str) -> dict[Scenario, Recorded]:
    """The scenarios that have been run so far."""
    return {}


def run(url: str, ran: dict[Scenario, Recorded], scenario: Scenario) -> Recorded:
    """Run the scenario, unless that was done before, and return what it called."""
    if scenario not in ran:
        client = Recorded(url)
        scenario(client)
        ran[scenario] = client
    return ran[scenario]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_calls(url: str, ran: dict[Scenario, Recorded], scenario: Scenario) -> None:
    assert run(url, ran, scenario).used


def test_every_call_with_every_parameter_is_made(url: str, ran: dict[Scenario, Recorded]) -> None:
    used: dict[str, set[str]] = {}
    for scenario in SCENARIOS:
        for call, parameters in run(url, ran, scenario).used.items():
            used.setdefault(call, set()).update(parameters)
    signatures = inventory.calls()
    assert set(used) == set(signatures)
    missing = {call: set(signature.parameters) - {"self"} - used[call] for call, signature in signatures.items()}
    assert {call: parameters for call, parameters in missing.items() if parameters} == {}
