"""Every test of the machine runs twice: with runs kept in memory, and rebuilt from their rows before each decision."""

from collections.abc import Callable
from functools import partial

import pytest
from unit.engine.simulated import Simulation


@pytest.fixture(params=["", "decision"], ids=["kept", "reloaded"])
def simulate(request: pytest.FixtureRequest) -> Callable[..., Simulation]:
    """Makes a Simulation."""
    return partial(Simulation, reload=request.param)
