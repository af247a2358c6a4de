"""What happens to a case besides itself, as a seed decides."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from simulation.cases import PLACE

SECOND = 1_000_000
"""In microseconds."""


@dataclass
class Plan:
    """What happens to a case besides itself. ``faults``: how many times something goes wrong at the most.

    ``forced``: the outcomes that actions had in another history, for those that the case did not decide.
    """

    seed: int = 0
    faults: int = 0
    processes: int = 1
    is_shared: bool = False
    pauses: float = 0.0
    cached_runs: int = 1_000
    skew: int = 0
    forced: dict[PLACE, tuple[str, Any]] = field(default_factory=dict)

    @classmethod
    def drawn(cls, seed: int) -> "Plan":
        """The plan of a seed."""
        random = Random(f"plan {seed}")
        is_shared = random.random() < 0.5
        return cls(
            seed,
            faults=random.choice([0, 2, 5, 10]),
            processes=random.choice([1, 2, 2]) if is_shared else 1,
            is_shared=is_shared,
            pauses=random.choice([0.0, 0.0, 0.03]),
            cached_runs=random.choice([1, 2, 1_000]),
            skew=random.choice([0, 0, 300, 3 * SECOND]) if is_shared else 0,
        )
