"""The routes that belong to no resource."""

from flask.testing import FlaskClient


def test_root_tells_the_versions_with_links_made_from_the_host_header(client: FlaskClient) -> None:
    body = client.get("/", headers={"Host": "example.org:8989"}).get_json()
    assert body == {
        "versions": [
            {
                "id": "v2.0",
                "status": "CURRENT",
                "links": [{"href": "http://example.org:8989/v2", "target": "v2", "rel": "self"}],
            }
        ]
    }


def test_version_tells_where_it_is_with_and_without_a_slash(client: FlaskClient) -> None:
    for path in ("/v2", "/v2/"):
        assert client.get(path, headers={"Host": "h"}).get_json() == {"uri": "http://h/v2"}


def test_every_answer_carries_a_request_id_of_its_own(client: FlaskClient) -> None:
    ids = {client.get(path).headers["X-Request-Id"] for path in ("/", "/v2/", "/nowhere")}
    assert len(ids) == 3
    assert all(ids)
