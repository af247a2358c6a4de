"""Each file of workflows/ does what its head says, on the real server, with real counterparts."""

from pathlib import Path
from typing import Any

import pytest
from peers import HttpPeer, SmtpPeer, SshPeer
from rest import Rest, unique

WORKBOOKS = {"greetings_workbook.yaml"}


class Examples:
    """Uploads an example into a namespace of its own and runs it."""

    def __init__(self, rest: Rest, folder: Path) -> None:
        self.rest, self.folder = rest, folder

    def start(self, file: str, workflow: str, given: Any = None, params: Any = None) -> str:
        text = (self.folder / file).read_text()
        namespace = unique("example")
        self.rest.post("/workbooks" if file in WORKBOOKS else "/workflows", text, namespace=namespace)
        return self.rest.start(workflow, given, params, namespace)["id"]

    def run(self, file: str, workflow: str, given: Any = None, params: Any = None) -> dict[str, Any]:
        return self.rest.wait(self.start(file, workflow, given, params))


@pytest.fixture
def examples(rest: Rest, definitions: Path) -> Examples:
    return Examples(rest, definitions)


def states(rest: Rest, execution: dict[str, Any]) -> dict[str, str]:
    return {task["name"]: task["state"] for task in rest.tasks(execution["id"])}


def all_files() -> list[str]:
    return sorted(path.name for path in (Path(__file__).parents[2] / "workflows").glob("*.yaml"))


@pytest.mark.parametrize("file", all_files())
def test_every_example_says_how_to_run_it_and_is_valid(rest: Rest, definitions: Path, file: str) -> None:
    text = (definitions / file).read_text()
    head = text.split("version:")[0]
    assert "mistralish run" in head
    assert "mistral execution-create" in head
    kind = "workbooks" if file in WORKBOOKS else "workflows"
    assert rest.post(f"/{kind}/validate", text, status=200) == {"valid": True}


def test_hello_greets_its_default_names(examples: Examples, rest: Rest) -> None:
    execution = examples.run("hello.yaml", "hello")
    assert execution["state"] == "SUCCESS"
    assert execution["output"] == {
        "greetings": ["Hello, Ada!", "Hello, Grace!", "Hello, Edsger!"],
        "summary": "Greeted 3 people; the longest name is Edsger.",
    }
    assert states(rest, execution) == {"greet_each": "SUCCESS", "find_longest_name": "SUCCESS", "sum_up": "SUCCESS"}


def test_hello_takes_names_and_greeting(examples: Examples) -> None:
    given = {"names": ["Émile", "李"], "greeting": "Bonjour"}
    assert examples.run("hello.yaml", "hello", given)["output"] == {
        "greetings": ["Bonjour, Émile!", "Bonjour, 李!"],
        "summary": "Greeted 2 people; the longest name is Émile.",
    }


def test_hello_greets_nobody(examples: Examples) -> None:
    assert examples.run("hello.yaml", "hello", {"names": []})["output"] == {
        "greetings": [],
        "summary": "Greeted 0 people; the longest name is nobody.",
    }


def test_fetch_json_ranks_and_delivers(examples: Examples, web: HttpPeer) -> None:
    given = {"source": f"{web.url}/users", "target": f"{web.url}/hooks/ranking"}
    execution = examples.run("fetch_json.yaml", "fetch_json", given)
    ranking = [{"name": "Ada", "score": 91}, {"name": "Grace", "score": 88}, {"name": "Barbara", "score": 77}]
    assert execution["state"] == "SUCCESS", execution["state_info"]
    assert execution["output"]["ranking"] == ranking
    assert execution["output"]["delivered"] == 201
    (posted,) = web.received("/hooks/ranking")
    assert posted.json == {"ranking": ranking, "mean": execution["output"]["mean"]}
    assert execution["output"]["mean"] == pytest.approx(256 / 3)
    assert web.received("/users")[0].headers["Accept"] == "application/json"


def test_fan_out_keeps_the_order_and_its_bound(examples: Examples, web: HttpPeer) -> None:
    given = {"base_url": web.url, "ids": [3, 1], "in_parallel": 1}
    execution = examples.run("fan_out.yaml", "fan_out", given)
    assert execution["output"] == {
        "names": ["Edsger", "Ada"],
        "cities": ["London", "Rotterdam"],
        "unread": ["Grace", "Barbara"],
    }
    asked = [request.path for request in web.requests if request.path != "/users"]
    assert asked == ["/users/3", "/users/1"]  # one at a time: in order


def test_fan_out_fails_when_a_page_is_missing(examples: Examples, rest: Rest, web: HttpPeer) -> None:
    execution = examples.run("fan_out.yaml", "fan_out", {"base_url": web.url, "ids": [1, 99]})
    assert execution["state"] == "ERROR"
    assert states(rest, execution) == {"fetch_pages": "ERROR", "fetch_contents": "SUCCESS", "compare": "ERROR"}


def test_flaky_service_is_asked_until_it_answers(examples: Examples, rest: Rest, web: HttpPeer) -> None:
    given = {"url": f"{web.url}/flaky/a?fail=2", "pause": 0}
    execution = examples.run("flaky_service.yaml", "flaky_service", given)
    assert execution["output"] == {"answer": {"attempt": 3}}
    actions = rest.actions(rest.task(execution["id"], "call")["id"])
    assert [action["state"] for action in actions] == ["ERROR", "ERROR", "SUCCESS"]
    assert len(web.received("/flaky/a")) == 3


def test_flaky_service_gives_up_after_its_attempts(examples: Examples, web: HttpPeer) -> None:
    given = {"url": f"{web.url}/flaky/b?fail=9", "attempts": 2, "pause": 0}
    execution = examples.run("flaky_service.yaml", "flaky_service", given)
    assert execution["state"] == "ERROR"
    assert execution["output"]["gave_up"] == 503
    assert len(web.received("/flaky/b")) == 3


def test_flaky_service_does_not_ask_twice_for_what_is_not_there(examples: Examples, web: HttpPeer) -> None:
    execution = examples.run("flaky_service.yaml", "flaky_service", {"url": f"{web.url}/status/404"})
    assert execution["output"]["gave_up"] == 404
    assert len(web.received("/status/404")) == 1


def test_parent_adds_up_what_its_children_return(examples: Examples, rest: Rest) -> None:
    orders = [
        {"item": "lamp", "count": 2, "price": 20},
        {"item": "desk", "count": 1, "price": 150},
        {"item": "chair", "count": 2, "price": 30},
    ]
    execution = examples.run("parent_child.yaml", "order_total", {"orders": orders})
    assert execution["output"] == {
        "lines": [
            {"item": "lamp", "amount": 40},
            {"item": "desk", "amount": 135.0},
            {"item": "chair", "amount": 60},
        ],
        "total": 235.0,
    }
    children = rest.children(rest.task(execution["id"], "price_orders")["id"])
    assert sorted(child["input"]["item"] for child in children) == ["chair", "desk", "lamp"]
    assert {child["root_execution_id"] for child in children} == {execution["id"]}


def answer(rest: Rest, execution_id: str, result: dict[str, Any]) -> None:
    """Finish the action that waits for an approval."""
    task = rest.wait_for_task(execution_id, "wait_for_answer", "RUNNING")
    (action,) = rest.actions(task["id"])
    rest.put(f"/action_executions/{action['id']}", {"state": "SUCCESS", "output": result})


def test_approval_goes_on_when_approved(examples: Examples, rest: Rest, web: HttpPeer) -> None:
    hook = f"{web.url}/hooks/approval"
    execution_id = examples.start("approval.yaml", "approval", {"what": "release 1.2", "webhook": hook})
    answer(rest, execution_id, {"approved": True, "by": "Ada", "comment": "go"})
    execution = rest.wait(execution_id)
    assert execution["output"] == {"decision": "approved", "by": "Ada", "comment": "go"}
    question, decision = (request.json for request in web.received("/hooks/approval"))
    assert question == {"question": "May release 1.2 go out?", "execution": execution_id}
    assert decision == {"decision": "release 1.2 goes out"}


def test_approval_holds_back_when_rejected(examples: Examples, rest: Rest, web: HttpPeer) -> None:
    hook = f"{web.url}/hooks/approval"
    execution_id = examples.start("approval.yaml", "approval", {"what": "it", "webhook": hook})
    answer(rest, execution_id, {"approved": False, "by": "Grace", "comment": "too early"})
    execution = rest.wait(execution_id)
    assert execution["output"] == {"decision": "rejected", "by": "Grace", "comment": "too early"}
    assert "go_out" not in states(rest, execution)
    assert len(web.received("/hooks/approval")) == 1


def test_ssh_commands_run_on_the_host(examples: Examples, ssh: SshPeer, tmp_path: Path) -> None:
    given = {"hosts": [ssh.host, ssh.host], "username": ssh.username, "private_key": ssh.private_key}
    given |= {"folder": str(tmp_path), "message": "left by a workflow"}
    execution = examples.run("ssh_commands.yaml", "ssh_commands", given)
    assert execution["state"] == "SUCCESS", execution["state_info"]
    assert execution["output"] == {
        "kernels": ["Linux", "Linux"],
        "chosen": ssh.host,
        "written": "left by a workflow",
    }
    assert (tmp_path / "mistralish-note").read_text() == "left by a workflow\n"


def test_cleanup_releases_after_success(examples: Examples, web: HttpPeer) -> None:
    given = {"base_url": web.url, "work": "users/1"}
    execution = examples.run("cleanup_on_error.yaml", "cleanup_on_error", given)
    assert (execution["state"], execution["output"]) == ("SUCCESS", {"used": True})
    assert [request.json for request in web.received("/hooks/release")] == [{"kind": "scratch-space"}]


def test_cleanup_releases_after_failure_and_says_why(examples: Examples, rest: Rest, web: HttpPeer) -> None:
    given = {"base_url": web.url, "work": "status/500"}
    execution = examples.run("cleanup_on_error.yaml", "cleanup_on_error", given)
    assert execution["state"] == "ERROR"
    assert "scratch-space was released, but the work answered 500" in execution["state_info"]
    assert execution["output"]["cleaned_up"] == "scratch-space"
    assert execution["output"]["reason"] == "the work answered 500"
    assert [request.json for request in web.received("/hooks/release")] == [{"kind": "scratch-space"}]
    assert states(rest, execution) == {"allocate": "SUCCESS", "use": "ERROR", "release_after_error": "SUCCESS"}


def test_reverse_runs_only_what_the_goal_requires(examples: Examples, rest: Rest) -> None:
    execution = examples.run("release_reverse.yaml", "release_reverse", {"version": "1.2"}, {"task_name": "publish"})
    assert execution["output"] == {
        "done": {
            "compile": "compiled 1.2",
            "test": "tested what was compiled 1.2",
            "package": "packaged what was compiled 1.2",
            "publish": "published 1.2",
            "announce": None,
        }
    }
    assert set(states(rest, execution)) == {"compile", "test", "package", "publish"}


def test_workbook_uses_its_own_actions_and_workflows(examples: Examples, web: HttpPeer) -> None:
    given = {"people": ["Ada", "Grace"], "webhook": f"{web.url}/hooks/greetings"}
    execution = examples.run("greetings_workbook.yaml", "greetings.welcome", given)
    assert execution["output"] == {"sent": ["WELCOME, ADA!!", "WELCOME, GRACE!!"]}
    posted = sorted(request.json["message"] for request in web.received("/hooks/greetings"))
    assert posted == ["WELCOME, ADA!!", "WELCOME, GRACE!!"]


def test_polling_ends_when_the_job_is_done(examples: Examples, rest: Rest, web: HttpPeer) -> None:
    given = {"url": f"{web.url}/jobs/build?polls=2", "interval": 0}
    execution = examples.run("poll_until_done.yaml", "poll_until_done", given)
    assert execution["state"] == "SUCCESS", execution["state_info"]
    assert execution["output"] == {"artifact": "build.tar.gz", "looks": 3}
    assert len([task for task in rest.tasks(execution["id"]) if task["name"] == "look"]) == 3


def test_polling_gives_up_when_patience_ends(examples: Examples, web: HttpPeer) -> None:
    given = {"url": f"{web.url}/jobs/build?polls=99", "interval": 0, "patience": 2}
    execution = examples.run("poll_until_done.yaml", "poll_until_done", given)
    assert execution["state"] == "ERROR"
    assert "not done after 2 looks" in execution["state_info"]
    assert execution["output"]["looks"] == 2
    assert len(web.received("/jobs/build")) == 2


def test_nightly_report_posts_its_totals(examples: Examples, web: HttpPeer) -> None:
    given = {"source": f"{web.url}/users", "webhook": f"{web.url}/hooks/report"}
    execution = examples.run("nightly_report.yaml", "nightly_report", given)
    report = {"title": "Nightly report", "rows": 4, "total": 298, "best": "London"}
    assert execution["output"] == {"report": report}
    assert [request.json for request in web.received("/hooks/report")] == [report]


def test_data_is_shaped_by_all_three_languages(examples: Examples) -> None:
    execution = examples.run("shape_data.yaml", "shape_data")
    if "PyV8 module is not available" in (execution["state_info"] or ""):
        pytest.skip("the server asked has no JavaScript engine (the reference as it is installed here)")
    assert execution["state"] == "SUCCESS", execution["state_info"]
    assert execution["output"] == {
        "by_region": {"north": 150, "south": 80, "west": 95},
        "headline": "Sales: North 150, South 80, West 95",
        "top": "north",
    }


def test_watchers_are_mailed_when_the_page_is_down(examples: Examples, web: HttpPeer, mailbox: SmtpPeer) -> None:
    url, watchers = f"{web.url}/status/503", ["ada@example.org", "grace@example.org"]
    given = {"url": url, "smtp_server": mailbox.address, "sender": "watchdog@example.org", "watchers": watchers}
    execution = examples.run("notify_by_email.yaml", "notify_by_email", given)
    assert (execution["state"], execution["output"]) == ("SUCCESS", {"alerted": True})
    (mail,) = mailbox.mails
    assert (mail.sender, sorted(mail.recipients)) == ("watchdog@example.org", watchers)
    assert mail.message["Subject"] == f"{url} is down"
    assert f"The page {url} answered 503." in mail.message.get_content()
    assert execution["id"] in mail.message.get_content()


def test_nobody_is_mailed_when_the_page_is_up(examples: Examples, web: HttpPeer, mailbox: SmtpPeer) -> None:
    given = {"url": f"{web.url}/text", "smtp_server": mailbox.address}
    given |= {"sender": "watchdog@example.org", "watchers": ["ada@example.org"]}
    assert examples.run("notify_by_email.yaml", "notify_by_email", given)["output"] == {"alerted": False}
    assert mailbox.mails == []
