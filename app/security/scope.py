"""Scopes: what a client may do with which type of resource, as SMART writes it since version 2.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

`system/Patient.rs` and `system/*.rs` are scopes. The forms of version 1 (`.read`, `.write`, `.*`) and scopes limited by a
query are refused, and so is whatever is not registered: what was asked for is granted whole or not at all.
"""

import re
from collections.abc import Iterable, Iterator

from app.policy.access import Scope
from app.security.oauth_error import InvalidScope

LEVELS = ("system", "patient", "user")
TYPES = (
    *("AuditEvent", "CarePlan", "CareTeam", "Communication", "CommunicationRequest", "Consent", "DocumentReference"),
    *("Encounter", "Flag", "Group", "Observation", "Organization", "Patient", "Practitioner", "PractitionerRole"),
    *("Provenance", "QuestionnaireResponse", "RelatedPerson", "Subscription", "Task"),
)

_SCOPE = re.compile(r"(?P<level>[a-z]+)/(?P<type>[A-Za-z]+|\*)\.(?P<interactions>c?r?u?d?s?)")
_REPEATABLE = re.compile(r"[a-z]+/[A-Za-z*]+\.[a-z*]+")  # holds nothing of a person, unlike a query


def parse(text: str) -> Scope:
    """One scope. The interactions are some of c, r, u, d, s, in that order. Raises ValueError."""
    match = _SCOPE.fullmatch(text)
    if match is None or not match["interactions"]:
        raise ValueError("This is no SMART v2 scope, such as system/Patient.rs.")
    if match["level"] not in LEVELS or match["type"] not in ("*", *TYPES):
        raise ValueError("This scope names a level or a type that is not served.")
    return Scope(match["level"], match["type"], match["interactions"])


def written(scope: Scope) -> str:
    return f"{scope.level}/{scope.type}.{scope.interactions}"


def granted(requested: str | None, registered: Iterable[str]) -> tuple[Scope, ...]:
    """The requested scopes (separated by a space), each of which a registered one covers. Raises InvalidScope."""
    if not requested or not requested.strip(" "):
        raise InvalidScope("Name the scopes you ask for, such as system/Patient.rs.")
    allowed = tuple(_served(registered))
    asked = dict.fromkeys(part for part in requested.split(" ") if part)
    return tuple(_granted(text, allowed) for text in asked)


def supported() -> tuple[str, ...]:
    """The scopes a system may be registered for."""
    return ("system/*.cruds", *(f"system/{type}.cruds" for type in TYPES))


def _granted(text: str, allowed: tuple[Scope, ...]) -> Scope:
    try:
        scope = parse(text)
    except ValueError:
        raise InvalidScope(f"{_name(text)} is not served: SMART v2 scopes, such as system/Patient.rs, are.") from None
    if not any(_covers(each, scope) for each in allowed):
        raise InvalidScope(f"{_name(text)} is not registered for this client.")
    return scope


def _served(registered: Iterable[str]) -> Iterator[Scope]:
    """A registered scope that is not served (any more) covers nothing."""
    for text in registered:
        try:
            yield parse(text)
        except ValueError:
            continue


def _covers(allowed: Scope, asked: Scope) -> bool:
    return allowed.level == asked.level and all(allowed.covers(asked.type, each) for each in asked.interactions)


def _name(text: str) -> str:
    return text if len(text) <= 80 and _REPEATABLE.fullmatch(text) else "One of the scopes"
