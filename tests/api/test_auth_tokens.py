"""The mode ``tokens``: the file, the command that looks after it, and what requests with tokens get."""

import json
import logging
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from mistralish import tokens
from mistralish.api import create_app
from mistralish.cli import main
from mistralish.config import Settings
from mistralish.errors import InputError, UnavailableError
from mistralish.tokens import create_token, read_tokens, revoke_token


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
def client(service: SimpleNamespace, file: Path) -> FlaskClient:
    service.settings = Settings(auth="tokens", tokens_file=file)
    return create_app(service).test_client()


def secret_of(token: str) -> str:
    return token.split("_", 2)[2]


def get(client: FlaskClient, token: str, path: str = "/v2/environments") -> Any:
    return client.get(path, headers={"X-Auth-Token": token})


def test_both_headers_are_taken_also_together(client: FlaskClient, file: Path) -> None:
    token, _ = create_token(file, "shop")
    for headers in (
        {"X-Auth-Token": token},
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"bearer  {token} "},
        {"X-Auth-Token": token, "Authorization": f"Bearer {token}"},
        {"X-Auth-Token": token, "Authorization": "Basic YTpi"},
    ):
        assert client.get("/v2/environments", headers=headers).status_code == 200, headers


def test_a_request_without_a_token_is_told_what_to_send(client: FlaskClient) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}, {"X-Auth-Token": " "}):
        answer = client.get("/v2/environments", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mistralish"'
        assert "Authorization after the word Bearer, or in the header X-Auth-Token" in answer.get_json()["faultstring"]


def test_two_tokens_at_once_are_refused(client: FlaskClient, file: Path) -> None:
    one, two = create_token(file, "shop")[0], create_token(file, "depot")[0]
    answer = client.get("/v2/environments", headers={"X-Auth-Token": one, "Authorization": f"Bearer {two}"})
    assert answer.status_code == 401
    assert "send one of them" in answer.get_json()["faultstring"]


def test_wrong_tokens_are_refused_and_never_repeated(client: FlaskClient, file: Path) -> None:
    token, kept = create_token(file, "shop")
    for wrong in (token[:-1], token + "x", f"mst_{kept.id}_", f"mst_{kept.id}", kept.id, kept.hash, "mst__", "é"):
        answer = get(client, wrong)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mistralish", error="invalid_token"'
        assert wrong not in answer.text or wrong == "mst__"


def test_projects_see_their_own_and_headers_change_nothing(client: FlaskClient, file: Path) -> None:
    shop, depot = create_token(file, "shop")[0], create_token(file, "depot")[0]
    headers = {"X-Auth-Token": shop, "X-Project-Id": "depot", "X-Roles": "admin"}
    made = client.post("/v2/environments", json={"name": "e", "variables": {"a": 1}}, headers=headers)
    assert made.get_json()["project_id"] == "shop"
    assert get(client, depot, "/v2/environments/e").status_code == 404
    assert get(client, shop, "/v2/environments/e").status_code == 200


def test_only_the_role_admin_reaches_other_projects(client: FlaskClient, file: Path) -> None:
    shop, other, admin = (
        create_token(file, "shop")[0],
        create_token(file, "depot", roles=("member", "administrator"))[0],
        create_token(file, "ops", roles=("admin",))[0],
    )
    headers = {"X-Auth-Token": shop}
    client.post("/v2/environments", json={"name": "e", "variables": {"a": 1}}, headers=headers)
    everything = "/v2/environments?all_projects=true"
    assert [row["name"] for row in get(client, admin, everything).get_json()["environments"]] == ["e"]
    assert not get(client, other, everything).get_json().get("environments")


def test_open_routes_need_no_token_and_all_others_do(client: FlaskClient, file: Path) -> None:
    described = get(client, create_token(file, "shop")[0], "/v2/openapi.json").get_json()
    opened = set()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            status = client.open(path.replace("{", "").replace("}", ""), method=method.upper()).status_code
            if operation.get("security") == []:
                opened.add(path)
                assert status != 401, (method, path)
            else:
                assert status == 401, (method, path)
    assert {"/", "/v2", "/info"} <= opened
    assert client.get("/v2/no-such-route").status_code == 401


def test_changes_of_the_file_count_at_the_next_request(client: FlaskClient, file: Path) -> None:
    token, kept = create_token(file, "shop")
    assert get(client, token).status_code == 200
    later, _ = create_token(file, "shop")
    assert get(client, later).status_code == 200
    revoke_token(file, kept.id)
    assert (get(client, token).status_code, get(client, later).status_code) == (401, 200)
    file.unlink()
    assert get(client, later).status_code == 401


def test_the_file_is_read_only_when_it_has_changed(
    client: FlaskClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, _ = create_token(file, "shop")
    assert get(client, token).status_code == 200
    monkeypatch.setattr("mistralish.api.auth.tokens.read_tokens", lambda _: pytest.fail("it was read again"))
    assert get(client, token).status_code == 200


def test_a_token_that_has_expired_is_refused(client: FlaskClient, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, kept = create_token(file, "shop", days=2)
    assert datetime.fromisoformat(kept.expires_at) - datetime.fromisoformat(kept.created_at) == timedelta(days=2)
    assert get(client, token).status_code == 200
    assert not kept.is_expired(datetime.now(UTC) + timedelta(days=1.9))
    monkeypatch.setattr(tokens.Token, "is_expired", lambda self, now: True)
    answer = get(client, token)
    assert (answer.status_code, "expired at" in answer.get_json()["faultstring"]) == (401, True)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"tokens": 7}', '{"tokens": [{"id": "a"}]}'])
def test_a_broken_file_lets_nobody_in_and_the_log_says_why_once(
    client: FlaskClient, file: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    token, _ = create_token(file, "shop")
    assert get(client, token).status_code == 200
    file.write_text(content)
    with caplog.at_level(logging.ERROR):
        answers = [get(client, token) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503] * 3
    assert str(file) not in answers[0].text
    assert caplog.text.count(f"Nobody can be let in: {file}") == 1


def test_a_file_that_others_may_change_lets_nobody_in_until_that_is_put_right(client: FlaskClient, file: Path) -> None:
    token, _ = create_token(file, "shop")
    file.chmod(0o620)
    assert get(client, token).status_code == 503
    file.chmod(0o600)
    assert get(client, token).status_code == 200


def test_requests_at_the_same_time_keep_their_identities(client: FlaskClient, file: Path) -> None:
    texts = {f"project-{number}": create_token(file, f"project-{number}")[0] for number in range(8)}
    barrier = threading.Barrier(8)

    def make(project: str) -> set[str]:
        barrier.wait(10)
        mine = client.application.test_client()
        found = set()
        for number in range(20):
            body = {"name": f"e{number}", "variables": {"a": 1}}
            made = mine.post("/v2/environments", json=body, headers={"X-Auth-Token": texts[project]})
            found.add(made.get_json()["project_id"])
            assert mine.get("/v2/environments").status_code == 401
        return found

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make, texts)) == [{project} for project in texts]


def test_the_file_has_no_token_and_is_its_owners_alone(file: Path) -> None:
    token, kept = create_token(file, "shop", "ann", ("member",), 1)
    assert secret_of(token) not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_tokens(file) == [kept]
    assert json.loads(file.read_text())["tokens"][0]["roles"] == ["member"]


def test_tokens_made_at_the_same_time_are_all_kept(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = {kept.id for _, kept in pool.map(lambda number: create_token(file, f"p{number}"), range(16))}
    assert {kept.id for kept in read_tokens(file)} == made
    assert len(made) == 16


def test_a_write_that_fails_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, kept = create_token(file, "shop")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableError, match="No space left"):
        create_token(file, "depot")
    assert read_tokens(file) == [kept]
    assert {path.name for path in file.parent.glob("tokens*")} <= {"tokens.json", "tokens.json.lock"}


@pytest.mark.parametrize("name", ["a\nb", "x" * 256, " a", "\x00", "\ud800"])
def test_names_that_cannot_be_are_refused(file: Path, name: str) -> None:
    for arguments in ((name,), ("shop", name), ("shop", "ann", (name,))):
        with pytest.raises(InputError):
            create_token(file, *arguments)
    assert not file.exists()


def command(file: Path, *arguments: str) -> Result:
    environment = {"MISTRALISH_TOKENS_FILE": str(file), "MISTRALISH_AUTH": "tokens"}
    return CliRunner().invoke(main, ["token", *arguments], env=environment)


def test_the_command_makes_a_token_that_counts_lists_it_and_revokes_it(client: FlaskClient, file: Path) -> None:
    made = command(file, "create", "--project", "shop", "--user", "ann", "--role", "a", "--role", "b", "--expires", "3")
    token = made.stdout.strip()
    assert (made.exit_code, get(client, token).status_code) == (0, 200)
    listed = command(file, "list")
    identifier = token.split("_")[1]
    assert all(word in listed.stdout for word in (identifier, "shop", "ann", "a,b"))
    assert secret_of(token) not in listed.output
    assert read_tokens(file)[0].hash not in listed.output
    assert command(file, "revoke", identifier).exit_code == 0
    assert get(client, token).status_code == 401


def test_the_command_says_what_is_wrong(file: Path) -> None:
    unknown = command(file, "revoke", "nobodys")
    assert (unknown.exit_code, "no token of the id nobodys" in unknown.stderr) == (2, True)
    assert command(file, "create").exit_code == 2
    assert command(file, "create", "--project", "shop", "--expires", "0").exit_code == 2
    file.write_text("{")
    assert "not a file of tokens" in command(file, "list").stderr
