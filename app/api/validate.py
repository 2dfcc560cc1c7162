"""$validate: everything that is wrong with a resource, with its place; nothing is stored.

https://hl7.org/fhir/R4/resource-operation-validate.html

Of a new resource it is also said whether this caller may write it, as far as the resource and the token alone decide: what is
kept about a person is never consulted, so that nothing can be found out by asking.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from app.api import read, requests, responses, submission
from app.api.endpoint import Interact, permit
from app.api.refused import Refused
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import acceptance, deletion, models, outcome, parameters, resource_id, subject, validation
from app.fhir.errors import FHIRError, InvalidParameter, Issue, Malformed, NotFound
from app.fhir.json_text import JSONTextError
from app.policy import authorship
from app.policy.facts import Person
from app.store import audit, reading
from app.store.search import Row

_MODES = ("create", "update", "delete", "profile")
_TAKEN = {"resource": "resource", "mode": "valueCode", "profile": "valueUri"}
_ALL_OK = Issue("informational", "All OK.", severity="information")


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be validated and how. Without a resource: the one that is kept."""

    resource: dict[str, Any] | None
    mode: str | None
    profile: str | None


def of(type: str) -> Interact:
    """`POST [type]/$validate`."""

    async def validate(service: Service, asked: Asked) -> Response:
        if not any(asked.caller.may(type, letter) for letter in "cruds"):
            raise Refused("scope_required")
        given = await _given(service, asked)
        if given.resource is None or given.mode in ("delete", "profile"):
            raise Malformed(
                f"Send the {type} to validate, to be created or updated. One that is kept is validated, or asked about its "
                f"deletion, with {type}/[id]/$validate."
            )
        return _answer(_found(service, asked, type, given.resource, given))

    return validate


def of_one(type: str) -> Interact:
    """`POST` or `GET [type]/[id]/$validate`: of what the caller may read, and else it is not there."""

    async def validate(service: Service, asked: Asked) -> Response:
        may_see = permit(service, asked, "read", type, "r")
        given = await _given(service, asked)
        id = resource_id.parse(asked.request.path_params["id"])
        async with service.database.transaction() as tx:
            row = await reading.read(tx, may_see, type, id) if id else None
            await audit.record(tx, [read.entry(asked, "validate", type, id, row)])
        if row is None:
            raise NotFound
        if given.mode == "create":
            raise Malformed(f"What is there already is not created: {type}/$validate with mode=create.")
        return _answer(_of_row(service, asked, row, given))

    return validate


def _of_row(service: Service, asked: Asked, row: Row, given: Given) -> Iterator[Issue]:
    """Without a resource, what is kept: as it is shown to this caller, so that nothing is told of the rest."""
    if given.mode == "delete":
        if given.resource is not None:
            yield Issue("structure", "To delete needs no resource: leave it out.")
        if not deletion.is_deletable(row.type):
            yield Issue("not-supported", deletion.instead(row.type))
        return
    if given.resource is None:
        yield from _against(given, json.loads(responses.shown(row)))
        return
    if given.resource.get("id") != str(row.id):
        yield Issue("value", "The resource's id must be the one in the URL.", f"{row.type}.id")
    yield from _found(service, asked, row.type, given.resource, given)


def _found(service: Service, asked: Asked, type: str, resource: dict[str, Any], given: Given) -> Iterator[Issue]:
    if resource.get("resourceType") != type:
        yield Issue("structure", f"This takes a {type}: resourceType must say so.", "resourceType")
        return
    if given.mode == "update" and "id" not in resource:
        yield Issue("required", "An update names what it updates: id is required.", f"{type}.id")
    issues = list(_against(given, resource))
    yield from issues
    if any(issue.severity == "error" for issue in issues):
        return
    for refused in (_range(service, resource), _authorship(asked, resource) if given.mode == "create" else None):
        yield from refused.issues if refused else ()


def _against(given: Given, resource: dict[str, Any]) -> Iterator[Issue]:
    try:
        found = validation.findings(resource, given.profile)
    except validation.UnknownProfile as error:
        raise InvalidParameter(str(error), expression="profile") from None
    is_valid = not any(fault.severity == "error" for fault in found)
    yield from outcome.issues([*found, *(models.faults(resource) if is_valid else ())])


def _range(service: Service, resource: dict[str, Any]) -> FHIRError | None:
    try:
        submission.check_range(service, subject.of(resource))
    except FHIRError as refused:
        return refused
    return None


def _authorship(asked: Asked, resource: dict[str, Any]) -> FHIRError | None:
    """Why this caller could never write this, whatever is kept: asked of a person about whom everything is in their favour."""
    user = asked.caller.user
    person = Person(family=frozenset({f"nhs|{user.id}"} if user else ()))
    return authorship.refusal(asked.caller, resource, person, keeps=True, may_merge=True, owns=True)


def _answer(found: Iterator[Issue]) -> Response:
    issues = list(found)
    return responses.fhir(outcome.text(issues or [_ALL_OK]))


async def _given(service: Service, asked: Asked) -> Given:
    """From a Parameters resource, or from the bare resource and the URL."""
    pairs = [pair for pair in requests.query_pairs(asked.request) if pair[0] != "_format"]
    requests.only(pairs, "mode", "profile")
    sent = await _sent(service, asked) if asked.request.method == "POST" else None
    inside: dict[str, Any] = {} if sent is None else {"resource": sent}
    if sent and sent.get("resourceType") == "Parameters":
        inside = parameters.values(sent, _TAKEN)
    names = [name for name, _ in pairs] + list(inside)
    if len(names) != len(set(names)):
        raise Malformed("Give mode and profile once, in the URL or in the Parameters.")
    given = dict(pairs) | inside
    resource, mode, profile = given.get("resource"), given.get("mode"), given.get("profile")
    if not isinstance(resource, dict | None):
        raise Malformed("A resource is a JSON object: { }.", expression="Parameters.parameter")
    if mode not in (None, *_MODES):
        raise InvalidParameter(f"mode is one of {', '.join(_MODES)}.", expression="mode")
    if not isinstance(profile, str | None):
        raise InvalidParameter("profile is a canonical URL.", expression="profile")
    return Given(resource, mode, profile)


async def _sent(service: Service, asked: Asked) -> dict[str, Any] | None:
    """The resource or the Parameters; None where the body is empty."""
    raw = await requests.body(asked.request, service.settings.largest_body)
    if not raw:
        return None
    requests.check_is_json(asked.request)
    try:
        return acceptance.read(raw)[0]
    except JSONTextError as error:
        raise Malformed(str(error)) from None
