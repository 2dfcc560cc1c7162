"""A search as it was asked, read strictly: what is not understood is refused, with the nearest name.

https://hl7.org/fhir/R4/search.html

Where a client prefers leniency (`Prefer: handling=lenient`), a parameter that does not exist here is left out and named in
the answer; one that does is read strictly all the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from app.fhir import search_criterion, search_parameters, search_refusal, search_result, search_value
from app.fhir.search_criteria import Criterion, Include, Pair, SearchQuery

MOST_ALTERNATIVES = 100


def parse(
    type: str, pairs: Iterable[Pair], *, page_size: int, largest_page: int, is_lenient: bool = False
) -> SearchQuery:
    """Raises InvalidParameter for anything that is not served, naming the parameter but never its value."""
    asked = tuple(pairs)
    ignored = tuple(_unknown(type, asked)) if is_lenient else ()
    used = tuple((name, value) for name, value in asked if name not in ignored)
    query = SearchQuery(type, (), (), page_size, total=True, pairs=used, ignored=ignored)
    criteria: list[Criterion] = []
    includes: list[Include] = []
    for name, value in used:
        _check(type, name, value)
        match name.partition(":")[0]:
            case "_include" | "_revinclude":
                includes.append(search_result.include(type, name, value))
            case base if base in search_parameters.RESULT:
                query = replace(query, **search_result.read(type, name, value, largest_page))
            case _:
                criteria.append(search_criterion.of(type, name, value))
    return search_result.checked(replace(query, criteria=tuple(criteria), includes=tuple(includes)), used)


def _unknown(type: str, pairs: Iterable[Pair]) -> Iterator[str]:
    """The parameters that nothing here goes by, each once."""
    known = {*search_parameters.searched_by(type), *search_parameters.RESULT, *search_refusal.NOT_SERVED, "_has"}
    yield from dict.fromkeys(name for name, _ in pairs if search_value.base(name) not in known)


def _check(type: str, name: str, value: str) -> None:
    """What holds of every value."""
    if value.count(",") >= MOST_ALTERNATIVES:
        raise search_refusal.of(type, name, f"has more than {MOST_ALTERNATIVES} values. Ask in several searches.")
    if not all(each.strip() for each in search_value.alternatives(value)):
        raise search_refusal.blank(type, name)
    if "\0" in value:  # PostgreSQL keeps none in a text
        raise search_refusal.of(type, name, "has a character that no value has.")
