"""create: a new resource, with everything that follows from it in one transaction.

https://hl7.org/fhir/R4/http.html#create

A Patient whose NHS number is registered already is answered with that record if the caller may read it, and else with 409
and no id: the one place where "there" and "not for you" are told apart. With If-None-Exist, nothing is created where the
caller's search finds something, however many ask at once; with Idempotency-Key, a request that is sent again makes nothing.
"""

from collections.abc import Sequence

from starlette.responses import Response

from app.api import conditional, read, repeating, requests, responses, submission
from app.api.endpoint import Interact, permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import subject
from app.fhir.errors import Conflict
from app.policy import authorship
from app.policy.authority import Interaction
from app.store import audit, idempotency, identity, known, reading, writing
from app.store.audit import Entry
from app.store.database import Transaction
from app.store.resource import Version
from app.store.writing import Draft


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def create(service: Service, asked: Asked) -> Response:
        may_see = permit(service, asked, "create", type, "c")
        condition = conditional.of_create(service, asked, type)
        raw = await requests.resource_body(asked.request, service.settings.largest_body)
        draft = submission.checked(service, asked, type, raw)
        claimed = repeating.claim(service, asked, raw)
        try:
            async with service.database.transaction() as tx:
                if condition:
                    met = await conditional.met(service, asked, tx, condition, draft.resource)
                    if met.row:
                        await audit.record(tx, [read.entry(asked, "create", type, met.row.id, met.row)])
                        return submission.written(service, asked, met.row, 200, responses.shown(met.row))
                if claimed and (again := await repeating.answered(service, asked, tx, may_see, type, claimed)):
                    return again
                version = await stored(service, asked, tx, "create", draft)
                if claimed:
                    await idempotency.keep(tx, claimed, version.id)
        except Conflict:
            if type != "Patient":
                raise
            return await _registered_already(service, asked, draft)
        return submission.written(service, asked, version, 201, version.content)

    return create


async def stored(service: Service, asked: Asked, tx: Transaction, interaction: Interaction, draft: Draft) -> Version:
    """A new resource, with its audit. Raises what authorship refuses, and Conflict for a second Patient of a number."""
    (version,) = await stored_all(service, tx, interaction, [(asked, draft)])
    return version


async def stored_all(
    service: Service, tx: Transaction, interaction: Interaction, asked_for: Sequence[tuple[Asked, Draft]]
) -> list[Version]:
    """Several at one moment, none of which has to be there before another."""
    drafts = [draft for _, draft in asked_for]
    organization, now = asked_for[0][0].caller.organization, asked_for[0][0].now
    known_of = await known.about_all(tx, [draft.resource for draft in drafts], organization, service.bucket_key)
    for (asked, draft), about in zip(asked_for, known_of, strict=True):
        if refused := authorship.refusal(
            asked.caller,
            draft.resource,
            about.person,
            keeps=about.keeps,
            may_merge=about.may_merge,
            owns=about.owns,
        ):
            raise refused
    versions = await writing.create_all(tx, drafts, service.bucket_key, now)
    entries = [kept(asked, interaction, version) for (asked, _), version in zip(asked_for, versions, strict=True)]
    await audit.record(tx, entries)
    return versions


def kept(asked: Asked, interaction: str, version: Version, rule: str = "own_data") -> Entry:
    """What the audit keeps of a write. `rule` is that by which its author saw what they changed."""
    return Entry(
        asked.caller,
        asked.now,
        interaction,
        version.type,
        audit.RELEASED,
        rule,
        asked.request_id,
        patient_id=version.facts.patient_id,
        resources=(f"{version.type}/{version.id}/_history/{version.version}",),
    )


async def _registered_already(service: Service, asked: Asked, draft: Draft) -> Response:
    about = subject.of(draft.resource)
    number = about.nhs_number if about else None
    row = None
    async with service.database.transaction() as tx:
        people = await identity.resolve(tx, [number] if number else [], service.bucket_key)
        for person in people.values():
            if asked.caller.may("Patient", "r"):
                may_see = permit(service, asked, "read", "Patient", "r")
                row = await reading.read(tx, may_see, "Patient", person.patient_id)
            await audit.record(tx, [read.entry(asked, "create", "Patient", person.patient_id, row)])
    if row is None:
        return responses.error(Conflict("A Patient with this NHS number is registered already."))
    location = f"{service.settings.fhir_base}/Patient/{row.id}/_history/{row.version}"
    return responses.resource(row, 200, {"location": location})
