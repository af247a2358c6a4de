"""What looks like a secret is masked, in texts and in data, and nothing else is."""

import time

import pytest

from mistralish.masking import is_secret_name, mask_text, mask_values


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "admin_pass",
        "PWD",
        "X-Auth-Token",
        "Authorization",
        "api-key",
        "apiKey",
        "private_key",
        "client_secret",
        "Set-Cookie",
        "access_key",
        "credentials",
    ],
)
def test_a_name_that_announces_a_secret_is_one(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["author", "authors", "auth_url", "compass", "passed", "user", "key", "monkey", "keyboard", "status"]
)
def test_an_ordinary_name_is_none(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer hunter2 again", "Authorization: ***"),
        ('{"password": "hunter2", "a": 1}', '{"password": "***", "a": 1}'),
        ('{"password": "hun\\"ter2", "a": 1}', '{"password": "***", "a": 1}'),
        ("{'X-Auth-Token': b'hunter2', 'a': 1}", "{'X-Auth-Token': b'***', 'a': 1}"),
        (r'"{\"password\": \"hun\\\"ter2\", \"a\": 1}"', r'"{\"password\": \"***\", \"a\": 1}"'),
        (r'{"input": "{\"password\": \"hunter2\"}"}', r'{"input": "{\"password\": \"***\"}"}'),
        ("GET /x?token=hunter2&a=1", "GET /x?token=***&a=1"),
        ("login(password='hunter2', a=1)", "login(password='***', a=1)"),
        ("password: hunter2\nuser: bob", "password: ***\nuser: bob"),
        ("secrets: ['hunter2', 'b'], a: 1", "secrets: [***], a: 1"),
        ('"auth": {"x": {"y": "hunter2"}}, "a": 1', '"auth": {***}, "a": 1'),
        ("postgresql://ann:hunter2@db/x", "postgresql://ann:***@db/x"),
        ("curl -H 'bearer hunter2hunter2'", "curl -H 'bearer ***'"),
        ("sent Basic dXNlcjpodW50ZXIy to it", "sent Basic *** to it"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln of it", "got *** of it"),
        ("X=sealed:v1:aGlk_GVu-: and more", "X=*** and more"),
        ("cut off: sealed:v1:aGlk", "cut off: ***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n!", "***\n!"),
        ('unfinished "password": "hunter2', 'unfinished "password": "***"'),
    ],
)
def test_a_secret_in_a_text_is_masked_and_the_rest_stays(text, masked):
    assert mask_text(text) == masked
    assert mask_text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "http://h:80/a?b=c@d",
        "Bearer authentication is needed",
        "Basic information about it",
        "author: bob",
        "Wrong parameter 'auth'; it must be text of the form user:password",
        "password: null, token=True",
        "password: <% $.password %>",
        "password: {{ _.password }}",
        "password authentication failed for user 'ann'",
    ],
)
def test_an_ordinary_text_stays(text):
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "part",
    [
        "secret",
        'a=\\"',
        'token=\\"',
        "eyJ",
        "://a:",
        "://",
        "Bearer ",
        'password="\\',
        "token{",
        "token:{{",
        "token:[[",
        "Basic ",
        "sealed:v1:",
        "-----BEGIN PRIVATE KEY-----",
        "\\",
        "secret   ",
        "token: bearer ",
    ],
)
def test_masking_takes_time_that_grows_with_the_length_only(part):
    text = part * (200_000 // len(part))
    begun = time.perf_counter()
    mask_text(text)
    assert time.perf_counter() - begun < 1


def test_values_under_secret_names_are_masked_at_any_depth():
    given = {"a": [{"password": "x", "user": "bob"}], "credentials": {"id": 7, "list": ["x", None, True, ""]}}
    assert mask_values(given) == {
        "a": [{"password": "***", "user": "bob"}],
        "credentials": {"id": "***", "list": ["***", None, True, ""]},
    }
    assert given["a"][0]["password"] == "x"


def test_data_without_secrets_is_not_copied():
    given = {"a": [{"user": "bob"}, (1, 2)], "password": None, "token": ""}
    assert mask_values(given) is given


def test_data_nested_too_deep_to_look_at_is_masked_whole():
    given: object = {"password": "hunter2"}
    for _ in range(5000):
        given = [given]
    assert "hunter2" not in repr_of_innermost(mask_values(given))


def repr_of_innermost(value: object) -> str:
    while isinstance(value, list):
        value = value[0]
    return repr(value)
