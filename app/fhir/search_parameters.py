"""Search parameters as data: what each type can be searched by, and the values that a resource is found under.

https://hl7.org/fhir/R4/search.html; https://hl7.org/fhir/R4/searchparameter-registry.html

`fhir_profiles/SearchParameter/` is the list. An expression is a path, or several with `|` between; a step may be an
extension by its URL. One that says more stops the start. Values are computed when a resource is written.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal, TypeAlias

from app.fhir import coding, time
from app.fhir.schema_definitions import FOLDER, DefinitionError

ParameterType: TypeAlias = Literal["token", "reference", "string", "date"]

_STEP = re.compile(r"[A-Za-z]+|extension\('([^']+)'\)")
_SPLIT = re.compile(r"\.(?=(?:[^']*'[^']*')*[^']*$)")  # a full stop that is not inside a URL in quotation marks
_LITERAL = re.compile(r"(?:https?://\S+/)?([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/\S+)?")


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """`paths` are the steps from the resource to the values; a step that is a URL is the extension of that URL."""

    base: str
    code: str
    type: ParameterType
    url: str
    targets: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]

    @property
    def key(self) -> str:
        """How values are kept apart from those of other parameters: `Patient.family`."""
        return f"{self.base}.{self.code}"

    @property
    def is_the_person(self) -> bool:
        """Whether it asks whom the resource is about, which every resource is kept by already."""
        return self.targets == ("Patient",) and self.code in ("patient", "subject")


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount in one unit; without `lower` it is at most `upper`, without `upper` at least `lower`."""

    lower: Decimal | None
    upper: Decimal | None
    system: str
    code: str


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a resource is found under. A token is `code#system|value` and `code#|value`; a reference `code#Type/id` or,
    by identifier, as a token. `code#` alone says that there is some value, of whatever type. `strings` (folded, and as
    given), `dates` and `quantities` are beside the key of their parameter."""

    tokens: tuple[str, ...]
    strings: tuple[tuple[str, str, str], ...]
    dates: tuple[tuple[str, time.Period], ...]
    quantities: tuple[tuple[str, Quantity], ...] = ()


@cache
def parameters(type: str) -> Mapping[str, SearchParameter]:
    """Code -> parameter. KeyError for a type that cannot be searched."""
    return _all()[type]


def searchable_types() -> tuple[str, ...]:
    return tuple(sorted(_all()))


def written_types() -> tuple[str, ...]:
    """Those that callers write too: all but the audit."""
    return tuple(type for type in searchable_types() if type != "AuditEvent")


def index(resource: Mapping[str, Any]) -> Indexed:
    """Everything that this resource is found under. It has passed the gate."""
    tokens: dict[str, None] = {}
    strings: list[tuple[str, str, str]] = []
    dates: list[tuple[str, time.Period]] = []
    for parameter in parameters(resource["resourceType"]).values():
        for path in () if parameter.is_the_person else parameter.paths:
            for value in _values(resource, path):
                tokens[f"{parameter.code}#"] = None
                match parameter.type:
                    case "token":
                        tokens.update(dict.fromkeys(f"{parameter.code}#{each}" for each in _tokens(value)))
                    case "reference":
                        tokens.update(dict.fromkeys(f"{parameter.code}#{each}" for each in _references(value)))
                    case "string":
                        strings.append((parameter.key, folded(str(value)), str(value)))
                    case "date":
                        dates.extend((parameter.key, period) for period in _periods(value))
    return Indexed(tuple(tokens), tuple(dict.fromkeys(strings)), tuple(dates))


def folded(text: str) -> str:
    """Without case, accents and doubled blanks: how strings are compared."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def _tokens(value: object) -> Iterator[str]:
    """https://hl7.org/fhir/R4/search.html#token"""
    if isinstance(value, bool):
        yield f"|{str(value).lower()}"
    elif isinstance(value, str):
        yield f"|{value}"
    elif isinstance(value, Mapping) and "coding" in value:
        for each in coding.items(value["coding"]):
            yield from _tokens(each)
    elif isinstance(value, Mapping):
        code = value.get("code", value.get("value"))
        if isinstance(code, str):
            yield f"|{code}"
            if isinstance(value.get("system"), str):
                yield f"{coding.canonical(value['system'])}|{code}"


def _references(value: object) -> Iterator[str]:
    if not isinstance(value, Mapping):
        return
    literal = _LITERAL.fullmatch(str(value.get("reference", "")))
    if literal:
        yield literal[1]
    identifier = value.get("identifier")
    if isinstance(identifier, Mapping):
        yield from _tokens(identifier)


def _periods(value: object) -> Iterator[time.Period]:
    if isinstance(value, Mapping):
        if period := time.period(value):
            yield period
    elif span := time.span(value):
        yield time.Period(span.start, span.end)


def _values(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        if ":" in path[0]:
            for extension in value.get("extension", ()):
                if extension.get("url") == path[0]:
                    yield from _values(extension, path[1:])
        elif path[0] in value:
            yield from _values(value[path[0]], path[1:])


@cache
def _all() -> dict[str, dict[str, SearchParameter]]:
    found: dict[str, dict[str, SearchParameter]] = {}
    for file in sorted((FOLDER / "SearchParameter").glob("*.json")):
        for entry in json.loads(file.read_text("utf-8"))["entry"]:
            parameter = _parsed(entry["resource"])
            found.setdefault(parameter.base, {})[parameter.code] = parameter
    return found


def _parsed(definition: dict[str, Any]) -> SearchParameter:
    (base,) = definition["base"]
    if definition["type"] not in ("token", "reference", "string", "date"):
        raise DefinitionError(f"{definition['id']}: type {definition['type']} is not served.")
    paths = tuple(_path(each.strip(), base) for each in definition["expression"].split("|"))
    targets = tuple(definition.get("target", ()))
    return SearchParameter(base, definition["code"], definition["type"], definition["url"], targets, paths)


def _path(expression: str, base: str) -> tuple[str, ...]:
    first, *steps = _SPLIT.split(expression)
    matches = [_STEP.fullmatch(step) for step in steps]
    if first != base or not all(matches):
        raise DefinitionError(f"{expression} is more than a path from {base}.")
    return tuple(match[1] or match[0] for match in matches if match)
