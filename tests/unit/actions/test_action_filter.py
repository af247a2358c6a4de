"""Which actions can be used: lists of patterns, and plug-ins left out."""

import logging
from importlib.metadata import EntryPoint

import pytest

from mistralish.actions import ActionFilter, Registry

PLUGINS = [EntryPoint("acme.one", "acme:One", "mistral.actions"), EntryPoint("acme.two", "acme:Two", "mistral.actions")]


def registry(**settings: object) -> Registry:
    return Registry(find_entry_points=lambda: PLUGINS, chosen=ActionFilter(**settings))  # type: ignore[arg-type]


def test_only_what_the_allowlist_names_is_found() -> None:
    found = registry(allowlist=("std.echo", "std.no*", "acme.t*"))
    assert [action.name for action in found.all()] == ["std.echo", "std.noop"]
    assert found.find("std.echo") is not None
    assert found.find("acme.two") is not None
    assert found.find("acme.one") is None
    assert found.find("std.http") is None


def test_what_the_denylist_names_is_not_found() -> None:
    found = registry(denylist=("std.ssh*", "acme.?ne"))
    assert found.find("std.ssh") is None
    assert found.find("std.ssh_proxied") is None
    assert found.find("acme.one") is None
    assert found.find("acme.two") is not None
    assert found.find("std.http") is not None
    assert not [action.name for action in found.all() if action.name.startswith("std.ssh")]


def test_an_allowlist_goes_before_a_denylist() -> None:
    found = registry(allowlist=("std.echo",), denylist=("std.echo", "std.noop"))
    assert [action.name for action in found.all()] == ["std.echo"]


def test_patterns_tell_capitals_from_small_letters() -> None:
    assert registry(denylist=("STD.*",)).find("std.echo") is not None


def test_plugins_can_be_left_out_altogether() -> None:
    found = registry(only_builtin=True, allowlist=("acme.*", "std.echo"))
    assert found.find("acme.one") is None
    assert found.find("std.echo") is not None


def test_a_plugin_never_takes_the_place_of_a_denied_builtin_action() -> None:
    points = [EntryPoint("std.http", "acme:Http", "mistral.actions")]
    found = Registry(find_entry_points=lambda: points, chosen=ActionFilter(denylist=("std.http",)))
    assert found.find("std.http") is None


def test_the_log_tells_what_was_left_out_by_which_setting(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        registry(denylist=("std.ssh",)).all()
        registry(only_builtin=True).find("acme.one")
    assert "by the setting legacy_action_provider_denylist: std.ssh" in caplog.text
    assert "by the setting legacy_action_provider_only_builtin_actions: acme.one, acme.two" in caplog.text
