"""Conditional interactions: the one resource that a search names, as the caller may see it.

https://hl7.org/fhir/R4/http.html#ccreate; https://hl7.org/fhir/R4/http.html#cond-update

The condition is a search by the caller, with their scope for it, and never tells of what they may not see: where somebody
else's record meets it too, they are answered as if there were none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from app.api import requests
from app.api.endpoint import NAMED, permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import search_query
from app.fhir.errors import InvalidParameter, PreconditionFailed
from app.fhir.search_criteria import About, Among, Amount, Criterion, Pair, SearchQuery, Text, When
from app.policy.authority import Interaction, Permit
from app.store import audit, conditional_key, search, turns
from app.store.audit import Entry
from app.store.database import Transaction
from app.store.search import Row

_PLAIN = (Among, Text, When, Amount, About)
_TOO_WIDE = (
    "A condition names the resource by identifier, or the person that it is about (by NHS number) and something else beside "
    "that. Otherwise it could meet more than is meant."
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A search that is to meet one resource, and what its caller may see of the type."""

    query: SearchQuery
    permit: Permit


@dataclass(frozen=True, slots=True)
class Met:
    """What a condition meets, if anything, and the people whom it names."""

    row: Row | None
    people: tuple[UUID, ...]


def of_create(service: Service, asked: Asked, type: str) -> Condition | None:
    """The condition in If-None-Exist, or in the URL, where some client libraries put it; None where there is none."""
    sent, in_url = asked.request.headers.get("if-none-exist"), _in_url(asked)
    if sent is not None and in_url:
        raise InvalidParameter("Give the condition once: in If-None-Exist.")
    if sent is None and not in_url:
        return None
    pairs = in_url if sent is None else requests.encoded_pairs(sent.encode("latin-1"))
    return _condition(service, asked, type, pairs)


def of_url(service: Service, asked: Asked, type: str) -> Condition:
    """The condition in the URL. Raises PreconditionFailed where there is none."""
    return _condition(service, asked, type, _in_url(asked))


def _in_url(asked: Asked) -> list[Pair]:
    return [pair for pair in requests.query_pairs(asked.request) if pair[0] not in requests.GENERAL]


def _condition(service: Service, asked: Asked, type: str, pairs: Sequence[Pair]) -> Condition:
    """Raises InvalidParameter for what is not understood, PreconditionFailed for what could meet more than is meant."""
    may_see = permit(service, asked, "search", type, "s")
    for name, _ in pairs:
        if name.startswith("_"):
            raise InvalidParameter("A condition is made of the type's own search parameters, not of _id or _count.")
    query = search_query.parse(type, pairs, page_size=2, largest_page=2)
    if not all(isinstance(criterion, _PLAIN) for criterion in query.criteria) or not _is_narrow(query):
        raise PreconditionFailed(_TOO_WIDE)
    return Condition(replace(query, count=2, total=False), may_see)


def _is_narrow(query: SearchQuery) -> bool:
    names_person = any(isinstance(criterion, About) for criterion in query.criteria)
    others = len(query.criteria) > 1 or query.type == "Patient"
    return bool(list(_identifiers(query.criteria))) or (names_person and others)


def _identifiers(criteria: Iterable[Criterion]) -> Iterable[str]:
    for criterion in criteria:
        if isinstance(criterion, Among):
            is_exact = not any(token.endswith("|") for token in criterion.tokens)  # and not all of a system
            yield from (token for token in criterion.tokens if is_exact and token.startswith("identifier#"))


async def met(
    service: Service, asked: Asked, tx: Transaction, condition: Condition, to_create: Mapping[str, Any] | None = None
) -> Met:
    """What the caller's condition meets. Raises PreconditionFailed where that is more than one.

    Where there is something `to_create` if it meets nothing, others with the same condition wait until this transaction
    has ended, so that only one finds nothing; after the person's turn, as a transaction of many entries waits.
    """
    query = condition.query
    _name(asked, query)
    if to_create is not None:
        await turns.take(tx, [to_create], (), service.bucket_key, asked.now)
        await conditional_key.take_turn(tx, _keys(query), service.bucket_key)
    people = await search.about(tx, query, service.bucket_key)
    page = await search.page(tx, {query.type: condition.permit}, query, people, None, service.bucket_key)
    if len(page.rows) > 1:
        raise PreconditionFailed(
            "The condition meets more than one resource. Say more, so that it meets the one meant."
        )
    return Met(next(iter(page.rows), None), tuple(people.everyone) if people else ())


def nothing(asked: Asked, interaction: Interaction, condition: Condition, met: Met) -> list[Entry]:
    """What the audit keeps of a condition that meets nothing: one for each person named, one at least."""
    return [
        Entry(
            asked.caller,
            asked.now,
            interaction,
            condition.query.type,
            audit.NOTHING,
            "nothing",
            asked.request_id,
            patient_id=person,
            query=urlencode(condition.query.pairs),
        )
        for person in (met.people or (None,))
    ]


def _name(asked: Asked, query: SearchQuery) -> None:
    """A refusal is remembered with whom the condition names, beside whom the body does."""
    told = [asked.request.scope.get(NAMED), urlencode(query.pairs)]
    asked.request.scope[NAMED] = "&".join(each for each in told if each)


def _keys(query: SearchQuery) -> list[str]:
    """For which conditions to wait: those with an identifier in common, whatever else they say."""
    identifiers = [f"{query.type} {token}" for token in _identifiers(query.criteria)]
    numbers = [
        f"{query.type} {number}"
        for criterion in query.criteria
        if isinstance(criterion, About) and query.type == "Patient"
        for number in criterion.nhs_numbers
    ]
    return identifiers or numbers or [f"{query.type} {urlencode(sorted(query.pairs))}"]
