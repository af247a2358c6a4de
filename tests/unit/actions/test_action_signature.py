"""The parameters of actions: read, written, checked."""

import pytest

from mistralish.actions.signature import Signature, parse_signature, read_signature
from mistralish.errors import InputError
from mistralish.lang.specs import REQUIRED


class Sample:
    def __init__(self, cmd, host, password="", flag=False, size=0, nothing=None, *, only=1):
        pass


class Open:
    def __init__(self, first, **others):
        pass


def test_parameters_are_read_with_their_defaults_and_without_self():
    assert read_signature(Sample.__init__).parameters == {
        "cmd": REQUIRED,
        "host": REQUIRED,
        "password": "",
        "flag": False,
        "size": 0,
        "nothing": None,
        "only": 1,
    }


def test_parameters_are_written_as_the_api_shows_them():
    written = 'cmd, host, password="", flag=false, size=0, nothing=null, only=1'
    assert read_signature(Sample.__init__).text() == written
    assert read_signature(Open.__init__).text() == "first, **others"
    assert Signature().text() == ""


def test_a_default_that_is_not_json_is_left_out_of_the_text_but_accepted_as_input():
    signature = Signature({"a": REQUIRED, "b": object()})
    assert signature.text() == "a"
    signature.check({"a": 1, "b": 2}, "x", "y")


def test_a_generated_action_may_carry_its_parameters_as_text():
    def generated(self, **kwargs):
        pass

    generated.__arguments__ = 'a, b=1, c="x", d=word'
    assert read_signature(generated).parameters == {"a": REQUIRED, "b": 1, "c": "x", "d": "word"}
    assert parse_signature("a, **rest").rest == "rest"


def test_a_wrong_input_is_refused_in_the_reference_s_words_with_what_would_be_right():
    with pytest.raises(InputError) as caught:
        Signature({"output": REQUIRED, "delay": 0}).check({"outpu": 1}, "std.echo", "some.Class")
    assert caught.value.message == (
        "Invalid input [name=std.echo, class=some.Class, missing=['output'], unexpected=['outpu']];"
        " its parameters are: output, delay=0"
    )


def test_only_what_is_wrong_is_named():
    signature = Signature({"a": REQUIRED})
    with pytest.raises(InputError, match=r"class=c, missing=\['a'\]\]"):
        signature.check({}, "n", "c")
    with pytest.raises(InputError, match=r"class=c, unexpected=\['b'\]\]"):
        signature.check({"a": 1, "b": 2}, "n", "c")


def test_an_action_with_a_rest_parameter_takes_anything():
    read_signature(Open.__init__).check({"whatever": 1}, "n", "c")
