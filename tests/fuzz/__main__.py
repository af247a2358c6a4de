"""The long form of the fuzz: all parts, one after the other, for so many minutes; exits with 1 on a finding."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "system"))

from fuzz.api import MODES, search_api
from fuzz.expressions import EXPRESSIONS
from fuzz.filters import filters_target
from fuzz.loader import LOADER
from fuzz.search import Tally, search
from peers import Unavailable


def _search_filters(folder: Path, seconds: float) -> Tally:
    with filters_target(folder) as target:
        return search(target, seconds=seconds)


_PARTS: dict[str, tuple[float, Callable[[Path, float], Tally]]] = {
    "loader": (0.1, lambda folder, seconds: search(LOADER, seconds=seconds)),
    "filters": (0.1, _search_filters),
    "expressions": (0.1, lambda folder, seconds: search(EXPRESSIONS, seconds=seconds)),
    **{mode: (0.175, lambda folder, seconds, mode=mode: search_api(mode, folder, seconds)) for mode in MODES},
}
"""Of each part its share of the time, and the search."""


def main() -> int:
    """Run the parts, print what each did, and tell whether nothing was found: 0, or 1."""
    parser = argparse.ArgumentParser(prog="tests/fuzz/run", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="time for all parts together (60)")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(_PARTS)}; all, if none is named")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(_PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose from {', '.join(_PARTS)}")
    chosen = {name: _PARTS[name] for name in given.parts or _PARTS}
    whole = sum(share for share, _ in chosen.values())
    tallies = [
        _run(name, search_part, given.minutes * 60 * share / whole) for name, (share, search_part) in chosen.items()
    ]
    found = sum(len(tally.findings) for tally in tallies)
    cases, seconds = sum(tally.cases for tally in tallies), sum(tally.seconds for tally in tallies)
    print(f"{cases} cases in {seconds / 60:.1f} min, {found} findings")
    return 1 if found else 0


def _run(name: str, search_part: Callable[[Path, float], Tally], seconds: float) -> Tally:
    folder = Path(tempfile.mkdtemp(prefix=f"mistralish-fuzz-{name}-"))
    print(f"{name}, for {seconds / 60:.1f} min", flush=True)
    try:
        tally = search_part(folder, seconds)
    except AssertionError as error:  # the service could not be stopped well, or its log has a traceback
        tally = Tally(name, findings=[str(error)])
    print(tally, *tally.findings, sep="\n", flush=True)
    if tally.findings:
        print(f"Its files are in {folder}", flush=True)
    else:
        shutil.rmtree(folder)
    return tally


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unavailable as reason:
        sys.exit(str(reason))
