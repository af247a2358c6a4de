"""`mistralish run` runs the examples without a server, as their heads say."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peers import HttpPeer

Runner = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(definitions: Path, tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]) -> Runner:
    """Run ``mistralish run workflows/FILE ARGUMENTS`` in an empty folder."""
    folder = tmp_path_factory.mktemp("cli")

    def runner(file: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mistralish.cli", "run", str(definitions / file), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, cwd=folder, env=clean_environment, check=False
        )

    return runner


def output(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_hello_says_hello(run: Runner) -> None:
    done = run("hello.yaml")
    assert output(done) == {
        "greetings": ["Hello, Ada!", "Hello, Grace!", "Hello, Edsger!"],
        "summary": "Greeted 3 people; the longest name is Edsger.",
    }
    assert "greet_each" in done.stderr, "the tasks are shown while they run"


def test_input_comes_from_a_file(run: Runner, web: HttpPeer, tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text(json.dumps({"base_url": web.url, "ids": [2]}))
    assert output(run("fan_out.yaml", "-i", str(file)))["names"] == ["Grace"]


def test_the_workflow_is_named_when_the_file_has_several(run: Runner) -> None:
    given = json.dumps({"orders": [{"item": "lamp", "count": 2, "price": 20}]})
    assert output(run("parent_child.yaml", "order_total", "-i", given))["total"] == 40


def test_a_reverse_workflow_takes_its_goal_from_the_params(run: Runner) -> None:
    done = run("release_reverse.yaml", "-i", '{"version": "1.2"}', "-p", '{"task_name": "test"}')
    assert output(done)["done"]["test"] == "tested what was compiled 1.2"
    assert output(done)["done"]["package"] is None


def test_a_workbook_runs(run: Runner, web: HttpPeer) -> None:
    given = json.dumps({"people": ["Ada"], "webhook": f"{web.url}/hooks/greetings"})
    assert output(run("greetings_workbook.yaml", "greetings.welcome", "-i", given)) == {"sent": ["WELCOME, ADA!!"]}


def test_data_is_shaped(run: Runner) -> None:
    assert output(run("shape_data.yaml"))["headline"] == "Sales: North 150, South 80, West 95"


def test_polling_ends(run: Runner, web: HttpPeer) -> None:
    given = json.dumps({"url": f"{web.url}/jobs/build?polls=1", "interval": 0})
    assert output(run("poll_until_done.yaml", "-i", given)) == {"artifact": "build.tar.gz", "looks": 2}


def test_a_failure_is_exit_code_1_with_the_output_on_error(run: Runner, web: HttpPeer) -> None:
    given = json.dumps({"base_url": web.url, "work": "status/500"})
    done = run("cleanup_on_error.yaml", "-i", given)
    assert done.returncode == 1
    assert json.loads(done.stdout)["cleaned_up"] == "scratch-space"
    assert "scratch-space was released" in done.stderr
    assert len(web.received("/hooks/release")) == 1


def test_a_missing_input_is_exit_code_2_and_named(run: Runner) -> None:
    done = run("fetch_json.yaml")
    assert done.returncode == 2
    assert "source" in done.stderr
    assert done.stdout == ""
