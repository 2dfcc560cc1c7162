"""The form that asks for a token, read strictly: no parameter twice, none that is not served.

https://www.rfc-editor.org/rfc/rfc6749#section-3.2; https://www.rfc-editor.org/rfc/rfc7523#section-2.2
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from authlib.oauth2.rfc7523.client import ASSERTION_TYPE  # type: ignore[import-untyped]  # authlib publishes no types

from app.security.oauth_error import InvalidRequest, UnsupportedGrantType

GRANT_TYPE = "client_credentials"
LARGEST = 64 * 1024
MEDIA_TYPE = "application/x-www-form-urlencoded"

_REQUIRED = ("grant_type", "client_assertion_type", "client_assertion")
_SERVED = frozenset({*_REQUIRED, "scope", "client_id"})
_MOST_FIELDS = 16


def read(content_type: str | None, body: bytes) -> Mapping[str, str]:
    """The parameters that have a value; the required ones do. Raises InvalidRequest, UnsupportedGrantType."""
    _check_media_type(content_type)
    if len(body) > LARGEST:
        raise InvalidRequest(f"The body is larger than {LARGEST} bytes.")
    form = _fields(body)
    if not form.keys() <= _SERVED:
        raise InvalidRequest(f"A parameter is not served; these are: {', '.join(sorted(_SERVED))}.")
    present = {name: value for name, value in form.items() if value}  # one without a value counts as left out
    for name in _REQUIRED:
        if name not in present:
            raise InvalidRequest(f"{name} is missing.")
    if present["grant_type"] != GRANT_TYPE:
        raise UnsupportedGrantType
    if present["client_assertion_type"] != ASSERTION_TYPE:
        raise InvalidRequest(f"client_assertion_type is {ASSERTION_TYPE}.")
    return present


def _check_media_type(content_type: str | None) -> None:
    media_type, _, parameter = (content_type or "").partition(";")
    if media_type.strip().lower() != MEDIA_TYPE or parameter.strip().lower() not in ("", "charset=utf-8"):
        raise InvalidRequest(f"The body is sent as {MEDIA_TYPE}.")


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise InvalidRequest(f"The body is not {MEDIA_TYPE}.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise InvalidRequest("A parameter is given twice.")
    return form
