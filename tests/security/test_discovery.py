"""The documents by which a client finds the token endpoint."""

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata  # type: ignore[import-untyped]  # authlib publishes no types
from httpx import AsyncClient
from joserfc import jwt
from joserfc.jwk import KeySet

from app.security import scope
from tests.security.clients import ask, claims, signed

SMART = ["/.well-known/smart-configuration", "/fhir/R4/.well-known/smart-configuration"]


@pytest.mark.parametrize("path", SMART)
async def test_smart_configuration_says_version_2_and_asymmetric_keys(path: str, http: AsyncClient) -> None:
    response = await http.get(path)
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert document["token_endpoint"] == "http://127.0.0.1:8000/oauth2/token"
    assert document["capabilities"] == ["client-confidential-asymmetric", "permission-v2"]
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384", "RS512"]
    assert document["scopes_supported"] == list(scope.supported())
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert "authorization_endpoint" not in document


async def test_the_authorization_servers_metadata_is_that_of_rfc_8414(http: AsyncClient) -> None:
    response = await http.get("/.well-known/oauth-authorization-server")
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    AuthorizationServerMetadata(document).validate()
    assert document["issuer"] == "http://127.0.0.1:8000"


async def test_the_published_key_verifies_the_tokens(http: AsyncClient) -> None:
    smart = (await http.get(SMART[0])).json()
    key_set = KeySet.import_key_set((await http.get(smart["jwks_uri"])).json())
    token = (await ask(http, signed(claims()))).json()["access_token"]
    verified = jwt.decode(token, key_set, algorithms=["ES256"])
    assert verified.header["typ"] == "at+jwt"
    assert verified.claims["iss"] == smart["issuer"]
    assert not any(key.is_private for key in key_set)
