"""The search for planted secrets finds them: otherwise it would prove nothing."""

import base64
from pathlib import Path

import planted
import pytest


@pytest.mark.parametrize("before", ["", "u:", "user:", "x" * 7])
def test_a_planted_secret_is_found_as_it_is_and_in_base64(before: str) -> None:
    secret = f"{before}{planted.planted('x')} and more".encode()
    assert planted.found_in(b"... " + secret)
    assert planted.found_in(base64.b64encode(secret))
    assert not planted.found_in(b"Pl4nt3d")


def test_a_log_with_a_planted_secret_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planted, "_watched", set())
    good, bad = tmp_path / "good.log", tmp_path / "bad.log"
    good.write_text("all is well")
    bad.write_text(f"token={planted.planted('x')}")
    for log in (good, bad, tmp_path / "never written"):
        planted.watch(log)
    assert planted.found_in_logs() == [bad]
