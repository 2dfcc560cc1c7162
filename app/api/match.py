"""$match: who among the people that this caller may see is meant by what is known of somebody.

https://hl7.org/fhir/R4/patient-operation-match.html

Only what the caller is shown of a record is compared, so a score tells nothing about what is kept back. A system without a
person at the screen gets one result or none, as from the Personal Demographics Service.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from starlette.responses import Response

from app.api import read, requests, responses
from app.api.endpoint import permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import bundle, matching, outcome, parameters, search_query, systems, validation
from app.fhir.bundle import Entry as BundleEntry
from app.fhir.errors import Issue, Malformed, Unprocessable
from app.fhir.matching import Match
from app.fhir.nhs_number import NHSNumber
from app.fhir.search_criteria import Pair
from app.policy.authority import Permit
from app.store import audit, search
from app.store.audit import Entry
from app.store.database import Transaction
from app.store.search import Row

_TAKEN = {"resource": "resource", "onlyCertainMatches": "valueBoolean", "count": "valueInteger"}
_CANDIDATES, _MOST = 100, 50
_PLACE = "Parameters.parameter"


async def match(service: Service, asked: Asked) -> Response:
    """`POST Patient/$match`. The best come first, each with its score and grade."""
    requests.only(requests.query_pairs(asked.request), "_format")
    may_see = permit(service, asked, "search", "Patient", "s")
    body = requests.json_body(await requests.resource_body(asked.request, service.settings.largest_body))
    sent = parameters.values(body, _TAKEN)
    patient = _patient(sent)
    async with service.database.transaction() as tx:
        rows, named = await _candidates(service, tx, may_see, patient)
        found = _best(asked, sent, patient, rows)
        await audit.record(tx, _entries(asked, patient, [row for row, _ in found], named))
    return responses.fhir(_bundle(service, asked, found, len(rows)))


def _patient(sent: dict[str, Any]) -> dict[str, Any]:
    """What is known of the person. Raises where it is not enough to tell anybody apart."""
    patient = sent.get("resource")
    count = sent.get("count", 1)
    if not isinstance(patient, dict) or patient.get("resourceType") != "Patient":
        raise Malformed("resource is a Patient with what is known of the person.", expression=_PLACE)
    if type(count) is not int or not 1 <= count <= _MOST:
        raise Malformed(f"count is between 1 and {_MOST}.", expression=_PLACE)
    if type(sent.get("onlyCertainMatches", False)) is not bool:
        raise Malformed("onlyCertainMatches is true or false.", expression=_PLACE)
    if faults := validation.base_faults(patient):
        raise Unprocessable("The Patient is not valid.", issues=outcome.issues(faults))
    if not matching.is_enough(patient):
        raise Unprocessable(
            "Say more of the person: the NHS number, or name and date of birth and a postcode, gender or telephone number.",
            expression=_PLACE,
        )
    return patient


async def _candidates(
    service: Service, tx: Transaction, may_see: Permit, patient: dict[str, Any]
) -> tuple[list[Row], set[UUID]]:
    """Whoever shares the number, the date of birth or the whole name, each once; and who has the number."""
    found: dict[Any, Row] = {}
    named: set[UUID] = set()
    for pairs in _questions(patient):
        query = search_query.parse("Patient", pairs, page_size=_CANDIDATES, largest_page=_CANDIDATES)
        people = await search.about(tx, query, service.bucket_key)
        page = await search.page(tx, {"Patient": may_see}, query, people, None, service.bucket_key)
        found |= {row.id: row for row in page.rows}
        named |= people.everyone if people else set()
    return list(found.values()), named


def _questions(patient: dict[str, Any]) -> list[list[Pair]]:
    asked: list[list[Pair]] = []
    if (number := matching.nhs_number(patient)) and _is_number(number):
        asked.append([("identifier", f"{systems.NHS_NUMBER}|{number}")])
    if isinstance(born := patient.get("birthDate"), str):
        asked.append([("birthdate", _escaped(born))])
    for name in patient.get("name", ()):
        if isinstance(family := name.get("family"), str) and name.get("given"):
            asked.append([("family", _escaped(family)), ("given", _escaped(str(name["given"][0])))])
    return [[*pairs, ("_total", "none")] for pairs in asked]


def _is_number(text: str) -> bool:
    try:
        NHSNumber.parse(text)
    except ValueError:
        return False
    return True


def _escaped(text: str) -> str:
    """https://hl7.org/fhir/R4/search.html#escaping"""
    return "".join(f"\\{each}" if each in "\\,|$" else each for each in text)


def _best(asked: Asked, sent: dict[str, Any], patient: dict[str, Any], rows: Sequence[Row]) -> list[tuple[Row, Match]]:
    scores = [matching.score(patient, json.loads(responses.shown(row))) for row in rows]
    graded = zip(rows, matching.graded(patient, scores), strict=True)
    found = [(row, match) for row, match in graded if match]
    if sent.get("onlyCertainMatches"):
        found = [(row, match) for row, match in found if match.grade == "certain"]
    if asked.caller.user is None and len(found) > 1:
        found = [(row, match) for row, match in found if match.grade == "certain"]
    found.sort(key=lambda each: (-each[1].score, each[0].id))
    return found[: sent.get("count", 10)]


def _entries(asked: Asked, patient: dict[str, Any], rows: Sequence[Row], named: Collection[UUID]) -> list[Entry]:
    """One for each person returned, and for whom the number names; one at least. With what was asked."""
    query = f"$match={json.dumps(patient, ensure_ascii=False, separators=(',', ':'))}"
    nothing = Entry(
        asked.caller, asked.now, "search", "Patient", audit.NOTHING, "nothing", asked.request_id, query=query
    )
    returned = [
        replace(nothing, outcome=audit.RELEASED, rule=row.rule, patient_id=row.id, resources=(read.named(row),))
        for row in rows
    ]
    not_returned = sorted(set(named) - {row.id for row in rows})
    return [*returned, *(replace(nothing, patient_id=id) for id in not_returned)] or [nothing]


def _bundle(service: Service, asked: Asked, found: Sequence[tuple[Row, Match]], candidates: int) -> str:
    base = f"{service.settings.fhir_base}/Patient"
    entries = [
        BundleEntry(f"{base}/{row.id}", responses.shown(row), "match", (match.score, match.grade))
        for row, match in found
    ]
    if asked.caller.user is None and not found and candidates:
        said = "Nobody, or several: with nobody at the screen only one certain match is given. Say more of the person."
        entries.append(
            BundleEntry(None, outcome.text([Issue("informational", said, severity="information")]), "outcome")
        )
    return bundle.searchset(entries, len(found), {"self": f"{base}/$match"})
