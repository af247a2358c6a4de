"""The command ``mistralish`` as a user types it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from peers import free_port, wait_for
from planted import found_in, planted

WORKFLOWS = Path(__file__).parents[2] / "workflows"
STEPS = """
version: '2.0'
good:
  input: [word: hello]
  output: {said: <% $.said %>}
  tasks:
    t: {action: std.echo output=<% $.word %>, publish: {said: <% task().result %>}}
bad: {tasks: {t: {action: std.fail}}}
stops: {tasks: {a: {action: std.noop, on-success: pause}}}
waits: {tasks: {t: {action: std.async_noop}}}
calls:
  tasks: {c: {workflow: good}}
"""


class Cli:
    """Runs the command with a home and a working directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ours = {key: value for key, value in os.environ.items() if not key.startswith(("MISTRALISH_", "XDG_"))}
        self.environment = {**ours, "HOME": str(folder)}
        (folder / "steps.yaml").write_text(STEPS)

    def start(self, *arguments: str, **options: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "mistralish.cli", *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, text=True, **pipes)  # type: ignore[call-overload]

    def __call__(self, *arguments: str, given: str = "") -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(given, timeout=60)
        assert not found_in(err.encode()), err
        return process.returncode, out, err


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def test_run_prints_the_output_as_json_and_the_tasks_beside_it(cli: Cli) -> None:
    code, out, err = cli("run", str(WORKFLOWS / "hello.yaml"), "-i", '{"names": ["World"], "greeting": "Good day"}')
    assert code == 0, err
    assert json.loads(out)["greetings"] == ["Good day, World!"]
    for task in ("greet_each", "find_longest_name", "sum_up"):
        assert any(line.startswith("SUCCESS") and f"hello/{task}" in line for line in err.splitlines()), err


def test_run_reads_its_input_from_a_file_or_standard_input(cli: Cli) -> None:
    (cli.folder / "in.json").write_text('{"word": "from a file"}')
    assert json.loads(cli("run", "steps.yaml", "good", "-i", "in.json")[1]) == {"said": "from a file"}
    assert json.loads(cli("run", "steps.yaml", "good", "-i", "-", given='{"word": "piped"}')[1]) == {"said": "piped"}


def test_run_keeps_a_marked_value_secret_without_being_told_how(cli: Cli) -> None:
    given = json.dumps({"word": {"$secret": planted("word")}})
    code, out, err = cli("run", "steps.yaml", "good", "-i", given)
    assert (code, json.loads(out)) == (0, {"said": "***"}), err


def test_a_key_for_secrets_is_printed_and_fits(cli: Cli) -> None:
    code, key, _ = cli("secret-key", "create")
    assert code == 0
    assert key != cli("secret-key", "create")[1]
    cli.environment["MISTRALISH_SECRET_KEYS"] = key
    code, out, _ = cli("config")
    assert code == 0
    assert "secret_keys = ***" in out
    assert key.strip() not in out


def test_run_shows_the_tasks_of_sub_workflows_too(cli: Cli) -> None:
    code, _, err = cli("run", "steps.yaml", "calls")
    assert (code, "good/t" in err, "calls/c" in err) == (0, True, True), err


@pytest.mark.parametrize(("workflow", "code"), [("good", 0), ("bad", 1), ("stops", 4)])
def test_the_exit_code_of_run_tells_the_final_state(cli: Cli, workflow: str, code: int) -> None:
    assert cli("run", "-q", "steps.yaml", workflow)[0] == code


def test_ctrl_c_cancels_a_run(cli: Cli) -> None:
    process = cli.start("run", "steps.yaml", "waits")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("RUNNING")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert "CANCELLED" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "missing.yaml"], "missing.yaml cannot be read"),
        (["run", "steps.yaml"], "name the one to start: good, bad, stops, waits, calls"),
        (["run", "steps.yaml", "good", "-i", "{"], "not valid JSON"),
        (["run", "steps.yaml", "good", "-i", '{"wrod": 1}'], "wrod"),
        (["serve", "--port", "many"], "flag --port: setting 'port' is 'many'"),
        (["serve", "--database-url", "oracle://x"], "sqlite:///"),
        (["config", "--config", "missing.toml"], "missing.toml does not exist"),
        (["frobnicate"], "No such command"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_exits_with_2(cli: Cli, arguments: list[str], words: str) -> None:
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_validate_tells_of_each_file_whether_and_where_it_is_wrong(cli: Cli) -> None:
    (cli.folder / "wrong.yaml").write_text(
        "version: '2.0'\nw:\n  tasks:\n    a:\n      action: std.noop\n      on-success: nobody\n"
    )
    code, out, err = cli("validate", "steps.yaml", "wrong.yaml", str(WORKFLOWS / "greetings_workbook.yaml"))
    first, second, third = out.splitlines()
    assert (code, err) == (2, "")
    assert first.startswith("steps.yaml: ok")
    assert second.startswith("wrong.yaml:6:19: ")
    assert "nobody" in second
    assert "ok" in third
    assert cli("validate", "steps.yaml")[0] == 0


def test_config_shows_values_with_their_origin(cli: Cli) -> None:
    (cli.folder / "my.toml").write_text("workers = 3\ndatabase_url = 'postgresql://me:hidden9@db/x'\n")
    code, out, _ = cli("config", "--config", "my.toml", "--port", "1234")
    assert code == 0
    assert "port = 1234  (flag --port)" in out
    assert "workers = 3  (file my.toml)" in out
    assert "host = 127.0.0.1  (default)" in out
    assert "postgresql://me:***@db/x" in out
    assert "hidden9" not in out


def test_db_upgrade_makes_the_database_and_says_its_version(cli: Cli) -> None:
    url = f"sqlite:///{cli.folder}/made/by.db"
    first, again = cli("db", "upgrade", "--database-url", url), cli("db", "upgrade", "--database-url", url)
    assert first[0] == again[0] == 0, first[2]
    assert first[1] == again[1]
    assert (cli.folder / "made" / "by.db").exists()


def test_serve_says_when_it_is_ready_and_ends_well_on_sigterm(cli: Cli) -> None:
    process = cli.start("serve", "--port", "0")
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("mistralish ")
    assert "sqlite:///" in line
    url = line.split()[3]
    assert requests.get(url + "/workflows", timeout=10).json() == {"workflows": []}
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_a_port_that_is_taken_is_told_in_a_line_and_leaves_the_database_alone(cli: Cli) -> None:
    first = cli.start("serve", "--port", "0")
    assert first.stdout is not None
    port = first.stdout.readline().split()[3].split(":")[2].split("/")[0]
    code, out, err = cli("serve", "--port", port, "--database-url", f"sqlite:///{cli.folder}/second.db")
    first.terminate()
    first.communicate(timeout=20)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert f"port {port}: it is in use already" in err
    assert not (cli.folder / "second.db").exists()


def test_what_runs_at_sigterm_is_finished_and_kept(cli: Cli) -> None:
    """The action that is in flight ends within the drain time, and its end is there after a restart."""
    (cli.folder / "slow.yaml").write_text("version: '2.0'\nslow: {tasks: {t: {action: std.sleep seconds=1}}}\n")
    process = cli.start("serve", "--port", "0")
    assert process.stdout is not None
    url = process.stdout.readline().split()[3]
    requests.post(url + "/workflows", (cli.folder / "slow.yaml").read_text(), timeout=10).raise_for_status()
    execution = requests.post(url + "/executions", json={"workflow_name": "slow"}, timeout=10).json()
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    again = cli.start("serve", "--port", "0")
    assert again.stdout is not None
    url = again.stdout.readline().split()[3]
    try:
        answer = requests.get(f"{url}/executions/{execution['id']}", timeout=10).json()
        assert answer["state"] == "SUCCESS", answer["state_info"]
    finally:
        again.terminate()
        again.communicate(timeout=20)


def test_quickstart_prints_the_output_and_leaves_the_service_answering(cli: Cli) -> None:
    port = str(free_port())
    code, out, err = cli("quickstart", str(WORKFLOWS / "hello.yaml"), "--port", port)
    assert code == 0, err
    pid = int(err.split("kill ")[1].split()[0])
    try:
        assert json.loads(out)["summary"] == "Greeted 3 people; the longest name is Edsger."
        listed = requests.get(f"http://127.0.0.1:{port}/v2/executions", timeout=10).json()["executions"]
        assert [execution["state"] for execution in listed] == ["SUCCESS"]
        code, out, err = cli("quickstart", str(WORKFLOWS / "hello.yaml"), "--port", port, "-i", '{"names": ["You"]}')
        assert code == 0, err
        assert "Hello, You!" in out
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not _answers(port), 20, "the service's end")


def _answers(port: str) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/v2/", timeout=5).ok
    except requests.ConnectionError:
        return False
