"""One parameter of a search with its modifier or chain, as what a resource has to meet.

https://hl7.org/fhir/R4/search.html#modifiers; https://hl7.org/fhir/R4/search.html#chaining

A chain has one link, and so has `_has`. A person is asked for by NHS number wherever the standard lets one be: by
identifier of the reference, in a chain, or of the Patient itself.
"""

from collections.abc import Iterable

from app.fhir import search_index, search_parameters, search_refusal, search_value, systems
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import About, Among, Amount, AnyOf, Chained, Criterion, Has, Ids, Missing, Not, Text, When
from app.fhir.search_parameters import SearchParameter

_MOST = 5  # types that a chain may lead to unless one is said: each is a search of its own
_WORDED = frozenset(("Coding", "CodeableConcept", "Identifier"))


def of(type: str, name: str, value: str) -> Criterion:
    """Raises InvalidParameter."""
    if name.partition(":")[0] == "_has":
        return _has(type, name, value)
    if "." in name:
        return _chained(type, name, value)
    return _own(type, name, value)


def _own(type: str, name: str, value: str) -> Criterion:
    """A parameter of the resource itself."""
    base, _, modifier = name.partition(":")
    each = search_value.alternatives(value)
    if base == "_id":
        return _of_id(type, name, modifier, each)
    if base == "_lastUpdated":
        if modifier:
            raise search_refusal.modifier(type, name, ())
        return When("_lastUpdated", tuple(search_value.date(name, text) for text in each))
    parameter = search_parameters.searched_by(type).get(base)
    if parameter is None:
        raise search_refusal.unknown(type, name)
    if modifier == "missing":
        return Missing(parameter, search_value.yes_or_no(name, value))
    if type == "Patient" and base == "identifier" and not modifier:
        return _identifier(parameter, name, each)
    if parameter.is_the_person:
        return _about(type, name, modifier, each)
    return _valued(parameter, name, modifier, each)


def _valued(parameter: SearchParameter, name: str, modifier: str, each: list[str]) -> Criterion:
    """By type of parameter and modifier."""
    match parameter.type, modifier:
        case (("token" | "uri"), ""):
            return Among(tuple(search_value.token(parameter, name, text) for text in each))
        case "token", "not":
            return Not(Among(tuple(search_value.token(parameter, name, text) for text in each)))
        case "token", "of-type" if "Identifier" in parameter.data_types:
            return Among(tuple(search_value.of_type(parameter, name, text) for text in each))
        case "token", "text" if parameter.data_types & _WORDED:
            return Text(f"{parameter.key}:text", _folded(parameter, name, each), "starts")
        case "reference", "identifier" if not parameter.is_canonical:
            return Among(tuple(search_value.token(parameter, name, text) for text in each))
        case "reference", _ if not modifier or modifier in parameter.targets:
            return Among(tuple(search_value.reference(parameter, name, modifier, text) for text in each))
        case "string", "exact":
            return Text(parameter.key, tuple(map(search_value.unescaped, each)), "exact")
        case "string", "" | "contains":
            return Text(parameter.key, _folded(parameter, name, each), "contains" if modifier else "starts")
        case "date", "":
            return When(parameter.key, tuple(search_value.date(name, text) for text in each))
        case "quantity", "":
            return Amount(parameter.key, tuple(search_value.quantity(name, text) for text in each))
        case _:
            raise search_refusal.modifier(parameter.base, name, modifiers(parameter))


def modifiers(parameter: SearchParameter) -> tuple[str, ...]:
    """Those that a parameter takes, a reference's types among them."""
    own: dict[str, tuple[str, ...]] = {
        "token": (
            "not",
            *(("text",) if parameter.data_types & _WORDED else ()),
            *(("of-type",) if "Identifier" in parameter.data_types else ()),
        ),
        "reference": () if parameter.is_canonical else ("identifier", *parameter.targets),
        "string": ("contains", "exact"),
    }
    return ("missing", *own.get(parameter.type, ()))


def _folded(parameter: SearchParameter, name: str, each: Iterable[str]) -> tuple[str, ...]:
    found = tuple(search_index.folded(search_value.unescaped(text)) for text in each)
    if not all(found):  # an accent alone, which every name would start with
        raise search_refusal.blank(parameter.base, name)
    return found


def _of_id(type: str, name: str, modifier: str, each: list[str]) -> Criterion:
    match modifier:
        case "":
            return Ids(tuple(each))
        case "not":
            return Not(Ids(tuple(each)))
        case _:
            raise search_refusal.modifier(type, name, ("not",))


def _identifier(parameter: SearchParameter, name: str, each: list[str]) -> Criterion:
    """A Patient by NHS number is a person: the answer is the current record of whoever has or had that number."""
    tokens = [search_value.parts(text) for text in each]
    if all(system == systems.NHS_NUMBER for system, _ in tokens):
        return About(tuple(search_value.nhs_number(name, number) for _, number in tokens))
    if any(system == systems.NHS_NUMBER for system, _ in tokens):
        raise InvalidParameter(
            "Ask for NHS numbers and other identifiers one after the other.", expression=search_value.base(name)
        )
    return Among(tuple(search_value.token(parameter, name, text) for text in each))


def _about(type: str, name: str, modifier: str, each: list[str]) -> Criterion:
    """Whom it is about, by NHS number or by the id of the Patient."""
    if modifier == "identifier":
        tokens = [search_value.parts(text) for text in each]
        if any(system != systems.NHS_NUMBER for system, _ in tokens):
            raise InvalidParameter(
                f"Give {name} as {systems.NHS_NUMBER}|[NHS number].", expression=search_value.base(name)
            )
        return About(tuple(search_value.nhs_number(name, number) for _, number in tokens))
    if modifier not in ("", "Patient"):
        raise search_refusal.modifier(type, name, ("identifier", "missing", "Patient"))
    return About((), tuple(search_value.patient_id(name, text) for text in each))


def _chained(type: str, name: str, value: str) -> Criterion:
    """`subject:Patient.name`: of the resources that it refers to, what is asked after the full stop."""
    head, _, inner = name.partition(".")
    base, _, target = head.partition(":")
    parameter = search_parameters.parameters(type).get(base)
    if parameter is None or parameter.type != "reference" or parameter.is_canonical:
        raise search_refusal.unknown(type, name)
    if "." in inner or inner.partition(":")[0] == "_has":
        raise InvalidParameter("A chain has one link: ask for the second in a search of its own.", expression=base)
    ends = [_end(parameter, each, inner, value) for each in _targets(parameter, target, inner)]
    if inner == "identifier" and not parameter.is_the_person:
        own = Among(tuple(search_value.token(parameter, name, text) for text in search_value.alternatives(value)))
        return AnyOf((own, *ends))  # most references here name an identifier, and lead nowhere
    return ends[0] if len(ends) == 1 else AnyOf(tuple(ends))


def _end(parameter: SearchParameter, target: str, inner: str, value: str) -> Criterion:
    asked = _own(target, inner, value)
    if parameter.is_the_person and isinstance(asked, About):
        return asked  # the reference itself says it, whether or not there is a record of the person
    return Chained(parameter, target, asked)


def _targets(parameter: SearchParameter, stated: str, inner: str) -> list[str]:
    """The types at the end of a chain: the one that is stated, or all that can be asked for this."""
    served = [each for each in parameter.targets if each in search_parameters.written_types()]
    if stated:
        if stated not in served:
            raise search_refusal.type_of(stated, served, parameter.code)
        return [stated]
    able = [each for each in served if inner.partition(":")[0] in search_parameters.searched_by(each)]
    if not able:
        raise search_refusal.unknown(served[0] if served else parameter.base, inner)
    if (
        len({search_parameters.searched_by(each)[inner.partition(":")[0]].type for each in able}) > 1
        or len(able) > _MOST
    ):
        raise InvalidParameter(
            f"Say of which type, such as {parameter.code}:{able[0]}.[parameter].", expression=parameter.code
        )
    return able


def _has(type: str, name: str, value: str) -> Criterion:
    """`_has:Flag:subject:status`: of the resources of a type that refer to it by a parameter, what is asked last."""
    _, *parts = name.split(":", 3)
    if len(parts) != len(("type", "reference", "parameter")):
        raise InvalidParameter("_has is _has:[type]:[reference]:[parameter].", expression="_has")
    source, reference, inner = parts
    if source not in search_parameters.written_types():
        raise search_refusal.type_of(source, search_parameters.written_types(), "_has")
    if "." in inner or inner.partition(":")[0] == "_has":
        raise InvalidParameter("_has has one link: ask for the second in a search of its own.", expression="_has")
    parameter = search_parameters.parameters(source).get(reference)
    if parameter is None or parameter.type != "reference" or type not in parameter.targets:
        able = [each.code for each in search_parameters.parameters(source).values() if type in each.targets]
        near = search_refusal.nearest(reference, able)
        said = f"Did you mean _has:{source}:{near}?" if near else "See what refers to it in [base]/metadata."
        raise InvalidParameter(f"{source} does not refer to {type} by that. {said}", expression="_has")
    return Has(source, parameter, _own(source, inner, value))
