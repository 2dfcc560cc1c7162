"""What a resource is found under, computed when it is written.

https://hl7.org/fhir/R4/search.html#ptypes
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.fhir import coding, search_parameters, time

_LITERAL = re.compile(r"(?:https?://\S+/)?([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/\S+)?")
_COLUMNS = ("_id", "_lastUpdated")  # beside the patient's id, which are asked where they stand
_PARTS_OF_STRINGS = (  # of HumanName and Address
    *("text", "family", "given", "prefix", "suffix"),
    *("line", "city", "district", "state", "postalCode", "country"),
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount in one unit; without `lower` it is at most `upper`, without `upper` at least `lower`."""

    lower: Decimal | None
    upper: Decimal | None
    system: str
    code: str


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a resource is found under.

    A token is `code#system|value`, `code#|value` (of any system) and `code#system|` (any value), or `code#|value` and
    `code#||value` (of no system); a reference `code#Type/id` or, by identifier, as a token; a uri
    `code#|uri`; an identifier of a type `code:of-type#system|code|value`; and `code#` alone says that there is a value.
    A string is the key of its parameter
    (`Patient.family`; the words beside a code `Flag.code:text`), the text folded, and the text as given.
    """

    tokens: tuple[str, ...]
    strings: tuple[tuple[str, str, str], ...]
    dates: tuple[tuple[str, time.Period], ...]
    quantities: tuple[tuple[str, Quantity], ...] = ()


def index(resource: Mapping[str, Any]) -> Indexed:
    """Everything that this resource is found under. It has passed the gate."""
    tokens: dict[str, None] = {}
    strings: dict[tuple[str, str, str], None] = {}
    dates: dict[tuple[str, time.Period], None] = {}
    quantities: dict[tuple[str, Quantity], None] = {}
    for parameter in search_parameters.searched_by(resource["resourceType"]).values():
        if parameter.is_the_person or parameter.code in _COLUMNS:
            continue
        values = list(parameter.expression.values(resource))
        if values:
            tokens[f"{parameter.code}#"] = None
        match parameter.type:
            case "token":
                tokens |= dict.fromkeys(_all_tokens(parameter.code, values))
                strings |= dict.fromkeys(_strings(f"{parameter.key}:text", _words(values)))
            case "reference":
                tokens |= dict.fromkeys(f"{parameter.code}#{each}" for value in values for each in _references(value))
            case "uri":
                tokens |= dict.fromkeys(f"{parameter.code}#|{value}" for value in values)
            case "string":
                strings |= dict.fromkeys(_strings(parameter.key, _texts(values)))
            case "date":
                dates |= dict.fromkeys((parameter.key, period) for value in values for period in _periods(value))
            case "quantity":
                quantities |= dict.fromkeys((parameter.key, each) for value in values for each in _quantities(value))
    return Indexed(tuple(tokens), tuple(strings), tuple(dates), tuple(quantities))


def folded(text: str) -> str:
    """Without case, accents and doubled blanks: how strings are compared."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def _all_tokens(code: str, values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield from (f"{code}#{each}" for each in _tokens(value))
        if isinstance(value, dict) and isinstance(value.get("type"), Mapping) and isinstance(value.get("value"), str):
            of_type = (each for each in coding.tokens(value["type"]) if each)
            yield from (f"{code}:of-type#{each}|{value['value']}" for each in of_type)


def _tokens(value: object) -> Iterator[str]:
    """https://hl7.org/fhir/R4/search.html#token"""
    if isinstance(value, bool | str):
        yield from _without_system(str(value).lower() if isinstance(value, bool) else value)
    elif isinstance(value, dict) and "coding" in value:
        for each in coding.items(value["coding"]):
            yield from _tokens(each)
    elif isinstance(value, dict):
        code = value.get("code", value.get("value"))
        if isinstance(code, str) and isinstance(value.get("system"), str):
            system = coding.canonical(value["system"])
            yield from (f"|{code}", f"{system}|{code}", f"{system}|")
        elif isinstance(code, str):
            yield from _without_system(code)


def _without_system(code: str) -> tuple[str, str]:
    """Of any system, and of none."""
    return f"|{code}", f"||{code}"


def _words(values: Iterable[Any]) -> Iterator[str]:
    """What is written beside codes, and what kind of identifier somebody says it is."""
    for value in values:
        if isinstance(value, dict):
            concept = value["type"] if isinstance(value.get("type"), Mapping) else value
            for each in (concept, *coding.items(concept.get("coding"))):
                said = (each.get("text"), each.get("display")) if isinstance(each, dict) else ()
                yield from (text for text in said if isinstance(text, str))


def _references(value: object) -> Iterator[str]:
    if isinstance(value, str):  # a canonical, with or without its version
        yield f"|{value}"
        yield f"|{value.partition('|')[0]}"
    if not isinstance(value, dict):
        return
    literal = _LITERAL.fullmatch(str(value.get("reference", "")))
    if literal:
        yield literal[1]
    identifier = value.get("identifier")
    if isinstance(identifier, dict):
        yield from _tokens(identifier)


def _strings(key: str, texts: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    return ((key, folded(text), text) for text in texts)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, dict):
            for part in _PARTS_OF_STRINGS:
                yield from (str(each) for each in coding.items(value.get(part)) if each is not None)
        else:
            yield str(value)


def _periods(value: object) -> Iterator[time.Period]:
    if isinstance(value, dict) and ("event" in value or "repeat" in value):  # a Timing
        for each in (*coding.items(value.get("event")), value.get("repeat", {}).get("boundsPeriod")):
            yield from _periods(each)
    elif isinstance(value, dict):
        if period := time.period(value):
            yield period
    elif span := time.span(value):
        yield time.Period(span.start, span.end)


def _quantities(quantity: Mapping[str, Any]) -> Iterator[Quantity]:
    """By its coded unit, and by the unit's name where that is another. A comparator leaves one side open."""
    if "value" not in quantity:
        return
    value = Decimal(str(quantity["value"]))
    comparator = quantity.get("comparator", "")
    low = None if comparator.startswith("<") else value
    high = None if comparator.startswith(">") else value
    code, unit = quantity.get("code", ""), quantity.get("unit", "")
    yield Quantity(low, high, quantity.get("system", ""), code)
    if unit and unit != code:
        yield Quantity(low, high, "", unit)
