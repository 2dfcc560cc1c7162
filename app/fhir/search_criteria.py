"""A search once it is understood: what a resource has to meet, and how the answer is laid out.

https://hl7.org/fhir/R4/search.html

`search_query` makes these from what was asked; `store.criteria` says them in SQL. Whatever looks into another resource
(`Chained`, `Has`, an include) is served only as far as the caller may see that resource too.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from app.fhir import systems, time
from app.fhir.search_parameters import SearchParameter

Pair: TypeAlias = tuple[str, str]
Prefix: TypeAlias = Literal["eq", "ne", "lt", "gt", "le", "ge", "sa", "eb", "ap"]
Summary: TypeAlias = Literal["true", "text", "data", "count", "false"]


@dataclass(frozen=True, slots=True)
class Among:
    """It is found under one of these tokens (`status#|active`)."""

    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A string of `parameter` matches one of these, already folded (`exact`: as given, with case and accents)."""

    parameter: str
    values: tuple[str, ...] = field(repr=False)
    how: Literal["starts", "contains", "exact"]


@dataclass(frozen=True, slots=True)
class When:
    """A date of `parameter` (`_lastUpdated`: the version's own) stands so to one of these spans."""

    parameter: str
    values: tuple[tuple[Prefix, time.Span], ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A quantity asked for: `low <= value < high` is what its digits may mean; without `code` in any unit."""

    prefix: Prefix
    low: Decimal
    high: Decimal
    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity of `parameter` stands so to one of these ranges."""

    parameter: str
    values: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Ids:
    """Its id is one of these. What cannot be an id of ours names nothing."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class About:
    """It is about one of these people, or, of a Patient, is the record of one."""

    nhs_numbers: tuple[str, ...] = field(repr=False)
    patient_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """`:missing`: it has no value of this parameter, or (`missing=False`) has one."""

    parameter: SearchParameter
    missing: bool


@dataclass(frozen=True, slots=True)
class Not:
    """`:not`: it does not meet the criterion; what has no value at all does not meet it either."""

    criterion: "Criterion"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """It meets one of these: what a reference says itself, or what one of several types that it may lead to says."""

    criteria: "tuple[Criterion, ...]"


@dataclass(frozen=True, slots=True)
class Chained:
    """`subject:Patient.name=`: what `parameter` refers to is a `target` that meets the criterion."""

    parameter: SearchParameter
    target: str
    criterion: "Criterion"


@dataclass(frozen=True, slots=True)
class Has:
    """`_has:Flag:subject:status=`: some `source` that refers to it by `parameter` meets the criterion."""

    source: str
    parameter: SearchParameter
    criterion: "Criterion"


Criterion: TypeAlias = Among | Text | When | Amount | Ids | About | Missing | Not | AnyOf | Chained | Has


@dataclass(frozen=True, slots=True)
class Include:
    """`_include=Flag:detail` or, `reverse`, `_revinclude=Flag:subject`.

    `target` narrows to one type; `iterate` follows it from included resources too.
    """

    source: str
    parameter: SearchParameter
    iterate: bool
    target: str | None = None
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """`by` is `_id`, `_lastUpdated` or a parameter of the type."""

    by: Literal["_id", "_lastUpdated"] | SearchParameter
    descending: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after the row with these sort values, the last of which is its id; or before it."""

    values: tuple[str | None, ...] = field(repr=False)
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """All criteria hold; within one, any value. `pairs` is what was asked, to be repeated in links."""

    type: str
    criteria: tuple[Criterion, ...]
    includes: tuple[Include, ...]
    count: int
    total: bool
    pairs: tuple[Pair, ...] = field(repr=False)
    sort: tuple[Sort, ...] = ()
    summary: Summary = "false"
    elements: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()  # the names of parameters that nothing here goes by, where the caller is lenient

    @property
    def names_a_person(self) -> bool:
        """Whether a link that repeated it could identify somebody."""
        return any(_names(criterion) for criterion in self.criteria)


_IDENTIFYING = ("identifier", "telecom#", "phone#", "email#")


def codes(criterion: Criterion) -> frozenset[str]:
    """The parameters that it asks of the resource itself; what it asks of another is that one's own."""
    match criterion:
        case Among(tokens):
            return frozenset(token.partition("#")[0].partition(":")[0] for token in tokens)
        case Text(parameter) | When(parameter) | Amount(parameter):
            return frozenset((parameter.rpartition(".")[2].partition(":")[0],))
        case Missing(parameter) | Chained(parameter):
            return frozenset((parameter.code,))
        case Not(inner):
            return codes(inner)
        case AnyOf(inners):
            return frozenset().union(*map(codes, inners))
        case _:
            return frozenset()


def looked_into(criterion: Criterion) -> frozenset[str]:
    """The types of the other resources that it asks something of."""
    match criterion:
        case Chained(target=type, criterion=inner) | Has(source=type, criterion=inner):
            return frozenset((type,)) | looked_into(inner)
        case Not(inner):
            return looked_into(inner)
        case AnyOf(inners):
            return frozenset().union(*map(looked_into, inners))
        case _:
            return frozenset()


def _names(criterion: Criterion) -> bool:
    match criterion:
        case About(nhs_numbers):
            return bool(nhs_numbers)
        case Text():
            return True
        case Among(tokens):
            return any(token.startswith(_IDENTIFYING) or systems.NHS_NUMBER in token for token in tokens)
        case Not(inner) | Chained(criterion=inner) | Has(criterion=inner):
            return _names(inner)
        case AnyOf(inners):
            return any(map(_names, inners))
        case _:
            return False
