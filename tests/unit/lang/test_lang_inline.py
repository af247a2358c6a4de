"""Inline commands mean what the reference makes of them."""

import time

import pytest

from mistralish.lang.inline import InlineError, parse_inline


@pytest.mark.parametrize(
    ("text", "command", "params"),
    [
        ("std.noop", "std.noop", {}),
        ('std.echo output="a b"', "std.echo", {"output": "a b"}),
        ("std.echo output='it=\"x\"'", "std.echo", {"output": 'it="x"'}),
        ("std.echo a=1 b=true c=null d=false", "std.echo", {"a": 1, "b": True, "c": None, "d": False}),
        ('std.echo l=[1, "2"]', "std.echo", {"l": [1, "2"]}),
        ("std.echo l=[a]", "std.echo", {"l": "[a]"}),
        ("std.echo output=<% $.a + 1 %> x={{ _.b }}", "std.echo", {"output": "<% $.a + 1 %>", "x": "{{ _.b }}"}),
        ("<% $.action %> a=1", "<% $.action %>", {"a": 1}),
        ("{{ _.action }} a=1", "{{ _.action }}", {"a": 1}),
        ('fail msg="no luck"', "fail", {"msg": "no luck"}),
        ("fail(msg=<% $.x %>)", "fail", {"msg": "<% $.x %>"}),
        ("std.http url='http://x?a=1&b=2'", "std.http", {"url": "http://x?a=1&b=2"}),
        ("count=3 delay=1 break-on=<% true %>", "count", {"count": 3, "delay": 1, "break-on": "<% true %>"}),
        ("std.echo a=1b=2", "std.echo", {"a": 1, "b": 2}),
        # What looks like no parameter is passed over.
        ("std.echo a=foo b=-1 c=1", "std.echo", {"c": 1}),
        ('std.echo a="unclosed b=1', "std.echo", {"b": 1}),
        ("std.echo(a=1)", "std.echo(a=1)", {}),
        ("std.echo n=" + "9" * 30, "std.echo", {"n": "9" * 30}),
        ("std.echo n=[NaN]", "std.echo", {"n": "[NaN]"}),
    ],
)
def test_command_and_parameters(text, command, params):
    assert parse_inline(text) == (command, params)


@pytest.mark.parametrize("text", ["&a std.noop", "- x", '"std.echo" a=1'])
def test_what_starts_with_no_command_is_refused(text):
    with pytest.raises(InlineError, match="start with a name"):
        parse_inline(text)


@pytest.mark.parametrize("piece", ["a", "a=[", "a=<%", "a='", "=", "a=1", "-=", "a=[[["])
def test_hostile_commands_are_settled_quickly(piece):
    start = time.process_time()
    parse_inline(("x " + piece * 16_000)[:16_384])
    assert time.process_time() - start < 1
    with pytest.raises(InlineError, match="at most 16384"):
        parse_inline("x " + piece * 17_000)
