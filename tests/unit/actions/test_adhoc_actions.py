"""Ad-hoc actions: what their expressions see, and what becomes of input and result."""

import pytest

from mistralish.actions import AdHocAction, Registry, Result, resolve_action
from mistralish.errors import InputError
from mistralish.lang.specs import REQUIRED, ActionSpec

CONCAT = ActionSpec(
    name="concat",
    base="std.echo",
    base_input={"output": "<% $.s1 %>+<% $.s2 %>"},
    input={"s1": "a", "s2": REQUIRED},
    output="<% $ %> and <% $ %>",
)
NESTED = ActionSpec(
    name="nested", base="concat", base_input={"s2": "{{ _.n2 }}"}, input={"n2": "b"}, output={"nested": "{{ _ }}"}
)


@pytest.fixture(scope="module")
def registry():
    return Registry(find_entry_points=list)


def resolve(registry, name, *specs):
    return resolve_action(name, registry, {spec.name: spec for spec in specs}.get)


def make(registry, **fields):
    return resolve(registry, "mine", ActionSpec(name="mine", **fields))


def test_base_input_sees_the_ad_hoc_input(registry):
    action = resolve(registry, "concat", CONCAT)
    assert action.expand({"s1": "x", "s2": "y"}, {}, None) == ("std.echo", {"output": "x+y"})


def test_a_default_stands_in_and_is_recorded(registry):
    action = resolve(registry, "concat", CONCAT)
    assert action.with_defaults({"s2": "y"}) == {"s1": "a", "s2": "y"}
    assert action.expand({"s2": "y"}, {}, None) == ("std.echo", {"output": "a+y"})


def test_a_default_is_not_an_expression(registry):
    action = make(registry, base="std.echo", base_input={"output": "<% $.x %>"}, input={"x": "<% 1 + 1 %>"})
    assert action.expand({}, {}, None) == ("std.echo", {"output": "<% 1 + 1 %>"})


def test_behind_the_input_base_input_sees_what_the_task_sees(registry):
    action = make(registry, base="std.echo", base_input={"output": "<% [$.x, $.y] %>"}, input={"x": REQUIRED})
    assert action.expand({"x": 1}, {"x": "hidden", "y": 2}, None) == ("std.echo", {"output": [1, 2]})


def test_output_sees_the_result_alone(registry):
    action = resolve(registry, "concat", CONCAT)
    assert action.post_process(Result("r"), {"x": 1}, None) == Result("r and r")
    structured = make(registry, base="std.noop", output={"n": "<% $.a.len() %>", "fixed": 1})
    assert structured.post_process(Result({"a": [1, 2]}), {}, None) == Result({"n": 2, "fixed": 1})


def test_a_result_of_nothing_is_an_output_s_value_too(registry):
    action = make(registry, base="std.noop", output="<% $ = null %>")
    assert action.post_process(Result(None), {}, None) == Result(True)


def test_without_output_the_result_stays(registry):
    action = make(registry, base="std.echo", base_input={"output": 1})
    assert action.post_process(Result({"a": 1}), {}, None) == Result({"a": 1})


def test_a_failure_is_not_touched_by_output(registry):
    action = resolve(registry, "concat", CONCAT)
    failure, cancelled = Result(error="broken"), Result(cancel=True)
    assert action.post_process(failure, {}, None) is failure
    assert action.post_process(cancelled, {}, None) is cancelled


def test_a_chain_goes_down_with_the_input_and_up_with_the_result(registry):
    action = resolve(registry, "nested", CONCAT, NESTED)
    assert action.expand({}, {}, None) == ("std.echo", {"output": "a+b"})
    assert action.post_process(Result("a+b"), {}, None) == Result({"nested": "a+b and a+b"})
    assert action.system_action is registry.find("std.echo")


def test_input_is_checked_against_the_definition(registry):
    action = resolve(registry, "concat", CONCAT)
    assert action.input_text == 's1="a", s2'
    with pytest.raises(
        InputError, match=r"^Invalid input \[name=concat, class=\S+, missing=\['s2'\], unexpected=\['z'\]\]"
    ):
        action.check_parameters({"z": 1})


def test_what_the_base_does_not_take_is_refused(registry):
    action = make(registry, base="std.echo", base_input={"wrong": 1})
    with pytest.raises(InputError, match=r"name=std.echo.*missing=\['output'\], unexpected=\['wrong'\]"):
        action.expand({}, {}, None)


def test_a_base_input_that_is_no_dictionary_is_refused(registry):
    action = make(registry, base="std.echo", base_input="<% $.x %>", input={"x": REQUIRED})
    with pytest.raises(InputError, match="Wrong base-input of action mine"):
        action.expand({"x": [1]}, {}, None)


def test_a_missing_base_is_named(registry):
    with pytest.raises(
        InputError, match=r"^Failed to find base action \[action_name=wrong namespace=\] for the action mine"
    ):
        make(registry, base="wrong")


def test_a_chain_that_comes_back_to_itself_is_refused(registry):
    one, two = ActionSpec(name="one", base="two"), ActionSpec(name="two", base="one")
    with pytest.raises(InputError, match=r"Found a cycle in an ad-hoc action chain \[action_name=one"):
        resolve(registry, "one", one, two)


def test_a_definition_goes_before_a_system_action_of_its_name(registry):
    own = ActionSpec(name="std.noop", base="std.echo", base_input={"output": 1})
    assert isinstance(resolve(registry, "std.noop", own), AdHocAction)


def test_an_action_that_is_nowhere_is_none(registry):
    assert resolve(registry, "nowhere") is None


def test_in_a_workbook_an_action_has_the_name_that_it_was_found_by(registry):
    action = resolve_action("wb.concat", registry, {"wb.concat": CONCAT}.get)
    assert action is not None
    assert action.name == "wb.concat"


def test_a_system_action_answers_as_an_ad_hoc_one_does(registry):
    echo, given, result = registry.find("std.echo"), {"output": 1}, Result(1)
    assert echo.expand(given, {}, None) == ("std.echo", given)
    assert echo.with_defaults(given) is given
    assert echo.post_process(result, {}, None) is result
    assert echo.system_action is echo
