"""The mode ``oidc``: which tokens are believed, and whom they are about."""

import base64
import contextlib
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from flask import Flask, request
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from issuers import AUDIENCE, Issuer, private_key, running_issuer
from jwt.algorithms import RSAAlgorithm

from mistralish.api import create_app
from mistralish.api.auth import choose_authenticator, issuer_keys
from mistralish.api.auth.oidc import OidcAuthentication
from mistralish.config import Settings
from mistralish.errors import InputError, MistralishError, UnauthorizedError, UnavailableError
from mistralish.identity import Identity


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the caches of keys; ``now`` may be moved."""
    moved = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(issuer_keys, "time", SimpleNamespace(monotonic=lambda: moved.now))
    return moved


@pytest.fixture
def oidc(issuer: Issuer, clock: SimpleNamespace) -> OidcAuthentication:
    return OidcAuthentication(settings_for(issuer))


def settings_for(*issuers: Issuer, **more: Any) -> Settings:
    urls = tuple(issuer.url for issuer in issuers)
    return Settings(auth="oidc", oidc_issuers=urls, oidc_audience=AUDIENCE, **more)


def identify(oidc: OidcAuthentication, token: str) -> Identity:
    with Flask("test").test_request_context(headers={"X-Auth-Token": token}):
        return oidc.identify(request)


def refused(oidc: OidcAuthentication, token: str) -> str:
    with pytest.raises(UnauthorizedError) as caught:
        identify(oidc, token)
    assert token not in caught.value.message
    assert 'error="invalid_token"' in caught.value.challenge
    return caught.value.message


def test_keycloaks_realm_is_the_project_and_its_roles_count(oidc: OidcAuthentication, issuer: Issuer) -> None:
    found = identify(oidc, issuer.token())
    assert found == Identity("shop", "u-1", frozenset(("member",)), is_admin=False, user_name="ann")


def test_roles_of_this_services_client_count_and_those_of_others_do_not(
    oidc: OidcAuthentication, issuer: Issuer
) -> None:
    others = {"roles": ["admin"]}
    access = {"account": others, AUDIENCE: {"roles": ["operator"]}, "realm-management": others}
    found = identify(oidc, issuer.token(resource_access=access, roles=["auditor"]))
    assert found.roles == {"member", "operator", "auditor"}
    assert not found.is_admin


def test_the_role_admin_makes_an_administrator(oidc: OidcAuthentication, issuer: Issuer) -> None:
    assert identify(oidc, issuer.token(realm_access={"roles": ["admin"]})).is_admin


@pytest.mark.parametrize("strange", [7, "admin", {"roles": "admin"}, {"roles": [["admin"], 7]}, None])
def test_claims_of_roles_in_another_form_give_no_role(oidc: OidcAuthentication, issuer: Issuer, strange: Any) -> None:
    claims = {"realm_access": strange, "resource_access": {AUDIENCE: strange}, "roles": strange}
    assert identify(oidc, issuer.token(**claims)).roles == frozenset()


def test_another_claim_may_name_the_project(issuer: Issuer) -> None:
    oidc = OidcAuthentication(settings_for(issuer, oidc_project_claim="https://example.org/project"))
    assert identify(oidc, issuer.token(**{"https://example.org/project": "depot"})).project_id == "depot"
    for wrong in (None, "", 7, ["depot"], "a\nb", " depot", "x" * 256):
        assert "does not name a project" in refused(oidc, issuer.token(**{"https://example.org/project": wrong}))


def test_several_realms_are_several_projects_and_neither_signs_for_the_other(issuer: Issuer) -> None:
    with running_issuer("depot") as other:
        other.rotate("first", number=2)
        oidc = OidcAuthentication(settings_for(issuer, other))
        assert [identify(oidc, each.token()).project_id for each in (issuer, other)] == ["shop", "depot"]
        assert "wrong signature" in refused(oidc, other.token(iss=issuer.url))


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": None}, 'missing the "exp" claim'),
        ({"exp": "soon"}, "exp"),
        ({"exp": float("inf")}, "refused"),
        ({"exp": []}, "refused"),
        ({"nbf": 10**11}, "not good yet"),
        ({"aud": "somebody-else"}, "aud does not name it"),
        ({"aud": None}, 'missing the "aud" claim'),
        ({"aud": [7]}, "aud does not name it"),
        ({"iss": "https://elsewhere.example.org/realms/shop"}, "not from an issuer"),
        ({"iss": None}, "not from an issuer"),
        ({"typ": "ID"}, "not an access token"),
    ],
)
def test_claims_that_do_not_fit_are_refused(
    oidc: OidcAuthentication, issuer: Issuer, claims: dict[str, Any], words: str
) -> None:
    assert words in refused(oidc, issuer.token(**claims))


def test_clocks_may_be_a_little_apart(oidc: OidcAuthentication, issuer: Issuer) -> None:
    now = int(time.time())
    assert identify(oidc, issuer.token(exp=now - 20, nbf=now + 20))
    assert refused(oidc, issuer.token(exp=now - 40))


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_a_token_without_a_signature_is_refused(oidc: OidcAuthentication, issuer: Issuer, algorithm: str) -> None:
    assert refused(oidc, unsigned({"alg": algorithm, "kid": "first"}, issuer.claims()) + ".")


def test_the_public_key_is_no_shared_secret(oidc: OidcAuthentication, issuer: Issuer) -> None:
    public = private_key().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), json.dumps(issuer.jwks()["keys"][0]).encode()):
        for name, digest in (("HS256", hashlib.sha256), ("HS512", hashlib.sha512)):
            text = unsigned({"alg": name, "kid": "first"}, issuer.claims())
            assert "not made for" in refused(oidc, f"{text}.{_base64(hmac.digest(secret, text.encode(), digest))}")


def test_a_key_that_the_token_brings_along_counts_nothing(oidc: OidcAuthentication, issuer: Issuer) -> None:
    thief = Issuer("http://thief.example.org", "shop")
    thief.rotate("first", number=3)
    brought = {"jwk": thief.jwks()["keys"][0], "jku": "http://thief.example.org/keys", "x5u": "http://thief"}
    assert "wrong signature" in refused(oidc, thief.token(iss=issuer.url, headers=brought))


def test_an_rsa_key_that_is_for_one_algorithm_takes_no_other(oidc: OidcAuthentication, issuer: Issuer) -> None:
    text = jwt.encode(issuer.claims(), private_key(), "PS256", headers={"kid": "first"})
    assert "not made for" in refused(oidc, text)


@pytest.mark.parametrize(
    "text",
    ["x", "a.b", "a.b.c", "a.b.c.d.e", "....", "mst_abc_def", "é", '{"alg": "RS256"}'],
)
def test_what_is_no_token_is_refused(oidc: OidcAuthentication, text: str) -> None:
    assert "no JSON Web Token" in refused(oidc, text)


@pytest.mark.parametrize("part", ["[" * 100_000, '{"a":' * 50_000, "7", "null", '{"alg": 7}', '{"crit": ["x"]}'])
def test_headers_and_claims_that_are_no_objects_or_have_no_end_are_refused(
    oidc: OidcAuthentication, issuer: Issuer, part: str
) -> None:
    _, claims, signature = issuer.token().split(".")
    assert refused(oidc, ".".join((_base64(part.encode()), claims, signature)))
    header = _base64(b'{"alg": "RS256", "kid": "first"}')
    assert refused(oidc, ".".join((header, _base64(part.encode()), signature)))


def test_a_token_that_names_no_key_is_good_where_there_is_only_one(issuer: Issuer) -> None:
    nameless = jwt.encode(issuer.claims(), private_key(), "RS256")
    assert identify(OidcAuthentication(settings_for(issuer)), nameless)
    issuer.keys["second"] = ("RS256", private_key(number=1))
    assert "does not have" in refused(OidcAuthentication(settings_for(issuer)), nameless)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
_HEADERS = ("alg", "kid", "typ", "crit", "b64", "zip", "enc")
_CLAIMS = ("iss", "aud", "exp", "nbf", "iat", "sub", "jti", "typ", "realm_access", "resource_access", "roles")


@given(
    claims=st.dictionaries(st.sampled_from(_CLAIMS), _JSON), header=st.dictionaries(st.sampled_from(_HEADERS), _JSON)
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_signed_token_it_is_taken_or_refused(
    oidc: OidcAuthentication, issuer: Issuer, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    known = {"alg": "RS256", "kid": "first"} | header
    text = ".".join(_base64(json.dumps(part).encode()) for part in (known, issuer.claims() | claims))
    token = f"{text}.{_base64(RSAAlgorithm(RSAAlgorithm.SHA256).sign(text.encode(), private_key()))}"
    with contextlib.suppress(UnauthorizedError):
        assert identify(oidc, token).project_id == issuer.realm


def test_a_token_that_was_changed_is_refused(oidc: OidcAuthentication, issuer: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    changed = _base64(json.dumps(issuer.claims(realm_access={"roles": ["admin"]})).encode())
    assert "wrong signature" in refused(oidc, ".".join((header, changed, signature)))


def test_a_new_key_is_fetched_when_it_is_first_seen(
    oidc: OidcAuthentication, issuer: Issuer, clock: SimpleNamespace
) -> None:
    old = issuer.token()
    assert identify(oidc, old)
    issuer.rotate("second", "ES256")
    clock.now += issuer_keys.FETCH_AGAIN_SECONDS
    assert identify(oidc, issuer.token())
    assert "a key that its issuer does not have" in refused(oidc, old)


def test_made_up_key_ids_do_not_have_the_issuer_asked_each_time(
    oidc: OidcAuthentication, issuer: Issuer, clock: SimpleNamespace
) -> None:
    identify(oidc, issuer.token())
    before = len(issuer.asked)
    for number in range(20):
        assert "does not have" in refused(oidc, issuer.token(headers={"kid": f"made-up-{number}"}))
    assert len(issuer.asked) == before
    clock.now += issuer_keys.FETCH_AGAIN_SECONDS
    refused(oidc, issuer.token(headers={"kid": "made-up"}))
    assert len(issuer.asked) == before + 2  # its description, and its keys


def test_known_keys_count_while_the_issuer_is_down_and_others_cannot_be_checked(
    oidc: OidcAuthentication, issuer: Issuer, clock: SimpleNamespace
) -> None:
    known = issuer.token()
    identify(oidc, known)
    issuer.is_down = True
    clock.now += 100_000  # by now it should be asked again for all keys
    assert identify(oidc, known)
    issuer.rotate("second")
    clock.now += issuer_keys.FETCH_AGAIN_SECONDS
    with pytest.raises(UnavailableError, match="cannot be checked now"):
        identify(oidc, issuer.token())
    assert identify(oidc, known)
    issuer.is_down = False
    clock.now += issuer_keys.FETCH_AGAIN_SECONDS
    wait_until_known(oidc, issuer.token())


def wait_until_known(oidc: OidcAuthentication, token: str) -> None:
    """After a failure, nobody is made to wait for the next attempt: ask again as a client would."""
    give_up_at = time.monotonic() + 10
    while True:
        try:
            identify(oidc, token)
            return
        except UnavailableError:
            assert time.monotonic() < give_up_at
            time.sleep(0.01)


def test_a_key_that_was_withdrawn_counts_no_more_after_an_hour(
    oidc: OidcAuthentication, issuer: Issuer, clock: SimpleNamespace
) -> None:
    stolen = issuer.token(exp=int(time.time()) + 10_000)
    identify(oidc, stolen)
    issuer.rotate("second")
    clock.now += 3601
    wait_until_refused(oidc, stolen)


def wait_until_refused(oidc: OidcAuthentication, token: str) -> None:
    give_up_at = time.monotonic() + 10
    while True:
        try:
            identify(oidc, token)
        except UnauthorizedError:
            return
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_another_issuers_description_is_not_believed(issuer: Issuer) -> None:
    changed = replace(settings_for(issuer), oidc_issuers=(issuer.url + "/",))
    with pytest.raises(UnavailableError):
        identify(OidcAuthentication(changed), issuer.token(iss=issuer.url + "/"))


def test_keys_may_be_taken_from_an_address_of_their_own(issuer: Issuer) -> None:
    url = f"{issuer.url}/protocol/openid-connect/certs"
    changed = replace(settings_for(issuer, oidc_jwks_url=url), oidc_issuers=("https://sso.example.org",))
    oidc = OidcAuthentication(changed)
    assert identify(oidc, issuer.token(iss="https://sso.example.org")).project_id == "https://sso.example.org"
    assert all(path.endswith("/certs") for path in issuer.asked)


def test_keys_that_cannot_verify_are_passed_over(issuer: Issuer, oidc: OidcAuthentication) -> None:
    good = issuer.jwks()["keys"][0]
    secret = {"kty": "oct", "k": _base64(b"x" * 32), "kid": "shared", "alg": "HS256"}
    private = {**RSAAlgorithm.to_jwk(private_key(), as_dict=True), "kid": "p"}
    others = [
        private,
        {**good, "kid": "e", "use": "enc"},
        {"kty": "RSA", "kid": "b"},
        {"kty": "new", "kid": "n"},
        secret,
        7,
        "x",
    ]
    found = issuer_keys._keys_in({"keys": [*others, good]})
    assert [key.id for key in found] == ["first"]


@pytest.mark.parametrize(
    "wrong",
    [
        Settings(auth="oidc"),
        Settings(auth="oidc", oidc_issuers=("https://a.example.org",)),
        Settings(auth="oidc", oidc_audience="x"),
        Settings(auth="oidc", oidc_issuers=("https://a", "https://b"), oidc_audience="x", oidc_jwks_url="https://c"),
    ],
)
def test_settings_that_say_too_little_or_too_much_are_refused(wrong: Settings) -> None:
    with pytest.raises(InputError, match="oidc_issuers"):
        choose_authenticator(wrong)


def test_a_missing_library_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    monkeypatch.delitem(sys.modules, "mistralish.api.auth.oidc")
    monkeypatch.delitem(sys.modules, "mistralish.api.auth.issuer_keys")
    with pytest.raises(MistralishError, match=r"needs jwt, which is not installed: pip install 'mistralish\[oidc\]'"):
        choose_authenticator(Settings(auth="oidc", oidc_issuers=("https://a.example.org",), oidc_audience="x"))


def test_each_project_sees_its_own_and_a_header_changes_nothing(service: SimpleNamespace, issuer: Issuer) -> None:
    client: FlaskClient = create_app(
        SimpleNamespace(**{**vars(service), "settings": settings_for(issuer)})
    ).test_client()
    given = {"Authorization": f"Bearer {issuer.token()}", "X-Project-Id": "depot", "X-Roles": "admin"}
    made = client.post("/v2/environments", json={"name": "e", "variables": {"a": 1}}, headers=given)
    assert (made.status_code, made.get_json()["project_id"]) == (201, "shop")
    both = {**given, "X-Auth-Token": given["Authorization"].removeprefix("Bearer ")}
    assert client.get("/v2/environments/e", headers=both).status_code == 200
    assert client.get("/v2/environments/e").status_code == 401
