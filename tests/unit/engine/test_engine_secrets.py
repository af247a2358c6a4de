"""Sealed values pass through the engine unopened; errors that quote data tell nothing under a secret-looking name."""

import pytest
from unit.engine.simulated import error, ok

from mistralish.errors import InputError
from mistralish.masking import holds_sealed
from mistralish.sealing import Sealer, new_key

SEALED = Sealer((new_key(),)).seal("hunter2", "")
ECHO = """
version: '2.0'
main:
  input: [x]
  output: {said: <% $.said %>, jinja: "{{ _.said }}!"}
  tasks:
    t:
      action: std.echo output="Bearer <% $.x %>"
      publish: {said: <% task().result %>}
"""


def test_an_action_with_a_secret_is_left_to_an_executor(simulate):
    sim = simulate(ECHO).start(given={"x": SEALED})
    (call,) = sim.calls
    assert not call.inline
    assert call.input == {"output": f"Bearer {SEALED}"}
    assert call.context["project_id"] == sim.ex.project_id
    sim.finish("t", ok(f"Bearer {SEALED}"))
    assert sim.output == {"said": f"Bearer {SEALED}", "jinja": f"Bearer {SEALED}!"}


def test_an_action_without_one_is_not(simulate):
    sim = simulate(ECHO).start(given={"x": "open"})
    assert sim.output["said"] == "Bearer open"


@pytest.mark.parametrize(
    "task",
    [
        "{action: std.echo, input: <% $.x %>}",
        "{action: std.noop, wait-before: <% $.x %>}",
        "{with-items: token in <% $.x.first().password.len() %>, action: std.noop}",
        "{action: std.async_noop}",
        "{action: std.noop, on-success: [{fail(msg=<% $.x.first() %>): <% true %>}]}",
    ],
)
def test_what_an_error_quotes_is_masked(simulate, task):
    sim = simulate(f"version: '2.0'\nmain: {{input: [x], tasks: {{t: {task}}}}}")
    sim.start(given={"x": [{"password": "hunter2", "user": "bob", "other": SEALED}]})
    if sim.waiting:
        sim.finish("t", error(sim.ex.input["x"][0]))
    assert sim.state == "ERROR"
    for told in (sim.ex.state_info, sim.output["result"], str(sim.task("t").state_info)):
        assert "hunter2" not in told
        assert not holds_sealed(told)
    assert "***" in sim.ex.state_info


def test_so_is_what_the_error_of_items_quotes(simulate):
    sim = simulate(
        "version: '2.0'\nmain: {tasks: {t: {with-items: 'i in <% [1, 2] %>', action: std.async_noop}}}",
        mocks={"t": [error({"token": "hunter2"})]},
    ).start()
    assert sim.state == "ERROR"
    assert "hunter2" not in sim.ex.state_info
    assert sim.actions("t")[0].output == {"result": {"token": "hunter2"}}


def test_so_is_an_environment_that_is_none(simulate):
    with pytest.raises(InputError, match=r"env=\[\{'password': '\*\*\*'\}\]"):
        simulate(ECHO).start(given={"x": 1}, params={"env": [{"password": "hunter2"}]})
