"""An action gets its secret values in plain, for its own project only, and what it returns has them sealed again."""

import base64
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from requests.utils import requote_uri

from mistralish.actions import Registry, Result, StdAction
from mistralish.executors.call import ActionCall
from mistralish.executors.run import run_action, run_now
from mistralish.executors.secrets import MOST, close_again
from mistralish.logs import TextFormatter
from mistralish.masking import holds_sealed
from mistralish.sealing import Sealer, change_texts, new_key

SECRET = 'hunter2 & "more" größer'
SEALER = Sealer((new_key(),))


class Probe(StdAction):
    """Tells its caller what it is given, and returns what that answers."""

    def __init__(self, answer):
        super().__init__("probe")
        self.answer = answer

    def execute(self, about, given=None):
        return self.answer(given, about)


def run(given, answer=lambda given, about: given, project="p1", sealer=SEALER, **context):
    call = ActionCall("a1", "probe", {"given": given}, {"project_id": project, **context})
    return run_action(Probe(answer), call, sealer)


def sealed(text=SECRET, project="p1"):
    return SEALER.seal(text, project)


def opened(value):
    return change_texts(value, lambda text: SEALER.open(text, "p1") if holds_sealed(text) else text)


def test_an_action_gets_every_secret_in_plain_at_any_depth():
    got = []
    run({"a": [f"Bearer {sealed()}", {"b": f"{sealed()}/{sealed('other one')}"}]}, lambda given, _: got.append(given))
    assert got == [{"a": [f"Bearer {SECRET}", {"b": f"{SECRET}/other one"}]}]


def test_so_does_what_an_action_may_know_about_its_caller():
    about = run(1, lambda _, about: [dict(about.security)[k] == SECRET for k in ("t",)], security={"t": sealed()})
    assert about.data == [True]


def test_a_secret_that_an_action_returns_is_sealed_again_and_opens_downstream():
    first = sealed()
    data = run(first, lambda given, _: {"said": f"it is {given}.", given: [given]}).data
    assert data == {"said": f"it is {first}.", first: [first]}


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: quote(text, safe=""),
        quote_plus,
        lambda text: requote_uri(f"http://h/?{text}").partition("?")[2],
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        lambda text: repr(text)[1:-1],
        lambda text: base64.b64encode(text.encode()).decode(),
    ],
)
def test_a_secret_that_comes_back_encoded_is_sealed_as_it_came(encoded):
    data = run(sealed(), lambda given, _: f"{encoded(given)}").data
    assert opened(data) == encoded(SECRET)


def test_a_secret_that_was_encoded_with_what_stood_beside_it_is_sealed_too():
    answer = run(f"user:{sealed()}", lambda given, _: f"Basic {base64.b64encode(given.encode()).decode()}").data
    assert opened(answer.removeprefix("Basic ")) == base64.b64encode(f"user:{SECRET}".encode()).decode()


def test_a_secret_within_another_does_not_show_the_rest():
    data = run([sealed("hunter2"), sealed("hunter2-hunter2")], lambda *_: "x hunter2-hunter2 hunter2").data
    first, second = data.split()[1:]
    assert (opened(first), opened(second)) == ("hunter2-hunter2", "hunter2")


def test_what_is_sealed_already_stays_as_it_is():
    other = sealed("other one")
    assert run(sealed("sealed"), lambda *_: other).data == other


def test_an_error_is_masked():
    def fail(given, about):
        raise ValueError(f"no login with {given}, nor {quote(given)}")

    error = run(sealed(), fail).error
    assert "msg='no login with ***, nor ***'" in error


def test_an_error_that_holds_data_is_sealed_again():
    result = run(sealed(), lambda given, _: Result(error={"said": given}))
    assert opened(result.error) == {"said": SECRET}


def test_another_projects_secret_fails_the_action_before_it_runs():
    ran = []
    error = run(sealed(project="p2"), lambda *_: ran.append(1)).error
    assert "A secret value cannot be opened: it was sealed for another project" in error
    assert not ran


def test_a_process_without_keys_runs_no_action_with_ciphertext():
    ran = []
    error = run(sealed(), lambda *_: ran.append(1), sealer=Sealer()).error
    assert "the process that runs the action has no secret_keys" in error
    assert not ran


def test_sealed_text_that_was_cut_stays_closed_and_reaches_the_action_as_it_is():
    piece = sealed()[:25]
    assert run(piece).data == piece


def test_more_secrets_than_can_be_looked_for_fail_the_action():
    assert run([sealed(f"secret-{i}") for i in range(MOST)], lambda given, _: len(given)).data == MOST
    assert f"at most {MOST} different" in run([sealed(f"secret-{i}") for i in range(MOST + 1)]).error


def test_an_input_nested_beyond_all_measure_fails_its_action_only():
    given = sealed()
    for _ in range(3000):
        given = [given]
    assert "recursion" in run(given).error


def test_a_call_without_secrets_gets_its_input_itself():
    given = {"a": ["b"]}
    assert run(given, lambda got, _: [got is given]).data == [True]


def test_an_action_that_a_caller_waits_for_is_no_exception():
    call = ActionCall("a1", "std.echo", {"output": sealed()}, {"project_id": "p1"})
    assert opened(run_now(Registry(find_entry_points=list), call, SEALER).data) == SECRET


def test_logs_of_a_running_action_have_none_of_its_secrets(caplog):
    def talk(given, about):
        logging.getLogger("library").warning("GET /%s with %r", quote(given), given)
        raise ValueError(given)

    caplog.handler.setFormatter(TextFormatter())
    with caplog.at_level(logging.DEBUG):
        run(sealed(), talk)
    assert "library: GET /*** with '***'" in caplog.text
    assert "Action probe (a1) failed: Traceback" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_result_that_somebody_else_sends_is_sealed_by_what_they_were_given():
    given = {"token": sealed(), "foreign": sealed(project="p2")}
    assert opened(close_again({"said": f"{SECRET}"}, given, SEALER, "p1")) == {"said": SECRET}
    assert holds_sealed(close_again({"said": SECRET}, given, SEALER, "p1"))
    assert close_again({"said": SECRET}, {"token": "none"}, SEALER, "p1") == {"said": SECRET}
