"""The mode ``none``: who is let in unasked."""

import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient

from mistralish.api import create_app
from mistralish.api.auth import choose_authenticator
from mistralish.config import Settings
from mistralish.errors import InputError

ENVIRONMENT = {"name": "e", "variables": {"a": 1}}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7"])
def test_addresses_that_others_reach_are_refused_with_what_to_do(host: str) -> None:
    with pytest.raises(InputError, match=r"tokens, oidc or keystone.* 127\.0\.0\.1.*--allow-anonymous"):
        choose_authenticator(Settings(host=host))


def test_who_insists_is_warned(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        choose_authenticator(Settings(host="0.0.0.0", allow_anonymous=True))
    assert "everybody who reaches port 8989 may do everything" in caplog.text


def test_a_loopback_address_needs_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        choose_authenticator(Settings(host="127.0.0.1"))
    assert not caplog.text


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8989", "127.0.0.1:1", "[::1]:8989", "192.168.0.9", "mistral:80"]
)
def test_usual_names_of_the_service_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/v2/environments", headers={"Host": host}).status_code == 200
    own_page = {"Host": host, "Origin": f"http://{host}"}
    assert client.post("/v2/environments", json=ENVIRONMENT, headers=own_page).status_code == 201


@pytest.mark.parametrize(
    "host", ["evil.example.org", "evil.example.org:8989", "127.0.0.1.nip.io:8989", "localhost.evil.io"]
)
def test_a_name_that_a_stranger_points_here_is_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/v2/environments", headers={"Host": host, "Origin": f"http://{host}"})
    assert answer.status_code == 403
    assert "use one of these" in answer.get_json()["faultstring"]


def test_the_name_in_the_setting_host_is_answered(service: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mistralish.api.auth.nobody.is_loopback", lambda _: True)
    service.settings = replace(service.settings, host="flows.example.org")
    answer = create_app(service).test_client().get("/v2/environments", headers={"Host": "Flows.example.org:8989"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example.org", "null", "", "http://localhost:3000", "http://127.0.0.1", "file://", "localhost"],
)
def test_web_pages_of_other_origins_change_nothing(client: FlaskClient, origin: str) -> None:
    answer = client.post("/v2/environments", json=ENVIRONMENT, headers={"Host": "localhost", "Origin": origin})
    assert answer.status_code == 403
    assert "other origins" in answer.get_json()["faultstring"]
    assert client.get("/v2/environments").get_json() == {"environments": []}
