"""Who may use the service: the real server in each mode that needs no other service, and real clients."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from issuers import AUDIENCE, Issuer, running_issuer
from keystoneauth1 import token_endpoint
from keystoneauth1.session import Session
from mistralclient.api import base
from mistralclient.api import client as mistral_client
from peers import free_port, wait_for
from processes import ServiceProcess, service_process

from mistralish.tokens import create_token, revoke_token

FLOW = """version: '2.0'
greet:
  output: {said: <% $.said %>}
  tasks:
    say: {action: "std.echo output='hello'", publish: {said: <% task().result %>}}
"""
PROGRAMS = Path(sys.executable).parent

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def tokens_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokens") / "tokens.json"


@pytest.fixture(scope="module")
def token_service(tmp_path_factory: pytest.TempPathFactory, tokens_file: Path) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("token-service")
    database = f"sqlite:///{folder}/mistralish.db"
    with service_process(folder, "tokens", database, auth="tokens", tokens_file=tokens_file) as running:
        yield running


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def oidc_service(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("oidc-service")
    settings = {"auth": "oidc", "oidc_issuers": issuer.url, "oidc_audience": AUDIENCE}
    with service_process(folder, "oidc", f"sqlite:///{folder}/mistralish.db", **settings) as running:
        yield running


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    file = tmp_path / "greet.yaml"
    file.write_text(FLOW)
    return file


@pytest.fixture
def mistral(clean_environment: dict[str, str]) -> Command:
    """Run ``mistral`` with these variables and arguments; what it says as JSON, or all it says where it ``fails``."""
    program = shutil.which("mistral", path=str(PROGRAMS))
    if program is None:
        pytest.skip("the command mistral is not installed (pip install python-mistralclient)")

    def run(variables: dict[str, str], *arguments: str, fails: bool = False) -> Any:
        environment = clean_environment | variables
        done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=90)
        assert (done.returncode != 0) == fails, f"mistral {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr if fails else json.loads(done.stdout)

    return run


def run_the_flow(mistral: Command, variables: dict[str, str], flow: Path) -> str:
    """Upload and run a workflow with the real client; answers the project that it belongs to."""
    (made,) = mistral(variables, "workflow-create", str(flow), "-f", "json")
    started = mistral(variables, "execution-create", "greet", "-f", "json")

    def ended() -> bool:
        return mistral(variables, "execution-get", started["ID"], "-f", "json")["State"] == "SUCCESS"

    wait_for(ended, 30, "the execution's success")
    assert mistral(variables, "execution-get-output", started["ID"]) == {"said": "hello"}
    return str(made["Project ID"])


def test_the_client_works_with_a_ready_token_until_it_is_revoked(
    token_service: ServiceProcess, tokens_file: Path, mistral: Command, flow: Path
) -> None:
    token, kept = create_token(tokens_file, "shop", "ann", ("member",))
    variables = {"OS_MISTRAL_URL": token_service.rest.url, "OS_AUTH_TOKEN": token, "MISTRAL_AUTH_TYPE": "token"}
    assert run_the_flow(mistral, variables, flow) == "shop"
    revoke_token(tokens_file, kept.id)
    said = mistral(variables, "workflow-list", fails=True)
    assert "not known here, or was revoked" in said
    assert token not in said


def test_the_python_client_works_with_a_ready_token_and_projects_are_apart(
    token_service: ServiceProcess, tokens_file: Path
) -> None:
    ours, theirs = (
        mistral_client.client(mistral_url=token_service.rest.url, auth_token=create_token(tokens_file, project)[0])
        for project in ("mine", "yours")
    )
    made = ours.environments.create(name="place", variables=json.dumps({"a": 1}))
    assert made.project_id == "mine"
    with pytest.raises(base.APIException) as caught:
        theirs.environments.get("place")
    assert caught.value.error_code == 404


def test_openstacks_command_line_works_with_a_ready_token(token_service: ServiceProcess, tokens_file: Path) -> None:
    # As `openstack --os-auth-type admin_token` does it: the client gets a session that has an endpoint and a token.
    ready = token_endpoint.Token(token_service.rest.url, create_token(tokens_file, "shop")[0])
    client = mistral_client.client(mistral_url=token_service.rest.url, session=Session(auth=ready))
    assert isinstance(client.workflows.list(), list)


def test_keycloaks_users_work_with_the_client_by_name_and_password(
    oidc_service: ServiceProcess, issuer: Issuer, mistral: Command, flow: Path
) -> None:
    variables = {
        "OS_MISTRAL_URL": oidc_service.rest.url,
        "MISTRAL_AUTH_TYPE": "keycloak-oidc",
        "OS_AUTH_URL": issuer.base_url,
        "OS_PROJECT_NAME": issuer.realm,
        "OPENID_CLIENT_ID": "mistral-client",
        "OS_USERNAME": "ann",
        "OS_PASSWORD": "secret",
    }
    assert run_the_flow(mistral, variables, flow) == issuer.realm


def test_the_client_works_with_a_ready_token_of_an_issuer(
    oidc_service: ServiceProcess, issuer: Issuer, mistral: Command
) -> None:
    variables = {"OS_MISTRAL_URL": oidc_service.rest.url, "MISTRAL_AUTH_TYPE": "token"}
    listed = mistral(variables | {"OS_AUTH_TOKEN": issuer.token()}, "workflow-list", "-f", "json")
    assert isinstance(listed, list)
    assert "has expired" in mistral(variables | {"OS_AUTH_TOKEN": issuer.token(exp=1)}, "workflow-list", fails=True)


def test_a_new_key_counts_and_an_issuer_that_is_down_stops_nobody_whose_key_is_known(
    oidc_service: ServiceProcess, issuer: Issuer
) -> None:
    def status(token: str) -> int:
        return oidc_service.rest.call("GET", "/environments", headers={"Authorization": f"Bearer {token}"}).status_code

    assert status(issuer.token()) == 200
    before = issuer.token()
    issuer.rotate("next", "ES256")
    wait_for(lambda: status(issuer.token()) == 200, 20, "the new key")
    assert status(before) == 401
    issuer.is_down = True
    try:
        known = issuer.token()
        issuer.rotate("unheard-of", number=2)
        wait_for(lambda: status(issuer.token()) == 503, 20, "the attempt to fetch the key")
        assert status(known) == 200
    finally:
        issuer.is_down = False
    wait_for(lambda: status(issuer.token()) == 200, 20, "the issuer's return")


def test_no_token_is_ever_in_the_log(
    token_service: ServiceProcess, oidc_service: ServiceProcess, tokens_file: Path, issuer: Issuer
) -> None:
    good, wrong, signed = create_token(tokens_file, "shop")[0], "mst_000000000000_wrong-secret", issuer.token()
    for service in (token_service, oidc_service):
        for token in (good, wrong, signed, signed[:-3]):
            for headers in ({"X-Auth-Token": token}, {"Authorization": f"Bearer {token}"}):
                service.rest.call("GET", "/environments", headers=headers)
        for token in (good, wrong, signed):
            assert token not in service.said
            assert token.split("_", 2)[-1] not in service.said


def serve(*arguments: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
    environment = {"MISTRALISH_DATA_DIR": str(folder), "PATH": str(PROGRAMS), **variables}
    command = [sys.executable, "-m", "mistralish.cli", "serve", "--port", str(free_port()), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (("--host", "0.0.0.0"), {}, "Set auth to tokens, oidc or keystone"),
        ((), {"MISTRALISH_AUTH": "oidc"}, "needs the settings oidc_issuers and oidc_audience"),
        ((), {"MISTRALISH_AUTH": "guess"}, "must be one of none, tokens, oidc, keystone"),
        ((), {"MISTRALISH_AUTH": "oidc", "MISTRALISH_OIDC_ISSUERS": "sso"}, "a URL that begins with https://"),
    ],
)
def test_a_service_that_would_let_in_whom_it_should_not_does_not_start(
    tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], words: str
) -> None:
    process = serve(*arguments, folder=tmp_path, **variables)
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, words in said) == (2, True), said
    assert not list(tmp_path.glob("*.db"))


def test_who_insists_is_served_and_warned(tmp_path: Path) -> None:
    process = serve("--host", "0.0.0.0", "--allow-anonymous", folder=tmp_path)
    try:
        said = ""
        assert process.stdout is not None
        while "serving" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        assert "everybody who reaches port" in said
        port = said.partition("serving http://0.0.0.0:")[2].partition("/")[0]
        assert requests.get(f"http://127.0.0.1:{port}/v2/environments", timeout=10).status_code == 200
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_quick_start_says_what_to_do_and_works_with_a_token(tmp_path: Path, flow: Path) -> None:
    environment = {"MISTRALISH_DATA_DIR": str(tmp_path), "MISTRALISH_AUTH": "tokens", "PATH": str(PROGRAMS)}
    command = [sys.executable, "-m", "mistralish.cli", "quickstart", "--port", str(free_port()), str(flow)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "mistralish token create" in done.stderr) == (2, True), done.stderr
    environment["OS_AUTH_TOKEN"], _ = create_token(tmp_path / "tokens.json", "shop")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    stop = done.stderr.partition("stop it with: kill ")[2].split()
    if stop:
        subprocess.run(["kill", stop[0]], check=True)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"said": "hello"}), done.stderr
