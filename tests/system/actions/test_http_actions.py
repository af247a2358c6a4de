"""std.http and std.mistral_http against a real HTTP server."""

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from peers import free_port, http_peer

from mistralish.actions import ActionSettings, Registry
from mistralish.actions.settings import HttpSettings
from mistralish.executors import ActionCall, ThreadExecutor, run_now

LIMITS = HttpSettings(default_timeout=1, max_seconds=1.5, max_response_bytes=100_000)


@pytest.fixture(scope="module")
def registry():
    return Registry(ActionSettings(http=LIMITS), find_entry_points=list)


@pytest.fixture(scope="module")
def peer():
    with http_peer() as running:
        yield running


@pytest.fixture(scope="module")
def odd_server():
    """A server whose answers need their headers: redirects, cookies, encodings, and bodies without an end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), OddHandler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class OddHandler(BaseHTTPRequestHandler):
    """Answers a GET by its path."""

    protocol_version = "HTTP/1.1"
    close_connection = True

    def do_GET(self):
        getattr(self, self.path.lstrip("/"))()

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def moved(self):
        self.reply(302, b"look there", Location="/cookies", Content_Type="text/plain")

    def cookies(self):
        self.reply(200, b'{"here": 1}', Set_Cookie="flavour=oat", Content_Type="application/json")

    def latin(self):
        self.reply(200, "caf\xe9".encode("latin-1"), Content_Type="text/plain; charset=iso-8859-1")

    def binary(self):
        self.reply(200, b"\x00\xff\xfe", Content_Type="application/octet-stream")

    def unknown_charset(self):
        self.reply(200, b"words", Content_Type="text/plain; charset=martian")

    def bomb(self):
        self.reply(200, gzip.compress(b"0" * 5_000_000), Content_Encoding="gzip")

    def chunked(self):
        self.reply(200, b"4\r\nword\r\n2\r\ns!\r\n0\r\n\r\n", Transfer_Encoding="chunked")

    def packed(self):
        self.reply(200, gzip.compress(b"[" + b"1," * 20_000 + b"1]"), Content_Encoding="gzip")

    def endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b"x" * 200)
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass  # the client went away, as it should

    def log_message(self, *args):
        """Say nothing."""


def http(registry, **given):
    return run_now(registry, ActionCall("a1", "std.http", given))


def test_a_json_answer_comes_as_data_with_all_about_it(registry, peer):
    result = http(registry, url=f"{peer.url}/users/1")
    assert result.is_success
    data = result.data
    assert data["content"] == {"id": 1, "name": "Ada", "city": "London", "score": 91}
    assert (data["status"], data["reason"], data["url"]) == (200, "OK", f"{peer.url}/users/1")
    assert data["headers"]["Content-Type"] == "application/json"
    assert (data["history"], data["cookies"], data["encoding"]) == ([], {}, "utf-8")
    assert 0 < data["elapsed"] < 5


def test_text_comes_as_text(registry, peer):
    assert http(registry, url=f"{peer.url}/text").data["content"] == "plain words"


@pytest.mark.parametrize(
    ("path", "content"),
    [("latin", "café"), ("binary", "\x00\ufffd\ufffd"), ("unknown_charset", "words")],
)
def test_a_body_in_any_encoding_comes_as_text(registry, odd_server, path, content):
    assert http(registry, url=f"{odd_server}/{path}").data["content"] == content


def test_chunked_and_compressed_bodies_come_whole(registry, odd_server):
    assert http(registry, url=f"{odd_server}/chunked").data["content"] == "words!"
    assert http(registry, url=f"{odd_server}/packed").data["content"] == [1] * 20_001


def test_method_query_headers_and_json_are_sent(registry, peer):
    given = {"method": "PUT", "params": {"q": "a b"}, "headers": {"X-Number": 7, "X-Text": "t"}, "json": {"k": [1]}}
    content = http(registry, url=f"{peer.url}/echo", **given).data["content"]
    assert (content["method"], content["query"], content["json"]) == ("PUT", {"q": "a b"}, {"k": [1]})
    assert (content["headers"]["X-Number"], content["headers"]["X-Text"]) == ("7", "t")
    assert content["headers"]["Content-Type"] == "application/json"


def test_a_dictionary_as_body_is_sent_as_json_and_text_as_it_is(registry, peer):
    assert http(registry, url=f"{peer.url}/echo", method="POST", body={"k": "é"}).data["content"]["json"] == {"k": "é"}
    http(registry, url=f"{peer.url}/raw", method="POST", body="wörds")
    assert peer.received("/raw")[-1].body == "wörds".encode()


def test_cookies_and_basic_authentication_are_sent(registry, peer):
    given = {"cookies": {"flavour": "oat"}, "auth": "user:pass:word"}
    headers = http(registry, url=f"{peer.url}/echo", **given).data["content"]["headers"]
    assert headers["Cookie"] == "flavour=oat"
    assert headers["Authorization"] == "Basic dXNlcjpwYXNzOndvcmQ="


@pytest.mark.parametrize("status", [400, 404, 500, 307])
def test_a_status_outside_200_to_306_is_an_error_with_the_same_structure(registry, peer, status):
    result = http(registry, url=f"{peer.url}/status/{status}")
    assert result.is_error
    assert (result.error["status"], result.error["content"]) == (status, "")


@pytest.mark.parametrize("status", [201, 204, 304])
def test_a_status_from_200_to_306_is_a_success(registry, peer, status):
    assert http(registry, url=f"{peer.url}/status/{status}").data["status"] == status


def test_redirects_are_followed_only_on_request(registry, odd_server):
    stayed = http(registry, url=f"{odd_server}/moved").data
    assert (stayed["status"], stayed["headers"]["Location"]) == (302, "/cookies")
    assert stayed["content"] == "look there"
    moved = http(registry, url=f"{odd_server}/moved", allow_redirects=True).data
    assert (moved["content"], moved["url"], moved["cookies"]) == (
        {"here": 1},
        f"{odd_server}/cookies",
        {"flavour": "oat"},
    )
    assert moved["history"] == [{"url": f"{odd_server}/moved", "status": 302}]


def test_a_slow_answer_is_given_up_after_the_timeout(registry, peer):
    start = time.monotonic()
    result = http(registry, url=f"{peer.url}/slow?seconds=2", timeout=0.2)
    assert time.monotonic() - start < 1.5
    assert "Failed to send HTTP request: " in result.error
    assert "timed out" in result.error


def test_an_answer_that_never_ends_is_given_up(registry, odd_server):
    start = time.monotonic()
    result = http(registry, url=f"{odd_server}/endless")
    assert "HTTP response took too long (limit=1.5 seconds)" in result.error
    assert 1.5 < time.monotonic() - start < 5


def test_an_answer_that_unpacks_to_more_than_allowed_is_given_up(registry, odd_server):
    assert "HTTP response is too large (limit=100000 bytes)" in http(registry, url=f"{odd_server}/bomb").error


def test_an_unreachable_server_is_an_error_that_keeps_secrets(registry):
    url = f"http://user:hunter2@127.0.0.1:{free_port()}/?token=hunter3"
    error = http(registry, url=url, headers={"X-Auth-Token": "hunter4"}).error
    assert error.startswith(
        "The action raised an exception [action=std.http, action_ex_id=a1, msg='Failed to send HTTP"
    )
    assert "hunter" not in error


@pytest.mark.parametrize(
    "given",
    [
        {"url": "file:///etc/hosts"},
        {"url": "not a url"},
        {"url": 5},
        {"url": "http://[::1"},
        {"url": "http://127.0.0.1/", "auth": "no-colon"},
        {"url": "http://127.0.0.1/", "headers": {"X": "a\r\nY: b"}},
        {"url": "http://127.0.0.1/", "headers": "text"},
        {"url": "http://127.0.0.1/", "timeout": "soon"},
    ],
)
def test_a_request_that_makes_no_sense_is_an_error(registry, given):
    assert http(registry, **given).is_error


def test_mistral_http_says_what_it_runs_for_and_waits(registry, peer):
    told = []
    executor = ThreadExecutor(registry, lambda *args: told.append(args), workers=1)
    context = {"workflow_name": "wörk", "workflow_execution_id": "w1", "task_execution_id": "t1"}
    given = {"url": f"{peer.url}/hooks/one", "method": "POST", "json": {"k": 1}, "headers": {"X-Own": "1"}}
    executor.submit(ActionCall("a1", "std.mistral_http", given, context))
    assert executor.shutdown(20) == ()
    assert told == []
    request = peer.received("/hooks/one")[-1]
    assert request.json == {"k": 1}
    sent = {name: value for name, value in request.headers.items() if name.startswith(("Mistral-", "X-Own"))}
    assert sent.pop("Mistral-Workflow-Name").encode("latin-1").decode() == "wörk"
    assert sent == {
        "X-Own": "1",
        "Mistral-Workflow-Execution-Id": "w1",
        "Mistral-Task-Id": "t1",
        "Mistral-Action-Execution-Id": "a1",
        "Mistral-Callback-URL": "/v2/action_executions/a1",
    }
    assert given["headers"] == {"X-Own": "1"}


def test_mistral_http_on_its_own_leaves_out_what_there_is_not(registry, peer):
    run_now(registry, ActionCall(None, "std.mistral_http", {"url": f"{peer.url}/hooks/two"}))
    assert not [name for name in peer.received("/hooks/two")[-1].headers if name.startswith("Mistral-")]


def test_mistral_http_fails_when_the_request_does(registry, peer):
    told = []
    executor = ThreadExecutor(registry, lambda *args: told.append(args), workers=1)
    executor.submit(ActionCall("a1", "std.mistral_http", {"url": f"{peer.url}/status/500"}))
    assert executor.shutdown(20) == ()
    assert [(identifier, json.dumps(result.error["status"])) for identifier, result in told] == [("a1", "500")]
