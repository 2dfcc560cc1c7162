"""A profile that is dropped into the folder is enforced, or stops the start; there is nothing in between.

https://hl7.org/fhir/R4/elementdefinition.html
"""

import copy
from typing import Any

import pytest

from app.fhir import validation
from app.fhir.schema_elements import CORE, DefinitionError
from tests.fhir.folder import Folder, folder
from tests.fhir.resources import REMOVED, Removed, Steps, changed

__all__ = ["folder"]

Json = dict[str, Any]

PATIENT: Json = {
    "resourceType": "Patient",
    "identifier": [
        {"system": "https://example.org/nhs", "value": "1", "use": "official"},
        {"system": "https://example.org/local", "value": "2"},
    ],
    "name": [{"family": "Example", "given": ["Ann"]}],
    "birthDate": "2025-02-11",
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "Organization/1"},
    "extension": [{"url": "https://example.org/a", "valueString": "x"}],
}
OBSERVATION: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
    "component": [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
            "valueQuantity": {"value": 107, "unit": "mmHg"},
        },
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]},
            "valueQuantity": {"value": 60, "unit": "mmHg"},
        },
    ],
}
ANSWERS: Json = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "item": [{"linkId": "1", "item": [{"linkId": "1.1", "text": "x"}]}],
}
BY_SYSTEM = {"slicing": {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}}
NHS = "Patient.identifier:nhs"


def _loinc(code: str) -> Json:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def _slice_by_system(*more: Json, **slicing: Any) -> list[Json]:
    return [
        {"path": "Patient.identifier", "slicing": BY_SYSTEM["slicing"] | slicing},
        {"id": NHS, "path": "Patient.identifier", "sliceName": "nhs", "min": 1, "max": "1"},
        {"id": f"{NHS}.system", "path": "Patient.identifier.system", "min": 1, "fixedUri": "https://example.org/nhs"},
        *more,
    ]


def _components(*more: Json) -> list[Json]:
    return [
        {"path": "Observation.component", "slicing": {"discriminator": [{"type": "pattern", "path": "code"}]}},
        {"id": "Observation.component:sys", "path": "Observation.component", "sliceName": "sys", "min": 1, "max": "1"},
        {
            "id": "Observation.component:sys.code",
            "path": "Observation.component.code",
            "patternCodeableConcept": _loinc("8480-6"),
        },
        *more,
    ]


# What a profile says, a change to a resource that it allows, and one that breaks it with the place.
ENFORCED: list[tuple[str, Json, list[Json], list[tuple[Steps, Any]], str]] = [
    ("min", PATIENT, [{"path": "Patient.gender", "min": 1}], [], "Patient.gender"),
    ("max", PATIENT, [{"path": "Patient.identifier", "max": "1"}], [], "Patient.identifier"),
    ("forbidden", PATIENT, [{"path": "Patient.name.given", "max": "0"}], [], "Patient.name[0].given"),
    ("fixed", PATIENT, [{"path": "Patient.birthDate", "fixedDate": "2025-02-12"}], [], "Patient.birthDate"),
    ("pattern", PATIENT, [{"path": "Patient.name", "patternHumanName": {"family": "X"}}], [], "Patient.name[0]"),
    ("maxLength", PATIENT, [{"path": "Patient.name.family", "maxLength": 3}], [], "Patient.name[0].family"),
    ("minValue", PATIENT, [{"path": "Patient.multipleBirth[x]", "minValueInteger": 3}], [], "Patient.multipleBirth"),
    ("maxValue", PATIENT, [{"path": "Patient.multipleBirth[x]", "maxValueInteger": 1}], [], "Patient.multipleBirth"),
    (
        "choice narrowed",
        PATIENT,
        [{"path": "Patient.multipleBirth[x]", "type": [{"code": "boolean"}]}],
        [],
        "Patient.multipleBirth",
    ),
    (
        "choice narrowed by its short form",
        PATIENT,
        [{"path": "Patient.multipleBirthInteger", "maxValueInteger": 1}],
        [],
        "Patient.multipleBirth",
    ),
    (
        "choice sliced by type",
        OBSERVATION,
        [
            {
                "path": "Observation.component.value[x]",
                "slicing": {"discriminator": [{"type": "type", "path": "$this"}], "rules": "closed"},
            },
            {
                "id": "Observation.component.value[x]:valueQuantity",
                "path": "Observation.component.value[x]",
                "sliceName": "valueQuantity",
                "type": [{"code": "Quantity"}],
            },
            {
                "id": "Observation.component.value[x]:valueQuantity.unit",
                "path": "Observation.component.value[x].unit",
                "fixedString": "mmHg",
            },
        ],
        [(("component", 0, "valueQuantity", "unit"), "kPa")],
        "Observation.component[0].value.unit",
    ),
    (
        "target",
        PATIENT,
        [
            {
                "path": "Patient.generalPractitioner",
                "type": [{"code": "Reference", "targetProfile": [f"{CORE}Practitioner"]}],
            }
        ],
        [(("generalPractitioner",), [{"reference": "Organization/1"}])],
        "Patient.generalPractitioner[0].reference",
    ),
    (
        "slice min",
        PATIENT,
        _slice_by_system(),
        [(("identifier", 0, "system"), "https://example.org/x")],
        "Patient.identifier",
    ),
    (
        "slice min of a list that is not there",
        PATIENT,
        _slice_by_system(),
        [(("identifier",), REMOVED)],
        "Patient.identifier",
    ),
    (
        "slice max",
        PATIENT,
        _slice_by_system(),
        [(("identifier", 1, "system"), "https://example.org/nhs")],
        "Patient.identifier",
    ),
    (
        "slice content",
        PATIENT,
        _slice_by_system({"id": f"{NHS}.value", "path": "Patient.identifier.value", "min": 1}),
        [(("identifier", 0, "value"), REMOVED)],
        "Patient.identifier[0].value",
    ),
    (
        "slice content's value",
        PATIENT,
        _slice_by_system({"id": f"{NHS}.use", "path": "Patient.identifier.use", "fixedCode": "official"}),
        [(("identifier", 0, "use"), "usual")],
        "Patient.identifier[0].use",
    ),
    (
        "slice content deeper",
        PATIENT,
        _slice_by_system({"id": f"{NHS}.period.start", "path": "Patient.identifier.period.start", "min": 1}),
        [(("identifier", 0, "period"), {"end": "2025"})],
        "Patient.identifier[0].period.start",
    ),
    (
        "closed slicing",
        PATIENT,
        _slice_by_system(rules="closed"),
        [],
        "Patient.identifier[1]",
    ),
    (
        "ordered slicing",
        PATIENT,
        [
            {"path": "Patient.identifier", "slicing": BY_SYSTEM["slicing"] | {"ordered": True}},
            {"id": "Patient.identifier:local", "path": "Patient.identifier", "sliceName": "local"},
            {
                "id": "Patient.identifier:local.system",
                "path": "Patient.identifier.system",
                "fixedUri": "https://example.org/local",
            },
            {"id": NHS, "path": "Patient.identifier", "sliceName": "nhs"},
            {"id": f"{NHS}.system", "path": "Patient.identifier.system", "fixedUri": "https://example.org/nhs"},
        ],
        [],
        "Patient.identifier[1]",
    ),
    (
        "slice by existence",
        PATIENT,
        [
            {"path": "Patient.identifier", "slicing": {"discriminator": [{"type": "exists", "path": "use"}]}},
            {"id": "Patient.identifier:used", "path": "Patient.identifier", "sliceName": "used", "min": 2},
            {"id": "Patient.identifier:used.use", "path": "Patient.identifier.use", "min": 1},
        ],
        [],
        "Patient.identifier",
    ),
    (
        "slice by pattern within",
        OBSERVATION,
        _components(),
        [(("component", 0, "code"), _loinc("x"))],
        "Observation.component",
    ),
    (
        "slice of a part, with content",
        OBSERVATION,
        _components(
            {
                "id": "Observation.component:sys.value[x]",
                "path": "Observation.component.value[x]",
                "min": 1,
                "type": [{"code": "Quantity"}],
            },
            {
                "id": "Observation.component:sys.value[x].unit",
                "path": "Observation.component.value[x].unit",
                "fixedString": "mmHg",
            },
        ),
        [(("component", 0, "valueQuantity", "unit"), "kPa")],
        "Observation.component[0].value.unit",
    ),
    (
        "slice within a slice",
        OBSERVATION,
        _components(
            {
                "id": "Observation.component:sys.interpretation",
                "path": "Observation.component.interpretation",
                "slicing": {"discriminator": [{"type": "pattern", "path": "$this"}]},
            },
            {
                "id": "Observation.component:sys.interpretation:high",
                "path": "Observation.component.interpretation",
                "sliceName": "high",
                "max": "0",
                "patternCodeableConcept": {"coding": [{"code": "H"}]},
            },
        ),
        [(("component", 0, "interpretation"), [{"coding": [{"code": "H"}]}])],
        "Observation.component[0].interpretation",
    ),
    (
        "slice by the coding's system",
        OBSERVATION,
        [
            {
                "path": "Observation.code.coding",
                "slicing": {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"},
            },
            {
                "id": "Observation.code.coding:snomed",
                "path": "Observation.code.coding",
                "sliceName": "snomed",
                "min": 1,
                "patternCoding": {"system": "http://snomed.info/sct"},
            },
        ],
        [],
        "Observation.code.coding",
    ),
    (
        "slice by the type of a choice",
        OBSERVATION,
        [
            {
                "path": "Observation.component",
                "slicing": {"discriminator": [{"type": "type", "path": "value"}]},
            },
            {"id": "Observation.component:text", "path": "Observation.component", "sliceName": "text", "max": "0"},
            {
                "id": "Observation.component:text.value[x]",
                "path": "Observation.component.value[x]",
                "min": 1,
                "type": [{"code": "string"}],
            },
        ],
        [(("component", 0, "valueQuantity"), REMOVED), (("component", 0, "valueString"), "x")],
        "Observation.component",
    ),
    (
        "a part that contains itself",
        ANSWERS,
        [{"path": "QuestionnaireResponse.item.item.text", "min": 1}],
        [(("item", 0, "item", 0, "text"), REMOVED)],
        "QuestionnaireResponse.item[0].item[0].text",
    ),
    (
        "extension by URL",
        PATIENT,
        [
            {
                "id": "Patient.extension:needed",
                "path": "Patient.extension",
                "sliceName": "needed",
                "min": 1,
                "type": [{"code": "Extension", "profile": ["https://example.org/needed"]}],
            }
        ],
        [],
        "Patient.extension",
    ),
    (
        "constraint of the whole",
        PATIENT,
        [
            {
                "path": "Patient",
                "constraint": [
                    {"key": "x-1", "severity": "error", "human": "x", "expression": "name.family = 'Other'"},
                ],
            }
        ],
        [],
        "Patient",
    ),
    (
        "constraint of an element",
        PATIENT,
        [
            {
                "path": "Patient.identifier",
                "constraint": [
                    {"key": "x-1", "severity": "error", "human": "x", "expression": "value.toInteger() > 1"},
                ],
            }
        ],
        [],
        "Patient.identifier[0]",
    ),
    (
        "constraint of a slice",
        PATIENT,
        _slice_by_system(
            {
                "id": NHS,
                "path": "Patient.identifier",
                "sliceName": "nhs",
                "constraint": [
                    {"key": "x-1", "severity": "error", "human": "x", "expression": "value = '3'"},
                ],
            }
        ),
        [],
        "Patient.identifier[0]",
    ),
    (
        "constraint of a primitive",
        PATIENT,
        [
            {
                "path": "Patient.name.family",
                "constraint": [
                    {"key": "x-1", "severity": "error", "human": "x", "expression": "$this.matches('^[a-z]+$')"},
                ],
            }
        ],
        [],
        "Patient.name[0].family",
    ),
]


@pytest.mark.parametrize(
    ("_", "resource", "elements", "changes", "place"), ENFORCED, ids=[each[0] for each in ENFORCED]
)
def test_it_is_enforced(
    _: str, resource: Json, elements: list[Json], changes: list[tuple[Steps, Any | Removed]], place: str, folder: Folder
) -> None:
    broken = copy.deepcopy(resource)
    for steps, value in changes:
        broken = changed(broken, steps, value)
    assert validation.base_faults(broken) == []
    assert folder.places(broken) == set()
    folder.profile(resource["resourceType"], *elements)
    if changes:
        assert folder.places(resource) == set()
    assert folder.places(broken) == {place}


def test_every_profile_that_applies_is_enforced(folder: Folder) -> None:
    folder.profile("Patient", {"path": "Patient.gender", "min": 1}, name="One")
    folder.profile("Patient", {"path": "Patient.active", "min": 1}, name="Two")
    assert folder.places(PATIENT) == {"Patient.gender", "Patient.active"}


def test_a_profile_builds_upon_another(folder: Folder) -> None:
    first = folder.profile("Patient", {"path": "Patient.gender", "min": 1}, name="One")
    folder.profile("Patient", {"path": "Patient.active", "min": 1}, name="Two", baseDefinition=first)
    assert folder.places(PATIENT) == {"Patient.gender", "Patient.active"}


def test_what_a_resource_claims_is_held_against_it(folder: Folder) -> None:
    where = {
        "url": "https://fhir.cradle.example/StructureDefinition/Extension-Cradle-AppliesWhere",
        "extension": [
            {"url": "path", "valueString": "Patient.gender"},
            {"url": "value", "valueCode": "other"},
        ],
    }
    url = folder.profile("Patient", {"path": "Patient.active", "min": 1}, extension=[where])
    assert folder.places(PATIENT) == set()
    assert folder.places(PATIENT | {"gender": "other"}) == {"Patient.active"}
    for claim in (url, f"{url}|1.0.0"):
        assert folder.places(PATIENT | {"meta": {"profile": ["https://example.org/elsewhere", claim]}}) == {
            "Patient.active"
        }


def test_a_warning_is_told_and_refuses_nothing(folder: Folder) -> None:
    constraint = {"key": "x-1", "severity": "warning", "human": "A photo helps", "expression": "photo.exists()"}
    folder.profile("Patient", {"path": "Patient", "constraint": [constraint]})
    assert folder.places(PATIENT) == set()
    (found,) = validation.findings(PATIENT)
    assert (found.severity, found.expression, found.diagnostics) == ("warning", "Patient", "x-1: A photo helps")


def test_a_data_type_has_profiles_too(folder: Folder) -> None:
    url = folder.profile("Identifier", {"path": "Identifier.use", "min": 1}, name="Used")
    folder.profile("Patient", {"path": "Patient.identifier", "type": [{"code": "Identifier", "profile": [url]}]})
    assert folder.places(PATIENT) == {"Patient.identifier[1].use"}


def test_an_extension_is_enforced_wherever_it_stands(folder: Folder) -> None:
    constraint = {"key": "x-1", "severity": "error", "human": "x", "expression": "value.length() > 1"}
    url = folder.profile(
        "Extension",
        {"path": "Extension", "constraint": [constraint]},
        {"path": "Extension.url", "fixedUri": "https://example.org/fhir/StructureDefinition/Nickname"},
        {"path": "Extension.value[x]", "min": 1, "type": [{"code": "string"}]},
        name="Nickname",
        context=[{"type": "element", "expression": "HumanName"}],
    )

    def named(**value: Any) -> Json:
        return PATIENT | {"name": [{"family": "Example", "extension": [{"url": url} | value]}]}

    assert folder.places(named(valueString="Ann")) == set()
    assert folder.places(named(valueString="A")) == {"Patient.name[0].extension[0]"}
    assert "Patient.name[0].extension[0].value" in folder.places(named(valueCode="Ann"))
    assert folder.places(PATIENT | {"extension": [{"url": url, "valueString": "Ann"}]}) == {"Patient.extension[0]"}


def test_a_target_that_is_a_profile_of_the_whole_type_is_that_type(folder: Folder) -> None:
    target = folder.profile("Practitioner", {"path": "Practitioner.name", "min": 1}, name="Target")
    type = {"code": "Reference", "targetProfile": [target]}
    folder.profile("Patient", {"path": "Patient.generalPractitioner", "type": [type]})
    assert folder.places(PATIENT | {"generalPractitioner": [{"reference": "Practitioner/1"}]}) == set()
    wrong = PATIENT | {"generalPractitioner": [{"reference": "Organization/1"}]}
    assert folder.places(wrong) == {"Patient.generalPractitioner[0].reference"}


@pytest.mark.parametrize(
    ("compose", "allowed"),
    [
        ({"include": [{"system": "S"}]}, {"a", "b", "c"}),
        ({"include": [{"system": "S", "concept": [{"code": "a"}, {"code": "z"}]}]}, {"a", "z"}),
        ({"include": [{"system": "S"}], "exclude": [{"system": "S", "concept": [{"code": "b"}]}]}, {"a", "c"}),
        ({"include": [{"valueSet": ["A"]}, {"system": "S", "concept": [{"code": "c"}]}]}, {"a", "c"}),
        ({"include": [{"system": "S", "valueSet": ["A"]}]}, {"a"}),
    ],
)
def test_a_required_binding_is_enforced(compose: Json, allowed: set[str], folder: Folder) -> None:
    system = folder.code_system("S", [{"code": "a"}, {"code": "b", "concept": [{"code": "c"}]}])
    other = folder.value_set("A", include=[{"system": system, "concept": [{"code": "a"}]}])

    def named(part: Json) -> Json:
        return {
            name: system if name == "system" else [other] if name == "valueSet" else value
            for name, value in part.items()
        }

    value_set = folder.value_set("V", **{kind: [named(part) for part in parts] for kind, parts in compose.items()})
    binding = {"strength": "required", "valueSet": f"{value_set}|1.0"}
    folder.profile("Patient", {"path": "Patient.maritalStatus", "binding": binding})
    for code in ("a", "b", "c", "z"):
        places = folder.places(PATIENT | {"maritalStatus": {"coding": [{"system": system, "code": code}]}})
        assert places == (set() if code in allowed else {"Patient.maritalStatus"}), code


def _expressed(expression: str) -> Json:
    return {
        "path": "Patient",
        "constraint": [{"key": "x", "severity": "error", "human": "x", "expression": expression}],
    }


UNENFORCEABLE: list[tuple[str, list[Json]]] = [
    ("an unknown element", [{"path": "Patient.nickname", "min": 1}]),
    ("a wider min", [{"path": "Patient.link.other", "min": 0}]),
    ("a wider max", [{"path": "Patient.gender", "max": "2"}]),
    ("another type", [{"path": "Patient.multipleBirth[x]", "type": [{"code": "string"}]}]),
    (
        "another target",
        [{"path": "Patient.link.other", "type": [{"code": "Reference", "targetProfile": [f"{CORE}Group"]}]}],
    ),
    (
        "a target of a profile that is not held",
        [
            {
                "path": "Patient.generalPractitioner",
                "type": [
                    {"code": "Reference", "targetProfile": ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-X"]}
                ],
            }
        ],
    ),
    (
        "a data type's profile that is not held",
        [{"path": "Patient.name", "type": [{"code": "HumanName", "profile": ["https://example.org/none"]}]}],
    ),
    (
        "a slice that nothing is known by",
        [
            {"path": "Patient.identifier", **BY_SYSTEM},
            {"id": NHS, "path": "Patient.identifier", "sliceName": "nhs", "min": 1},
        ],
    ),
    (
        "a discriminator that follows a reference",
        [
            {
                "path": "Patient.generalPractitioner",
                "slicing": {"discriminator": [{"type": "type", "path": "resolve()"}]},
            },
            {
                "id": "Patient.generalPractitioner:gp",
                "path": "Patient.generalPractitioner",
                "sliceName": "gp",
                "min": 1,
            },
        ],
    ),
    (
        "a discriminator by profile",
        [
            {"path": "Patient.contact", "slicing": {"discriminator": [{"type": "profile", "path": "$this"}]}},
            {"id": "Patient.contact:a", "path": "Patient.contact", "sliceName": "a", "min": 1},
        ],
    ),
    (
        "a discriminator by type of what has one type",
        [
            {"path": "Patient.contact", "slicing": {"discriminator": [{"type": "type", "path": "name"}]}},
            {"id": "Patient.contact:a", "path": "Patient.contact", "sliceName": "a", "min": 1},
            {"id": "Patient.contact:a.name", "path": "Patient.contact.name", "min": 1},
        ],
    ),
    (
        "a slice of a slice",
        [
            *_slice_by_system(),
            {"id": f"{NHS}/inner", "path": "Patient.identifier", "sliceName": "nhs/inner", "min": 1},
        ],
    ),
    (
        "an extensible binding",
        [{"path": "Patient.maritalStatus", "binding": {"strength": "extensible", "valueSet": "https://example.org/v"}}],
    ),
    (
        "a value set that is not there",
        [{"path": "Patient.maritalStatus", "binding": {"strength": "required", "valueSet": "https://example.org/v"}}],
    ),
    (
        "a value set whose codes are not listed",
        [
            {
                "path": "Patient.maritalStatus",
                "binding": {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/mimetypes"},
            }
        ],
    ),
    (
        "a binding on what has no code",
        [
            {
                "path": "Patient.name",
                "binding": {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"},
            }
        ],
    ),
    ("a limit of a date", [{"path": "Patient.birthDate", "minValueDate": "2020-01-01"}]),
    ("half an expression", [_expressed("name.exists(")]),
    ("two expressions", [_expressed("name.exists() name.exists()")]),
    ("an unknown function", [_expressed("photo.where(frobnicate()).empty()")]),
    ("a function that is not run here", [_expressed("managingOrganization.resolve().exists()")]),
    ("an expression that fails", [_expressed("(1 | 2) > 1")]),
    ("a constraint without an expression", [{"path": "Patient", "constraint": [{"key": "x", "human": "x"}]}]),
]


@pytest.mark.parametrize(("_", "elements"), UNENFORCEABLE, ids=[each[0] for each in UNENFORCEABLE])
def test_what_cannot_be_enforced_stops_the_start(_: str, elements: list[Json], folder: Folder) -> None:
    folder.profile("Patient", *elements)
    with pytest.raises(DefinitionError) as refusal:
        validation.prepare()
    assert "Dropped" in str(refusal.value)


@pytest.mark.parametrize(
    "more",
    [
        {"derivation": "specialization"},
        {"fhirVersion": "4.3.0"},
        {"abstract": True},
        {"contextInvariant": ["true"]},
        {"context": [{"type": "fhirpath", "expression": "Patient"}]},
        {"baseDefinition": f"{CORE}Account"},
        {"differential": None},
    ],
)
def test_a_definition_that_is_no_profile_of_r4_stops_the_start(more: Json, folder: Folder) -> None:
    folder.profile("Patient", {"path": "Patient.gender", "min": 1}, **more)
    with pytest.raises(DefinitionError):
        validation.prepare()


@pytest.mark.parametrize(
    "compose",
    [
        {
            "include": [
                {"system": "http://snomed.info/sct", "filter": [{"property": "concept", "op": "is-a", "value": "1"}]}
            ]
        },
        {"include": [{"system": "http://snomed.info/sct"}]},
        {"include": [{"valueSet": ["https://example.org/none"]}]},
        {},
    ],
)
def test_a_value_set_that_is_not_complete_here_stops_the_start(compose: Json, folder: Folder) -> None:
    value_set = folder.value_set("V", **compose)
    binding = {"strength": "required", "valueSet": value_set}
    folder.profile("Patient", {"path": "Patient.maritalStatus", "binding": binding})
    with pytest.raises(DefinitionError):
        validation.prepare()


def test_what_recommends_demands_nothing(folder: Folder) -> None:
    recommended = {"strength": "preferred", "valueSet": "https://example.org/v"}
    folder.profile(
        "Patient",
        {"path": "Patient.maritalStatus", "binding": recommended, "mustSupport": True, "requirements": "x"},
        {"path": "Patient.gender", "example": [{"label": "x", "valueCode": "other"}], "isSummary": True},
    )
    assert folder.places(PATIENT | {"maritalStatus": {"text": "x"}}) == set()
