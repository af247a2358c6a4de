"""What was measured, beside what it should be."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value.

    ``target`` is a bound on it, from below where ``at_least``; ``of_floor`` is its share of the floor.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = True
    of_floor: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def table(figures: Iterable[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| what | measured | target | met | of the floor |", "|---|---|---|---|---|"]
    for figure in figures:
        bound = "" if figure.target is None else f"{'≥' if figure.at_least else '≤'} {_number(figure.target)}"
        met = {True: "yes", False: "**no**", None: ""}[figure.is_met]
        share = "" if figure.of_floor is None else f"{figure.of_floor:.0%}"
        lines.append(f"| {figure.name} | {_number(figure.value)} {figure.unit} | {bound} | {met} | {share} |")
    return "\n".join(lines)


def percentile(values: Iterable[float], percent: float) -> float:
    """The value below which so many percent of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
