"""A slice of the fuzz, some seconds of each part: nothing fails otherwise than by a refusal, hangs or grows.

The long form, on request: ``tests/fuzz/run``.
"""

from pathlib import Path
from threading import Event

import pytest
from fuzz.api import MODES, Site, look_for_tokens, note_growth, search_api
from fuzz.expressions import EXPRESSIONS
from fuzz.filters import filters_target
from fuzz.loader import LOADER
from fuzz.search import Tally, Target, search, settled
from hypothesis import strategies as st
from peers import Unavailable
from planted import planted
from serving import Server

from mistralish.errors import InputError, UnavailableError

SECONDS = {"none": 12.0}  # of requests; in the other modes each operation is tried once


def nothing_found(tally: Tally) -> None:
    print(tally)
    assert tally.cases
    assert not tally.findings, "\n".join(tally.findings)


def test_any_definition_is_accepted_or_refused() -> None:
    nothing_found(search(LOADER, examples=250))


def test_any_expression_is_evaluated_or_refused() -> None:
    nothing_found(search(EXPRESSIONS, examples=200))


def test_any_query_is_answered_or_refused_the_same_on_both_databases(tmp_path: Path) -> None:
    with filters_target(tmp_path) as target:
        nothing_found(search(target, examples=400))


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_requests_made_from_the_description_get_the_answers_that_it_promises(mode: str, tmp_path: Path) -> None:
    try:
        tally = search_api(mode, tmp_path, SECONDS.get(mode, 0))
    except Unavailable as reason:
        pytest.skip(str(reason))
    nothing_found(tally)


def _fails(kind: str) -> str:
    if kind == "refused well":
        raise InputError("a is wrong: b would be right")
    if kind == "refused without a word":
        raise InputError(" ")
    if kind == "refused as our own fault":
        raise UnavailableError("not now")
    raise KeyError(kind)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("refused without a word", "says nothing"),
        ("refused as our own fault", "503"),
        ("another exception", "KeyError: 'another exception'"),
    ],
)
def test_what_must_not_happen_is_found(kind: str, said: str) -> None:
    tally = search(
        Target("broken", st.sampled_from(["refused well", kind]), lambda value: settled(_fails, value)), examples=20
    )
    (finding,) = tally.findings
    assert said in finding
    assert kind in finding


def test_what_does_not_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.search.HANGS_AFTER", 0.2)

    def waits(value: int) -> str:
        try:
            Event().wait(20)
        except Exception:
            return "hidden"
        return "ended"

    (finding,) = search(Target("hanging", st.just(1), waits), examples=1).findings
    assert "no end after 0.2 s" in finding


def test_a_service_that_grows_is_found() -> None:
    tally = Tally("grows", memory=(70, 0))
    note_growth(tally, 110)
    assert (tally.memory, tally.findings) == ((70, 110), [])
    note_growth(tally, 140)
    assert tally.findings == ["grows: the service grew from 70 to 140 MiB"]


@pytest.mark.parametrize("said", ["who=a-token", f"who={planted('x')}"])
def test_a_token_in_the_log_is_found(said: str, tmp_path: Path) -> None:
    log, tally = tmp_path / "server.log", Tally("tells")
    site = Site(Server("", log), {"a member": {"Authorization": "Bearer a-token"}, "nobody": {}})
    log.write_text("all is well")
    look_for_tokens(site, tally)
    assert not tally.findings
    log.write_text(said)
    look_for_tokens(site, tally)
    assert "a token is in the log" in tally.findings[0]
