"""What the built-in actions without a counterpart promise."""

import pytest

from mistralish.actions import ActionContext, ActionError, Registry, Result

CONTEXT = ActionContext()


@pytest.fixture(scope="module")
def registry():
    return Registry(find_entry_points=list)


def run(registry, name, **given):
    action = registry.find(name)
    action.check_parameters(given)
    return action.run(given, CONTEXT)


def test_the_set_has_every_name_of_the_reference_with_its_parameters(registry):
    http = (
        'url, method="GET", params=null, body=null, json=null, headers=null, cookies=null, auth=null, timeout=null,'
        " allow_redirects=null, proxies=null, verify=null"
    )
    assert {action.name: action.input_text for action in registry.all()} == {
        "std.async_noop": "",
        "std.echo": "output, delay=0",
        "std.email": "from_addr, to_addrs, smtp_server, reply_to=null, cc_addrs=null, bcc_addrs=null,"
        " smtp_password=null, subject=null, body=null, html_body=null",
        "std.fail": "error_data=null",
        "std.http": http,
        "std.javascript": "script, context=null",
        "std.js": "script, context=null",
        "std.mistral_http": http,
        "std.noop": "",
        "std.sleep": "seconds=1",
        "std.ssh": 'cmd, host, username, password="", private_key_filename=null, private_key=null,'
        " return_result_on_error=false",
        "std.ssh_proxied": "cmd, host, username, private_key_filename, gateway_host, gateway_username=null,"
        " password=null, proxy_command=null, private_key=null",
        "std.test_dict": 'size=0, key_prefix="", val=""',
    }


def test_every_action_tells_what_it_is_for(registry):
    assert [action.name for action in registry.all() if len(action.description) < 20] == []


def test_noop_succeeds_with_nothing(registry):
    assert run(registry, "std.noop") == Result(None)


def test_echo_returns_its_output_as_it_is(registry):
    assert run(registry, "std.echo", output={"a": [1, None, "é"]}) == Result({"a": [1, None, "é"]})


def test_fail_without_data_raises_and_with_data_has_it_as_its_error(registry):
    with pytest.raises(ActionError, match=r"Fail action expected exception\."):
        run(registry, "std.fail")
    result = run(registry, "std.fail", error_data={"code": 7})
    assert result.is_error
    assert result.to_output() == {"result": {"code": 7}}


def test_test_dict_makes_numbered_keys(registry):
    assert run(registry, "std.test_dict", size=3, key_prefix="k", val=[1]).data == {"k0": [1], "k1": [1], "k2": [1]}
    assert run(registry, "std.test_dict").data == {}


@pytest.mark.parametrize(("size", "prefix"), [("x", ""), (2.5, ""), (10**9, ""), (10**6, "k" * 1000)])
def test_test_dict_refuses_what_is_no_size_or_too_much(registry, size, prefix):
    with pytest.raises(ActionError):
        run(registry, "std.test_dict", size=size, key_prefix=prefix)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(0, 0), (1.5, 1.5), ("2.5", 2.5), (-1, 0), ("soon", 0), (float("nan"), 0), (True, 1), (10**12, 365 * 86400)],
)
def test_echo_reads_its_delay_as_a_number_of_seconds(registry, given, seconds):
    assert registry.find("std.echo").delay({"output": 1, "delay": given}) == seconds


@pytest.mark.parametrize(
    ("given", "seconds"), [({}, 1), ({"seconds": 2.9}, 2), ({"seconds": "3"}, 3), ({"seconds": "2.9"}, 0)]
)
def test_sleep_counts_whole_seconds(registry, given, seconds):
    assert registry.find("std.sleep").delay(given) == seconds


def test_a_delay_that_is_neither_number_nor_text_is_an_error(registry):
    with pytest.raises(ActionError, match="Wrong number of seconds: \\[\\]"):
        registry.find("std.echo").delay({"output": 1, "delay": []})


def test_only_pure_and_quick_calls_are_inline(registry):
    inline = {action.name for action in registry.all() if action.is_inline({"output": 1})}
    assert inline == {"std.noop", "std.async_noop", "std.echo", "std.fail", "std.test_dict"}
    assert not registry.find("std.echo").is_inline({"output": 1, "delay": 1})
    assert registry.find("std.echo").is_inline({"output": 1, "delay": []})
    assert not registry.find("std.test_dict").is_inline({"size": 1_000_000})


def test_asynchronous_actions_say_so(registry):
    waiting = {action.name for action in registry.all() if not action.is_sync({})}
    assert waiting == {"std.async_noop", "std.mistral_http"}


def test_http_takes_either_body_or_json(registry):
    with pytest.raises(Exception, match="Only one of the parameters 'json' and 'body' can be passed"):
        registry.find("std.http").check_parameters({"url": "http://x", "body": "a", "json": {"b": 1}})


def test_a_cancelled_result_is_neither_success_nor_error():
    result = Result(error="stopped", cancel=True)
    assert (result.is_success, result.is_error) == (False, False)
    assert result.to_output() == {"result": "stopped"}
    assert Result(error="").is_error


def test_the_callback_url_follows_from_the_action_execution():
    context = ActionContext.from_dict({"workflow_name": "wf", "unheard_of": 1}, "a1")
    assert (context.callback_url, context.workflow_name) == ("/v2/action_executions/a1", "wf")
    assert ActionContext.from_dict({}).callback_url is None
