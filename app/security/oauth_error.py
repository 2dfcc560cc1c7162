"""What a token request is refused with: the errors of OAuth 2.0, as authlib renders them.

https://www.rfc-editor.org/rfc/rfc6749#section-5.2

A description holds printable ASCII without quotation marks and backslashes (authlib raises ValueError otherwise), so
nothing that a client sent is repeated in one unless it was matched against a pattern first.
"""

from authlib.oauth2.rfc6749 import errors  # type: ignore[import-untyped]  # authlib publishes no types

OAuth2Error = errors.OAuth2Error
InvalidRequest = errors.InvalidRequestError
InvalidScope = errors.InvalidScopeError


class InvalidClient(errors.InvalidClientError):  # type: ignore[misc]  # untyped base
    """401. HTTP wants a challenge with it; authlib's names Basic, which would ask for a password."""

    status_code = 401

    def get_headers(self) -> list[tuple[str, str]]:
        kept = [(name, value) for name, value in super().get_headers() if name != "WWW-Authenticate"]
        return [*kept, ("WWW-Authenticate", 'Bearer error="invalid_client"')]


class UnsupportedGrantType(errors.OAuth2Error):  # type: ignore[misc]  # untyped base
    """authlib's own repeats what was sent."""

    error = "unsupported_grant_type"
    description = "Only grant_type=client_credentials is served."


class TemporarilyUnavailable(errors.OAuth2Error):  # type: ignore[misc]  # untyped base
    """503. RFC 6749 has the word for the authorization endpoint (section 4.1.2.1) and none for this one."""

    error = "temporarily_unavailable"
    description = "Try again. No token was issued."
    status_code = 503
