"""What a caller would rather have, from the header Prefer: how strictly to read, and what to answer a write with.

https://hl7.org/fhir/R4/http.html#ops; https://www.rfc-editor.org/rfc/rfc7240

Preferences of other names are passed over, as RFC 7240 section 2 demands. A wrong value of one that is served is refused,
unless the caller asked for lenient handling.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

from starlette.requests import Request

from app.fhir.errors import InvalidValue

Return: TypeAlias = Literal["minimal", "representation", "OperationOutcome"]


@dataclass(frozen=True, slots=True)
class Preferences:
    """`is_lenient`: what is not understood may be passed over. `returned`: what a write is answered with."""

    is_lenient: bool = False
    returned: Return = "representation"


def of(request: Request) -> Preferences:
    """Raises InvalidValue."""
    sent = request.headers.getlist("prefer")
    return _parsed(",".join(sent)) if sent else _NONE


_NONE = Preferences()


@lru_cache(maxsize=64)
def _parsed(text: str) -> Preferences:
    asked: dict[str, str] = {}
    for part in text.replace(";", ",").split(","):
        name, _, value = part.partition("=")
        asked.setdefault(name.strip().lower(), value.strip().strip('"'))  # the first counts (RFC 7240, section 2)
    is_lenient = asked.get("handling") == "lenient"
    returned: Return = "representation"
    for each in get_args(Return):
        if asked.get("return") == each:
            returned = each
    if not is_lenient and asked.get("handling", "strict") != "strict":
        raise InvalidValue("Prefer: handling is strict or lenient.")
    if not is_lenient and asked.get("return", returned) != returned:
        raise InvalidValue(f"Prefer: return is {', '.join(get_args(Return))}.")
    return Preferences(is_lenient, returned)
