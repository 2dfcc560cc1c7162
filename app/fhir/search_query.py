"""A search as it was asked, read strictly: what is not understood is refused, with the nearest name.

https://hl7.org/fhir/R4/search.html
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.fhir import search_index, search_parameters, search_value, systems
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import About, Among, Criterion, Ids, Include, Pair, SearchQuery, Text, When
from app.fhir.search_parameters import SearchParameter

MOST_ALTERNATIVES = 100
_MOST_DIGITS = 9
_RESULT = ("_count", "_total", "_include", "_include:iterate", "_format", "_page")
_COMMON = ("_id", "_lastUpdated")


def parse(type: str, pairs: Iterable[Pair], *, page_size: int, largest_page: int) -> SearchQuery:
    """Raises InvalidParameter for anything that is not served, naming the parameter but never its value."""
    asked = tuple(pairs)
    parameters = search_parameters.parameters(type)
    criteria: list[Criterion] = []
    includes: list[Include] = []
    count, total = page_size, True
    for name, value in asked:
        if value.count(",") >= MOST_ALTERNATIVES:
            raise _refused(
                type, parameters, name, f"has more than {MOST_ALTERNATIVES} values. Ask in several searches."
            )
        if not all(each.strip() for each in search_value.alternatives(value)):
            raise _blank(type, parameters, name)
        if "\0" in value:  # PostgreSQL keeps none in a text
            raise _refused(type, parameters, name, "has a character that no value has.")
        match name:
            case "_count":
                count = _count(value, largest_page)
            case "_total":
                total = _total(value)
            case "_include" | "_include:iterate":
                includes.append(_include(type, value, iterate=name.endswith(":iterate")))
            case "_format":
                pass  # negotiated with the Accept header
            case _:
                criteria.append(_criterion(type, parameters, name, value))
    return SearchQuery(type, tuple(criteria), tuple(includes), count, total, asked)


def _criterion(type: str, parameters: Mapping[str, SearchParameter], name: str, value: str) -> Criterion:
    base, _, modifier = name.partition(":")
    if base == "_id" and not modifier:
        return Ids(tuple(search_value.alternatives(value)))
    if base == "_lastUpdated" and not modifier:
        return When("_lastUpdated", tuple(search_value.date(name, each) for each in search_value.alternatives(value)))
    chained = base.endswith(".identifier") and not modifier
    parameter = parameters.get(base.removesuffix(".identifier") if chained else base)
    if parameter is None or (chained and not parameter.is_the_person):
        raise _unknown(type, parameters, name)
    if type == "Patient" and parameter.code == "identifier" and not modifier:
        return _identifier(parameter, name, value)
    if parameter.is_the_person:
        return _about(name, "identifier" if chained else modifier, value)
    match parameter.type, modifier:
        case (("token" | "uri"), ""):
            return Among(tuple(search_value.token(parameter, name, each) for each in search_value.alternatives(value)))
        case "reference", "identifier":
            return Among(tuple(search_value.token(parameter, name, each) for each in search_value.alternatives(value)))
        case "reference", _ if not modifier or modifier in parameter.targets:
            return Among(
                tuple(
                    search_value.reference(parameter, name, modifier, each) for each in search_value.alternatives(value)
                )
            )
        case "string", "" | "contains":
            folded = tuple(
                search_index.folded(search_value.unescaped(each)) for each in search_value.alternatives(value)
            )
            if not all(folded):  # an accent alone, which every name would start with
                raise _blank(type, parameters, name)
            return Text(parameter.key, folded, "contains" if modifier else "starts")
        case "date", "":
            return When(
                parameter.key, tuple(search_value.date(name, each) for each in search_value.alternatives(value))
            )
        case _:
            raise InvalidParameter(f"The modifier of {base} is not served here.", expression=base)


def _identifier(parameter: SearchParameter, name: str, value: str) -> Criterion:
    """A Patient by NHS number is a person: the answer is the current record of whoever has or had that number."""
    tokens = [search_value.parts(each) for each in search_value.alternatives(value)]
    if all(system == systems.NHS_NUMBER for system, _ in tokens):
        return About(tuple(search_value.nhs_number(name, number) for _, number in tokens))
    if any(system == systems.NHS_NUMBER for system, _ in tokens):
        raise InvalidParameter(
            "Ask for NHS numbers and other identifiers one after the other.", expression=search_value.base(name)
        )
    return Among(tuple(search_value.token(parameter, name, each) for each in search_value.alternatives(value)))


def _about(name: str, modifier: str, value: str) -> Criterion:
    if modifier == "identifier":
        tokens = [search_value.parts(each) for each in search_value.alternatives(value)]
        if any(system != systems.NHS_NUMBER for system, _ in tokens):
            raise InvalidParameter(
                f"Give {name} as {systems.NHS_NUMBER}|[NHS number].", expression=search_value.base(name)
            )
        return About(tuple(search_value.nhs_number(name, number) for _, number in tokens))
    if modifier not in ("", "Patient"):
        raise InvalidParameter(
            f"The modifier of {search_value.base(name)} is not served here.", expression=search_value.base(name)
        )
    ids = (each.rpartition("Patient/")[2] for each in search_value.alternatives(value))
    return About((), tuple(ids))


def _count(value: str, largest: int) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > _MOST_DIGITS:
        raise InvalidParameter("_count is a whole number from 0.", expression="_count")
    return min(int(value), largest)


def _total(value: str) -> bool:
    if value not in ("none", "estimate", "accurate"):
        raise InvalidParameter("_total is none, estimate or accurate.", expression="_total")
    return value != "none"


def _include(type: str, value: str, *, iterate: bool) -> Include:
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if source not in search_parameters.searchable_types():
        raise InvalidParameter("_include is [type]:[parameter], such as Flag:detail.", expression="_include")
    parameter = search_parameters.parameters(source).get(code)
    if parameter is None or parameter.type != "reference" or (target and target not in parameter.targets):
        raise InvalidParameter(f"{source} has no such reference to include.", expression="_include")
    if source != type and not iterate:
        raise InvalidParameter(
            f"To follow {source} from what is included, use _include:iterate.", expression="_include"
        )
    return Include(source, replace(parameter, targets=(target,)) if target else parameter, iterate)


def _unknown(type: str, parameters: Mapping[str, SearchParameter], name: str) -> InvalidParameter:
    known = [*parameters, *_COMMON, *_RESULT]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    said = f" Did you mean {near[0]}?" if near else f" It has {', '.join(sorted([*parameters, *_COMMON]))}."
    return InvalidParameter(f"{type} has no such search parameter.{said}", expression=_where(name, parameters))


def _blank(type: str, parameters: Mapping[str, SearchParameter], name: str) -> InvalidParameter:
    return _refused(type, parameters, name, "has no value. Leave it out, or give it one.")


def _refused(type: str, parameters: Mapping[str, SearchParameter], name: str, said: str) -> InvalidParameter:
    known = _where(name, parameters)
    return InvalidParameter(f"{known} {said}", expression=known) if known else _unknown(type, parameters, name)


def _where(name: str, parameters: Mapping[str, SearchParameter]) -> str | None:
    """The parameter's own name where it is one of ours: a stranger's could be anything, a person's name too."""
    base = search_value.base(name)
    return base if base in {*parameters, *_COMMON, *(each for each in _RESULT if ":" not in each)} else None
