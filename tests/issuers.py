"""An issuer of tokens with Keycloak's paths and claims: real keys, real HTTP, for tests that need no Keycloak."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "mistralish"
_ALGORITHMS = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm}
_SIGNERS: dict[tuple[str, int], Any] = {}


def private_key(algorithm: str = "RS256", number: int = 0) -> Any:
    """A private key, made once: they take long."""
    if (algorithm, number) not in _SIGNERS:
        made = (
            rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
        )
        _SIGNERS[algorithm, number] = made
    return _SIGNERS[algorithm, number]


class Issuer:
    """Signs tokens, shows its keys at ``url``, and gives ``ann`` a token for the password ``secret``."""

    def __init__(self, base_url: str, realm: str) -> None:
        self.base_url, self.realm = base_url, realm
        self.url = f"{base_url}/realms/{realm}"
        self.keys = {"first": ("RS256", private_key())}
        self.asked: list[str] = []
        self.is_down = False

    def rotate(self, key_id: str, algorithm: str = "RS256", number: int = 1) -> None:
        """Sign with a new key from now on, and show no other."""
        self.keys = {key_id: (algorithm, private_key(algorithm, number))}

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that is good for a minute; ``claims`` go before the usual ones, None leaves one out."""
        key_id, (algorithm, key) = next(iter(self.keys.items()))
        return jwt.encode(self.claims(**claims), key, algorithm, headers={"kid": key_id, **(headers or {})})

    def claims(self, **claims: Any) -> dict[str, Any]:
        """What a token says."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": [AUDIENCE, "account"],
            "iat": now,
            "exp": now + 60,
            "sub": "u-1",
            "typ": "Bearer",
        }
        usual |= {"preferred_username": "ann", "realm_access": {"roles": ["member"]}}
        return {name: value for name, value in (usual | claims).items() if value is not None}

    def jwks(self) -> dict[str, Any]:
        """The public keys."""
        return {
            "keys": [
                {**_ALGORITHMS[alg].to_jwk(key.public_key(), as_dict=True), "kid": key_id, "alg": alg, "use": "sig"}
                for key_id, (alg, key) in self.keys.items()
            ]
        }

    def answer(self, path: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        """The status and the JSON for a request."""
        self.asked.append(path)
        if self.is_down:
            return 503, {}
        if path == f"/realms/{self.realm}/.well-known/openid-configuration":
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/protocol/openid-connect/certs"}
        if path == f"/realms/{self.realm}/protocol/openid-connect/certs":
            return 200, self.jwks()
        if path == f"/realms/{self.realm}/protocol/openid-connect/token":
            good = (form.get("username"), form.get("password")) == (["ann"], ["secret"])
            return (200, {"access_token": self.token()}) if good else (401, {"error": "invalid_grant"})
        return 404, {}


@contextmanager
def running_issuer(realm: str = "shop") -> Iterator[Issuer]:
    """An issuer on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            status, said = issuer.answer(self.path, parse_qs(body))
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = respond  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}", realm)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
