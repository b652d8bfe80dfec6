"""A login service on this machine that speaks OpenID Connect: discovery, authorisation code with PKCE, signed tokens, keys.

Whoever comes is let in at once, as the person the test names; what a real service would ask a person is not part of the wire.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "seedbench", "a-secret-of-the-service"


@dataclass
class Service:
    """The service: who logs in next (``person``: claims), and what it was asked (``asked``: paths)."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}, auto_kid=False))

    def secrets_for(self, redirect_uri: str) -> str:
        """The TOML file of secrets that an owner writes for it."""
        return (
            f'[auth]\nredirect_uri = "{redirect_uri}"\ncookie_secret = "{secrets.token_hex(32)}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{self.url}/.well-known/openid-configuration"\n'
        )

    def token(self, asked: dict[str, str]) -> dict[str, Any]:
        """The answer to a code: a signed statement of who logged in."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 600, "nonce": asked.get("nonce", ""), **self.person}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {"access_token": secrets.token_hex(8), "token_type": "Bearer", "expires_in": 600, "id_token": signed}


@contextmanager
def service() -> Iterator[Service]:
    """A service while the block runs."""
    known = Service()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def answer(self, value: Any, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            path, asked = urlsplit(self.path).path, {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            known.asked.append(path)
            if path == "/.well-known/openid-configuration":
                self.answer(
                    {
                        "issuer": known.url,
                        "authorization_endpoint": f"{known.url}/authorize",
                        "token_endpoint": f"{known.url}/token",
                        "jwks_uri": f"{known.url}/keys",
                        "response_types_supported": ["code"],
                        "subject_types_supported": ["public"],
                        "id_token_signing_alg_values_supported": ["RS256"],
                        "code_challenge_methods_supported": ["S256"],
                    }
                )
            elif path == "/keys":
                self.answer({"keys": [known.key.as_dict(private=False)]})
            elif path == "/authorize":
                code = secrets.token_hex(8)
                known.codes[code] = asked
                self.send_response(302)
                self.send_header("location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
                self.send_header("content-length", "0")
                self.end_headers()
            else:
                self.answer({"error": "unknown"}, 404)

        def do_POST(self) -> None:
            known.asked.append(urlsplit(self.path).path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            given = {name: values[0] for name, values in parse_qs(body).items()}
            asked = known.codes.pop(given.get("code", ""), None)
            basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            known_client = self.headers.get("authorization") == f"Basic {basic}" or given.get("client_secret") == SECRET
            if asked is None or not known_client or _challenge(given.get("code_verifier", "")) != asked.get("code_challenge"):
                self.answer({"error": "invalid_grant"}, 400)
            else:
                self.answer(known.token(asked))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
