"""``/v2/workflows/{id}/members``: who may do what is the store's to say, see its tests."""

from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from recording import PROJECT

from mistralish.store import Store, Tenant

NOBODY = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def members(client: FlaskClient) -> str:
    text = "version: '2.0'\nflow:\n  tasks:\n    t: {action: std.noop}\n"
    return f"/v2/workflows/{client.post('/v2/workflows', data=text).get_json()['workflows'][0]['id']}/members"


def test_a_member_is_proposed_read_listed_and_removed(client: FlaskClient, members: str) -> None:
    answer = client.post(members, json={"member_id": "theirs"})
    assert answer.status_code == 201
    made = answer.get_json()
    assert list(made) == [
        *("id", "resource_id", "resource_type", "project_id", "member_id", "status", "created_at", "updated_at"),
    ]
    assert (made["status"], made["project_id"], made["resource_type"]) == ("pending", PROJECT, "workflow")
    assert client.get(members).get_json() == {"members": [made]}
    assert client.get(f"{members}/theirs").get_json() == made
    assert client.delete(f"{members}/theirs").status_code == 204
    assert client.get(f"{members}/theirs").status_code == 404
    assert client.get(members).get_json() == {"members": []}


def test_a_project_answers_what_was_proposed_to_it(client: FlaskClient, store: Store) -> None:
    values = {"name": "foreign", "definition": "", "spec": {}}
    foreign = store.create("workflow", values, tenant=Tenant("theirs"))
    store.create_member("workflow", foreign["id"], PROJECT, tenant=Tenant("theirs"))
    assert client.get("/v2/workflows/foreign").status_code == 404
    path = f"/v2/workflows/{foreign['id']}/members/{PROJECT}"
    answer = client.put(path, json={"status": "accepted"})
    assert (answer.status_code, answer.get_json()["status"]) == (200, "accepted")
    assert client.get("/v2/workflows/foreign").get_json()["project_id"] == "theirs"
    assert client.put(path, json={"status": "rejected"}).status_code == 200
    assert client.get("/v2/workflows/foreign").status_code == 404


def test_only_the_project_itself_may_answer(client: FlaskClient, members: str) -> None:
    client.post(members, json={"member_id": "theirs"})
    assert client.put(f"{members}/theirs", json={"status": "accepted"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Member id must be provided."),
        ({"member_id": "m" * 256}, "at most 255"),
        ({"member_id": 7}, "member_id"),
        ({"who": "x"}, "Unknown attribute: who"),
    ],
)
def test_a_wrong_proposal_is_refused(client: FlaskClient, members: str, body: dict[str, object], words: str) -> None:
    answer = client.post(members, json=body)
    assert answer.status_code == 400
    assert words in answer.get_json()["faultstring"]


def test_what_does_not_fit_is_refused_with_its_own_status(
    client: FlaskClient, members: str, service: SimpleNamespace
) -> None:
    client.post(members, json={"member_id": "theirs"})
    assert client.post(members, json={"member_id": "theirs"}).status_code == 409
    assert client.post(f"/v2/workflows/{NOBODY}/members", json={"member_id": "m"}).status_code == 404
    by_name = client.get("/v2/workflows/flow/members")
    assert by_name.status_code == 400
    assert "Only support UUID as resource identifier" in by_name.get_json()["faultstring"]
    assert client.put(f"{members}/theirs", json={}).get_json()["faultstring"] == "Status must be provided."
    perhaps = client.put(f"{members}/theirs", json={"status": "perhaps"})
    assert perhaps.status_code == 400
    assert "accepted, pending, rejected" in perhaps.get_json()["faultstring"]
