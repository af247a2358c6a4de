"""What an administrator is told when the file for ``auth = keystone`` does not fit, and how long answers are kept."""

import sys
from pathlib import Path

import pytest

from mistralish.api.auth import choose_authenticator, token_cache
from mistralish.api.auth.token_cache import TokenCache
from mistralish.config import Settings, load_settings
from mistralish.errors import InputError, UnavailableError

FITTING = """
[DEFAULT]
debug = true
[keystone_authtoken]
auth_type = password
auth_url = http://127.0.0.1:5000/v3
username = mistral
password = unspeakable
project_name = service
user_domain_name = Default
project_domain_name = Default
memcached_servers = 127.0.0.1:11211
"""


def settings(tmp_path: Path, text: str | None) -> Settings:
    file = tmp_path / "mistral.conf"
    if text is not None:
        file.write_text(text)
    environ = {"MISTRALISH_AUTH": "keystone", "MISTRALISH_KEYSTONE_AUTHTOKEN_FILE": str(file)}
    return load_settings(environ=environ)


@pytest.mark.parametrize(
    "text", [FITTING, "[keystone_authtoken]\nauth_section = ours\n" + FITTING.replace("keystone_authtoken", "ours")]
)
def test_a_mistral_conf_is_taken_as_it_is(tmp_path: Path, text: str) -> None:
    choose_authenticator(settings(tmp_path, text))


def test_without_a_file_the_setting_is_named() -> None:
    with pytest.raises(InputError, match=r"keystone_authtoken_file.*\[keystone_authtoken\]"):
        choose_authenticator(load_settings(environ={"MISTRALISH_AUTH": "keystone"}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "Failed to find some config files"),
        ("no section at all", "mistral.conf"),
        ("[keystone_authtoken]\n", "has no auth_type"),
        ("[keystone_authtoken]\nauth_section = ours\n", "[ours] has no auth_type"),
        (FITTING.replace("password\n", "pass-word\n", 1), "pass-word"),
        (FITTING.replace("auth_url", "url"), "auth_url"),
        (FITTING + "token_cache_time = soon\n", "token_cache_time"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_name_and_what_is_wrong(
    tmp_path: Path, text: str | None, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        choose_authenticator(settings(tmp_path, text))
    assert str(tmp_path / "mistral.conf") in refused.value.message
    assert said in refused.value.message
    assert "unspeakable" not in refused.value.message


def test_without_the_package_the_command_that_installs_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "mistralish.api.auth.keystone", raising=False)
    monkeypatch.setitem(sys.modules, "keystonemiddleware.auth_token", None)
    with pytest.raises(UnavailableError, match=r"pip install 'mistralish\[openstack\]'"):
        choose_authenticator(settings(tmp_path, FITTING))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, as the cache sees it: a list of one number."""
    now = [1000.0]
    monkeypatch.setattr(token_cache, "monotonic", lambda: now[0])
    return now


def test_an_answer_is_kept_for_its_time(clock: list[float]) -> None:
    cache = TokenCache()
    cache.set("a", b"answer", time=300)
    clock[0] += 299
    assert cache.get("a") == b"answer"
    clock[0] += 1
    assert cache.get("a") is None
    assert cache.get("b") is None


@pytest.mark.parametrize("seconds", [0, -1])
def test_without_a_time_nothing_is_kept(clock: list[float], seconds: int) -> None:
    cache = TokenCache()
    cache.set("a", b"answer", time=seconds)
    assert cache.get("a") is None


def test_of_too_many_answers_the_oldest_go(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_cache, "MOST_TOKENS", 2)
    cache = TokenCache()
    for key in ("a", "b", "a", "c"):
        cache.set(key, key.encode(), time=300)
    assert [cache.get(key) for key in "abc"] == [b"a", None, b"c"]
