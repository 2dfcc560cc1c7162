"""What `$everything` is asked: of which types, since when, of which dates of care.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.fhir import compartment, search_refusal, search_result, time
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import About, Criterion, Pair, Prefix, SearchQuery, When
from app.fhir.time import Span

NAMES = ("_since", "_type", "_count", "start", "end", "_format", "_pretty")


@dataclass(frozen=True, slots=True)
class EverythingQuery:
    """`types` is None where all are asked for."""

    count: int
    types: tuple[str, ...] | None = None
    since: Span | None = None
    start: Span | None = None
    end: Span | None = None

    def searches(self, patient_id: str, types: Iterable[str]) -> tuple[SearchQuery, ...]:
        """A search for each of these types, each for what is about the person."""
        return tuple(
            SearchQuery(type, tuple(self._criteria(type, patient_id)), (), self.count, total=True, pairs=())
            for type in types
        )

    def _criteria(self, type: str, patient_id: str) -> Iterator[Criterion]:
        yield About((), (patient_id,))
        if self.since:
            yield When("_lastUpdated", (("ge", self.since),))
        date = compartment.care_date(type)
        bounds: tuple[tuple[Prefix, Span | None], ...] = (("ge", self.start), ("le", self.end))
        for prefix, span in bounds:
            if span and date:
                yield When(date.key, ((prefix, span),))


def parse(pairs: Iterable[Pair], served: Sequence[str], *, page_size: int, largest_page: int) -> EverythingQuery:
    """Of the types that are served there. Raises InvalidParameter."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in NAMES:
            near = search_refusal.nearest(name, NAMES)
            said = f"Did you mean {near}?" if near else f"It has {', '.join(NAMES)}."
            raise InvalidParameter(f"There is no such parameter here. {said}")
        if name in found and name != "_type":
            raise InvalidParameter(f"{name} is said once.", expression=name)
        found[name] = f"{found[name]},{value}" if name in found else value
    return EverythingQuery(
        count=search_result.count(found["_count"], largest_page) if "_count" in found else page_size,
        types=tuple(_type(each.strip(), served) for each in found["_type"].split(",")) if "_type" in found else None,
        since=_span(found, "_since"),
        start=_span(found, "start"),
        end=_span(found, "end"),
    )


def _type(name: str, served: Sequence[str]) -> str:
    if name not in served:
        raise search_refusal.type_of(name, served, "_type")
    return name


def _span(found: dict[str, str], name: str) -> Span | None:
    if name not in found:
        return None
    span = time.span(found[name])
    if span is None:
        raise InvalidParameter(
            f"Give {name} as a date (2026-11-20) or a time with zone (2026-11-20T10:15:00Z).", expression=name
        )
    return span
