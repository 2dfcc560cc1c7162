"""Questions about a family that go through other resources, or are answered in another shape than a page of matches.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterable, Iterator
from typing import Any

from app.fhir import compartment, search_index, search_parameters
from tests.api import examples
from tests.api.family import Child

Asked = tuple[str, dict[str, str]]


def through(resources: Iterable[dict[str, Any]], child: Child) -> Iterator[Asked]:
    """Of each type among them: chains to the child, `_has` from the child, and what refers to it. URL and parameters."""
    patient = child.patient
    for resource in resources:
        type = resource["resourceType"]
        if type not in compartment.types():
            continue
        yield type, {"patient.family": patient["name"][0]["family"], "_count": "1"}
        yield type, {"patient.birthdate": patient["birthDate"]}
        yield type, {"patient:Patient.gender:not": "unknown", "patient": child.id}
        yield type, {"patient.identifier:missing": "false", "_summary": "count"}
        yield type, {"patient._id": child.id, "_sort": "-_lastUpdated,_id"}
        yield "Patient", {"_id": child.id, "_revinclude": f"{type}:patient"}
        yield "Patient", {f"_has:{type}:patient:_id": resource["id"]}
        yield "Patient", {f"_has:{type}:patient:patient:identifier": examples.number_token(child.nhs_number)}
        for name, value in _one_value_each(resource):
            yield "Patient", {f"_has:{type}:patient:{name}": value, "_total": "accurate"}
            yield "Patient", {"_id": child.id, f"_has:{type}:patient:{name}": value, "_summary": "count"}


def shaped(resources: Iterable[dict[str, Any]], child: Child) -> Iterator[Asked]:
    """By every order, in every shape, by what is missing, and all at once."""
    yield f"Patient/{child.id}/$everything", {}
    yield f"Patient/{child.id}/*", {"_count": "1"}
    for type in sorted({resource["resourceType"] for resource in resources}):
        about = {"_id": child.id} if type == "Patient" else {"patient": child.id}
        if type in compartment.types():
            yield f"Patient/{child.id}/{type}", {}
        for summary in ("true", "text", "data", "count"):
            yield type, about | {"_summary": summary}
        yield type, about | {"_elements": "meta"}
        for parameter in search_parameters.searched_by(type).values():
            if parameter.code not in ("_id", "_lastUpdated"):
                yield type, {f"{parameter.code}:missing": "false", "_summary": "count"}
                yield type, about | {f"{parameter.code}:missing": "true"}
            if not parameter.is_the_person and not parameter.code.startswith("_"):
                yield type, {"_sort": parameter.code, "_count": "1", "_total": "none"}


def _one_value_each(resource: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """One value of each parameter that it is found under, with its modifier where that says how."""
    found: dict[str, str] = {}
    indexed = search_index.index(resource)
    for token in indexed.tokens:
        code, _, value = token.partition("#")
        parameter = search_parameters.searched_by(resource["resourceType"])[code.partition(":")[0]]
        if value:
            by_identifier = parameter.type == "reference" and not parameter.is_canonical and "|" in value
            name = f"{code}:identifier" if by_identifier else code
            found[name] = value.removeprefix("|")
    found |= {key.partition(".")[2]: value for key, _, value in indexed.strings}
    found |= {key.partition(".")[2]: each.start.date().isoformat() for key, each in indexed.dates if each.start}
    yield from found.items()
