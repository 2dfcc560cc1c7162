"""What a search asks, from its parameters or from a link of ours, and the links that repeat or continue it.

https://hl7.org/fhir/R4/search.html#conformance; https://hl7.org/fhir/R4/http.html#paging

A link that could identify somebody is sealed, and so is one that continues. A sealed one is for the client to which it was
given, and proves nothing: the search is judged anew.
"""

import json
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from app.api import requests
from app.api.endpoint import NAMED
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import search_query
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import Pair, Place, SearchQuery

_LIKE_A_NUMBER = re.compile(r"(?<![0-9a-f])\d{3}[ -]?\d{3}[ -]?\d{4}(?![0-9a-f])")  # and no part of an id of ours


@dataclass(frozen=True, slots=True)
class Opened:
    """The parameters of a search, and where its page begins: `part` is which of several searches in a row it is in."""

    pairs: tuple[Pair, ...]
    place: Place | None = None
    part: str = ""


async def pairs_of(service: Service, asked: Asked) -> list[Pair]:
    """The parameters, from wherever this request carries them; a refusal of it will name them too."""
    if asked.request.method == "POST":
        pairs = await requests.form_pairs(asked.request, service.settings.largest_body)
    else:
        pairs = requests.query_pairs(asked.request)
    asked.request.scope[NAMED] = urlencode(pairs)
    return pairs


def asked_for(
    service: Service, asked: Asked, type: str, pairs: list[Pair], path: str | None = None
) -> tuple[SearchQuery, Place | None]:
    """The query, and the place at which its page begins. `path` is where it is asked, below the base."""
    found = opened(service, asked, path or type, pairs)
    settings = service.settings
    query = search_query.parse(
        type,
        found.pairs,
        page_size=settings.page_size,
        largest_page=settings.largest_page,
        is_lenient=requests.is_lenient(asked.request),
    )
    return query, found.place


def opened(service: Service, asked: Asked, path: str, pairs: list[Pair]) -> Opened:
    """The parameters as they are, or those of the search that a link of ours continues. Raises InvalidParameter."""
    if not any(name == "_page" for name, _ in pairs):
        return Opened(tuple(pairs))
    sealed = service.sealer.open(pairs[0][1], _holder(asked, path)) if len(pairs) == 1 else None
    if sealed is None:
        raise InvalidParameter(
            "_page is used as it stands in a link of ours, alone, by the client that was given it.", expression="_page"
        )
    whole = json.loads(sealed)
    place = Place(tuple(whole["after"]), whole["backwards"]) if whole["after"] else None
    return Opened(tuple((name, value) for name, value in whole["pairs"]), place, whole["part"])


def link(service: Service, asked: Asked, query: SearchQuery, place: Place | None, path: str | None = None) -> str:
    """A URL that repeats this search, or continues it from a place."""
    path = path or query.type
    if place is None and not _could_name_somebody(query):
        return plain(service, path, query.pairs)
    return sealed(service, asked, path, Opened(query.pairs, place))


def plain(service: Service, path: str, pairs: tuple[Pair, ...]) -> str:
    url = f"{service.settings.fhir_base}/{path}"
    return f"{url}?{urlencode(pairs)}" if pairs else url


def sealed(service: Service, asked: Asked, path: str, opened: Opened) -> str:
    place = opened.place
    whole = {
        "pairs": opened.pairs,
        "after": place.values if place else None,
        "backwards": place is not None and place.backwards,
        "part": opened.part,
    }
    text = json.dumps(whole, separators=(",", ":"))
    return f"{service.settings.fhir_base}/{path}?_page={service.sealer.seal(text, _holder(asked, path))}"


def _could_name_somebody(query: SearchQuery) -> bool:
    """Also where a number is asked for in a parameter that holds no NHS numbers."""
    return query.names_a_person or any(_LIKE_A_NUMBER.search(value) for _, value in query.pairs)


def _holder(asked: Asked, path: str) -> str:
    return f"{asked.caller.client_id} {path}"
