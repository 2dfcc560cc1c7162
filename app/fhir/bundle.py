"""Bundles, made from the stored texts without reading them.

https://hl7.org/fhir/R4/bundle.html
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Mode: TypeAlias = Literal["match", "include", "outcome"]


@dataclass(frozen=True, slots=True)
class Entry:
    """`text` is a resource's JSON, `full_url` its absolute URL; an OperationOutcome (mode outcome) has none.

    `match` is its score and the code of https://hl7.org/fhir/R4/extension-match-grade.html, where there are any.
    """

    full_url: str | None
    text: str
    mode: Mode
    match: tuple[float, str] | None = None


def searchset(entries: Iterable[Entry], total: int | None, links: dict[str, str]) -> str:
    """A Bundle's text. An empty one has no `entry`, as FHIR's JSON has no empty lists."""
    parts = ['{"resourceType":"Bundle","type":"searchset"', *_head(total, links)]
    texts = [f'{{{_url(entry)}"resource":{entry.text},"search":{_search(entry)}}}' for entry in entries]
    if texts:
        parts.append(f',"entry":[{",".join(texts)}]')
    return "".join(parts) + "}"


@dataclass(frozen=True, slots=True)
class Answered:
    """One entry of an answer: `status` as in HTTP (`201 Created`), `text` the JSON of what came back, if anything did."""

    status: str
    full_url: str | None = None
    location: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    text: str | None = None
    is_outcome: bool = False


def answers(type: Literal["batch-response", "transaction-response"], entries: Iterable[Answered]) -> str:
    """A Bundle's text, its entries in the order given."""
    texts = [_answer(entry) for entry in entries]
    listed = f',"entry":[{",".join(texts)}]' if texts else ""
    return f'{{"resourceType":"Bundle","type":"{type}"{listed}}}'


def _answer(entry: Answered) -> str:
    said = {"status": entry.status, "location": entry.location, "etag": entry.etag, "lastModified": entry.last_modified}
    response = json.dumps({name: value for name, value in said.items() if value}, separators=(",", ":"))
    if entry.text and entry.is_outcome:
        response = f'{response[:-1]},"outcome":{entry.text}}}'
    resource = f'"resource":{entry.text},' if entry.text and not entry.is_outcome else ""
    full_url = f'"fullUrl":{json.dumps(entry.full_url)},' if entry.full_url else ""
    return f'{{{full_url}{resource}"response":{response}}}'


@dataclass(frozen=True, slots=True)
class Kept:
    """One version in a history: how it came about (`request`), and what came of it. `text` is None of what was deleted."""

    full_url: str
    method: str
    url: str
    status: str
    location: str
    etag: str
    last_modified: str
    text: str | None


def history(entries: Iterable[Kept], total: int | None, links: dict[str, str], complete: str) -> str:
    """A Bundle's text. `complete` is the instant up to which nothing is missing."""
    parts = [f'{{"resourceType":"Bundle","meta":{{"lastUpdated":"{complete}"}},"type":"history"']
    parts += _head(total, links)
    texts = [_kept(entry) for entry in entries]
    if texts:
        parts.append(f',"entry":[{",".join(texts)}]')
    return "".join(parts) + "}"


def _kept(entry: Kept) -> str:
    request = {"method": entry.method, "url": entry.url}
    said = {"status": entry.status, "location": entry.location}
    response = said | {"etag": entry.etag, "lastModified": entry.last_modified}
    resource = f'"resource":{entry.text},' if entry.text else ""
    rest = json.dumps({"request": request, "response": response}, separators=(",", ":"))
    return f'{{"fullUrl":"{entry.full_url}",{resource}{rest[1:]}'


def _head(total: int | None, links: dict[str, str]) -> Iterable[str]:
    if total is not None:
        yield f',"total":{total}'
    if links:
        listed = [{"relation": relation, "url": url} for relation, url in links.items()]
        yield f',"link":{json.dumps(listed, separators=(",", ":"))}'


def _url(entry: Entry) -> str:
    return f'"fullUrl":"{entry.full_url}",' if entry.full_url else ""


def _search(entry: Entry) -> str:
    if entry.match is None:
        return f'{{"mode":"{entry.mode}"}}'
    score, grade = entry.match
    graded = [{"url": "http://hl7.org/fhir/StructureDefinition/match-grade", "valueCode": grade}]
    return json.dumps({"extension": graded, "mode": entry.mode, "score": score}, separators=(",", ":"))
