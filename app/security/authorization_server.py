"""The token endpoint: a form goes in, an access token or an OAuth error comes out.

https://www.rfc-editor.org/rfc/rfc6749#section-4.4; https://hl7.org/fhir/smart-app-launch/backend-services.html

authlib's server decides without I/O: what it may need is read before it is asked, and what it found is written after,
in one transaction. An assertion that proves its client is used up, whether a token comes of it or not.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]  # authlib publishes no types
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
    grants,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload  # type: ignore[import-untyped]  # likewise

from app.fhir.errors import Unavailable
from app.security import assertion, iua, token_form
from app.security import scope as scopes_of
from app.security.assertion import Proof
from app.security.iua import Statement
from app.security.jwt import Unverified
from app.security.oauth_error import InvalidClient, OAuth2Error, TemporarilyUnavailable
from app.security.token import Issuer
from app.store import client as registry
from app.store.client import Client
from app.store.database import Database

METHOD = "private_key_jwt"

# It would log the access token that it made.
logging.getLogger("authlib.oauth2.rfc6749.grants.client_credentials").disabled = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What the token endpoint answers, as JSON."""

    status: int
    body: dict[str, Any] = field(repr=False)
    headers: dict[str, str]


@dataclass(frozen=True)
class TokenEndpoint:
    """Exchanges assertions of registered clients for access tokens."""

    issuer: Issuer
    database: Database

    async def token(self, content_type: str | None, body: bytes, now: datetime) -> Answer:
        """Answer one token request: 200, or 400, 401 or 503 with `error` and `error_description`."""
        try:
            form = token_form.read(content_type, body)
            unverified = assertion.read(form["client_assertion"])
            client_id = assertion.claimed_client(unverified, form.get("client_id"))
            return await self._exchanged(form, unverified, client_id, now)
        except OAuth2Error as error:
            return refusal(error)
        except Unavailable:
            return refusal(TemporarilyUnavailable())

    async def _exchanged(
        self, form: Mapping[str, str], unverified: Unverified, client_id: str, now: datetime
    ) -> Answer:
        async with self.database.transaction() as tx:
            client = await registry.get(tx, client_id)
            exchange = _Exchange(self.issuer, client, unverified, now)
            answer: Answer = exchange.create_token_response(_Request(form))
            proof = exchange.proof
            if proof and not await registry.remember_assertion(tx, client_id, proof.jti, proof.expires):
                return refusal(InvalidClient("This assertion was used before. Sign a new one, with a jti of its own."))
            return answer


def refusal(error: OAuth2Error) -> Answer:
    """An error of `oauth_error` as an answer."""
    return _answer(*error())


class _Exchange(AuthorizationServer):  # type: ignore[misc]  # untyped base
    """One token request in authlib's hands. `proof` is there once the client has proved itself."""

    def __init__(self, issuer: Issuer, client: Client | None, unverified: Unverified, now: datetime) -> None:
        super().__init__()
        self.issuer, self.client, self.unverified, self.now = issuer, client, unverified, now
        self.proof: Proof | None = None
        self.register_client_auth_method(METHOD, self.authenticate)
        self.register_token_generator(token_form.GRANT_TYPE, self.token)
        self.register_grant(_ClientCredentials)

    def authenticate(self, query_client: object, request: object) -> "_Proven":
        """authlib's own knows neither RS384 nor ES384, and says which of client, key and signature was wrong."""
        settings = self.issuer.settings
        self.proof = assertion.verify(
            self.unverified,
            self.client,
            audience=settings.token_url,
            now=self.now,
            skew=settings.clock_skew_seconds,
        )
        return _Proven(self.proof.client, iua.statement(self.proof.extensions, self.proof.client))

    def token(self, *, client: "_Proven", scope: str | None, **_: object) -> dict[str, Any]:
        """What RFC 6749 section 5.1 answers. authlib would grant the part of the scopes that is registered."""
        scopes = scopes_of.granted(scope, client.registered.scopes)
        return {
            "access_token": self.issuer.issue(client.registered, scopes, client.said, self.now),
            "token_type": "Bearer",
            "expires_in": self.issuer.settings.token_seconds,
            "scope": " ".join(map(scopes_of.written, scopes)),
        }

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]) -> Answer:
        return _answer(status, body, headers)

    def save_token(self, token: object, request: object) -> None:
        """Nothing: whoever holds a token proves it by its signature."""

    def send_signal(self, *_: object, **__: object) -> None:
        """Nothing listens."""


class _ClientCredentials(grants.ClientCredentialsGrant):  # type: ignore[misc]  # untyped base
    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]  # noqa: RUF012  # as authlib declares it


@dataclass(frozen=True)
class _Proven(ClientMixin):  # type: ignore[misc]  # untyped base
    """A client that has proved itself, as authlib asks about it."""

    registered: Client
    said: Statement

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == METHOD

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == token_form.GRANT_TYPE


class _Request(OAuth2Request):  # type: ignore[misc]  # untyped base
    def __init__(self, form: Mapping[str, str]) -> None:
        # authlib would refuse http here. Whether that is safe is decided once, when the service starts.
        super().__init__("POST", "https://localhost/oauth2/token")
        self.payload = BasicOAuth2Payload(form)


def _answer(status: int, body: dict[str, Any], headers: list[tuple[str, str]]) -> Answer:
    return Answer(status, body, dict(headers))
