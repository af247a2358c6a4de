"""``auth = keystone`` with a real Keystone: who is let in, and what each then sees."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, request
from keystone_server import Keystone, running_keystone, write_authtoken_file
from peers import Unavailable, free_port, wait_for
from rest import Rest, unique
from serving import running_server

from mistralish.api.auth import keystone
from mistralish.config import Settings
from mistralish.errors import UnavailableError

pytestmark = pytest.mark.slow

NOTHING = "version: '2.0'\n{name}:\n  tasks:\n    nothing: {{action: std.noop}}\n"
WHO_ASKED = """
version: '2.0'
{name}:
  output: {{asked: <% $.asked %>}}
  tasks:
    below:
      workflow: {name}_below
      publish: {{asked: <% task().result.asked %>}}
{name}_below:
  output: {{asked: <% $.openstack %>}}
  tasks:
    nothing: {{action: std.noop}}
"""


class Caller(Rest):
    """The API, asked with a token."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url)
        self._token = token

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {**options.pop("headers", {}), "X-Auth-Token": self._token}
        return super().call(method, path, headers=headers, **options)


@dataclass
class Site:
    """A service and its Keystone; ``project`` tells ids of projects by name. Alice and Anna share one, Bob has his."""

    url: str
    keystone: Keystone
    folder: Path
    project: dict[str, str]

    def caller(self, user: str, project: str) -> Caller:
        return Caller(self.url, self.keystone.token(user, project))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("keystone")
    try:
        with running_keystone(folder) as keystone:
            file = write_authtoken_file(folder / "authtoken.conf", keystone.url, "token_cache_time = 1")
            with running_server(folder, settings(file)) as server:
                keystone.add_workflow_service(server.url)
                people = {"alice": "shop", "anna": "shop", "bob": "bank"}
                projects = {where: keystone.add_user(name, where, "member") for name, where in people.items()}
                yield Site(server.url, keystone, folder, projects)
    except Unavailable as reason:
        pytest.skip(str(reason))


def settings(authtoken_file: Path) -> dict[str, str]:
    return {"MISTRALISH_AUTH": "keystone", "MISTRALISH_KEYSTONE_AUTHTOKEN_FILE": str(authtoken_file)}


@pytest.fixture
def alice(site: Site) -> Caller:
    return site.caller("alice", "shop")


def refusal(response: requests.Response, status: int) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["faultstring"])


def challenged(site: Site, response: requests.Response) -> str:
    """The reason of a 401, which tells where tokens are given out."""
    assert response.headers.get("WWW-Authenticate") == f'Keystone uri="{site.keystone.url}"'
    return refusal(response, 401)


def test_the_client_runs_a_workflow_with_a_name_and_a_password(
    site: Site, clean_environment: dict[str, str], tmp_path: Path
) -> None:
    program = shutil.which("mistral", path=str(Path(sys.executable).parent)) or "mistral"
    environment = clean_environment | site.keystone.environment("alice", "shop")

    def mistral(*arguments: str) -> Any:
        command = [program, *arguments, "-f", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    name = unique("nothing")
    (tmp_path / "nothing.yaml").write_text(NOTHING.format(name=name))
    (created,) = mistral("workflow-create", str(tmp_path / "nothing.yaml"))
    assert created["Name"] == name
    execution = mistral("execution-create", name)
    wait_for(lambda: mistral("execution-get", execution["ID"])["State"] == "SUCCESS", 30, "its end")


def test_what_a_project_has_is_seen_by_its_users_and_by_no_others(site: Site, alice: Caller) -> None:
    name = unique("nothing")
    (workflow,) = alice.post("/workflows", NOTHING.format(name=name))["workflows"]
    execution = alice.run(name)
    assert (workflow["project_id"], execution["project_id"]) == (site.project["shop"], site.project["shop"])
    assert site.caller("anna", "shop").execution(execution["id"])["state"] == "SUCCESS"
    bob = site.caller("bob", "bank")
    assert bob.get("/workflows", name=name)["workflows"] == []
    assert bob.get("/executions", workflow_name=name)["executions"] == []
    for path in (f"/workflows/{name}", f"/workflows/{workflow['id']}", f"/executions/{execution['id']}"):
        assert refusal(bob.call("GET", path), 404)
    assert refusal(bob.call("POST", "/executions", json={"workflow_id": workflow["id"]}), 404)


def test_an_administrator_sees_all_projects_and_a_member_may_not_ask_to(site: Site, alice: Caller) -> None:
    name = unique("nothing")
    alice.post("/workflows", NOTHING.format(name=name))
    admin = site.caller("admin", "admin")
    assert [row["project_id"] for row in admin.get("/workflows", name=name, all_projects="true")["workflows"]] == [
        site.project["shop"]
    ]
    assert admin.get("/workflows", name=name)["workflows"] == []
    assert refusal(alice.call("GET", "/workflows", params={"all_projects": "true"}), 403)


def test_without_a_token_only_the_versions_are_told(site: Site) -> None:
    assert requests.get(site.url + "/", timeout=30).status_code == 200
    assert "X-Auth-Token" in challenged(site, requests.get(f"{site.url}/workflows", timeout=30))


@pytest.mark.parametrize("token", ["nonsense", "gAAAAABnonsense", "x" * 4000, "é"])
def test_a_wrong_token_is_refused(site: Site, token: str) -> None:
    said = challenged(site, requests.get(f"{site.url}/workflows", headers={"X-Auth-Token": token.encode()}, timeout=30))
    assert token not in said


def test_a_revoked_token_is_refused_once_what_is_remembered_of_it_is_too_old(site: Site) -> None:
    session = site.keystone.session("alice", "shop")
    caller = Caller(site.url, session.get_token())
    caller.get("/workflows")
    site.keystone.admin.tokens.revoke_token(session.get_token())
    wait_for(lambda: caller.call("GET", "/workflows").status_code == 401, 10, "the refusal")


def test_an_expired_token_is_refused(site: Site) -> None:
    # Another Keystone on the same keys and the same database, which gives out tokens for a short time.
    with running_keystone(site.folder, token_seconds=3) as brief:
        caller = Caller(site.url, brief.token("alice", "shop"))
        caller.get("/workflows")
        wait_for(lambda: caller.call("GET", "/workflows").status_code == 401, 10, "the refusal")


def test_a_token_for_no_project_is_forbidden(site: Site) -> None:
    unscoped = Caller(site.url, site.keystone.token("alice", None))
    assert "no project" in refusal(unscoped.call("GET", "/workflows"), 403)


def test_headers_that_only_the_middleware_may_set_count_for_nothing(site: Site, alice: Caller) -> None:
    forged = {
        "X-Identity-Status": "Confirmed",
        "X-Project-Id": site.project["bank"],
        "X-Tenant-Id": site.project["bank"],
        "X-User-Id": "root",
        "X-Roles": "admin",
        "X-Role": "admin",
        "X-Is-Admin-Project": "True",
    }
    assert challenged(site, requests.get(f"{site.url}/workflows", headers=forged, timeout=30))
    answer = alice.call("POST", "/workflows", data=NOTHING.format(name=unique("nothing")), headers=forged)
    assert answer.json()["workflows"][0]["project_id"] == site.project["shop"]
    assert refusal(alice.call("GET", "/workflows", params={"all_projects": "true"}, headers=forged), 403)


def test_a_service_token_alone_lets_nobody_in(site: Site) -> None:
    service = {"X-Service-Token": site.keystone.token("mistral", "service")}
    assert challenged(site, requests.get(f"{site.url}/workflows", headers=service, timeout=30))


def test_expressions_see_who_asked_in_sub_workflows_too_but_no_token(site: Site, alice: Caller) -> None:
    name = unique("who")
    alice.post("/workflows", WHO_ASKED.format(name=name))
    asked = alice.run(name)["output"]["asked"]
    user = site.keystone.session("alice", "shop").get_user_id()
    assert asked == {
        "project": site.project["shop"],
        "project_id": site.project["shop"],
        "project_name": "shop",
        "user": user,
        "user_id": user,
        "user_name": "alice",
        "roles": ["member", "reader"],
        "is_admin": False,
        "auth_token": "***",
        "service_catalog": "***",
    }


def test_while_keystone_is_down_requests_with_a_token_are_told_to_come_again(tmp_path: Path) -> None:
    file = write_authtoken_file(tmp_path / "authtoken.conf", f"http://127.0.0.1:{free_port()}/v3")
    with running_server(tmp_path, settings(file)) as server:
        response = Caller(server.url, "token").call("GET", "/workflows")
        assert "Keystone" in refusal(response, 503)
        assert response.headers["Retry-After"]
        assert refusal(requests.get(f"{server.url}/workflows", timeout=30), 401)


def test_a_keystone_that_never_answers_holds_nobody_up_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keystone, "SILENT_SECONDS", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        file = write_authtoken_file(tmp_path / "authtoken.conf", f"http://127.0.0.1:{silent.getsockname()[1]}/v3")
        asked = keystone.KeystoneAuthentication(Settings(keystone_authtoken_file=file))
        begun = time.monotonic()
        with Flask("app").test_request_context(headers={"X-Auth-Token": "t"}), pytest.raises(UnavailableError):
            asked.identify(request)
        assert time.monotonic() - begun < 10
