"""Our own rules: on identifiers wherever they stand, and those of our profiles that depend on what else is said.

https://digital.nhs.uk/services/nhs-number; https://profiles.ihe.net/ITI/PCF/

The words of a profile's rule are its `constraint.human`. Each function yields the steps to what breaks it.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from app.fhir import coding, invariants_record, schema_terminology, systems
from app.fhir.invariants_predicates import Invariant, Value
from app.fhir.nhs_number import NHSNumber

Steps = tuple[str | int, ...]
ProfileRule = Callable[[Value], Iterator[Steps]]

_ODS_CODE = re.compile(r"[A-Z0-9]{2,12}")
_TEN_DIGITS = re.compile(r"[0-9]{10}")
_TEAM = re.compile(r"(https?://\S+/)?CareTeam/[A-Za-z0-9\-.]{1,64}(/_history/[A-Za-z0-9\-.]{1,64})?")
_PLAN = re.compile(r"((https?://\S+/)?CarePlan/|urn:uuid:)\S+")
_PERSON = re.compile(r"((https?://\S+/)?(Patient|RelatedPerson)/|urn:uuid:)\S+")
_CATEGORIES = f"{systems.CRADLE}/ValueSet/Cradle-DataCategory"
_PURPOSES = f"{systems.CRADLE}/ValueSet/Cradle-PurposeOfUse"
_RECIPIENT = f"{systems.PARTICIPATION}|IRCP"
_PRIVACY = "http://terminology.hl7.org/CodeSystem/consentscope|patient-privacy"
_NO_NHS_NUMBER = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberUnavailableReason"


def _nhs_number(identifier: Value, _: Value) -> bool:
    if identifier.get("system") != systems.NHS_NUMBER:
        return True
    text = identifier.get("value", "")
    if not _TEN_DIGITS.fullmatch(text):
        return False
    try:
        NHSNumber.parse(text)
    except ValueError:
        return False
    return True


def _ods_code(identifier: Value, _: Value) -> bool:
    return identifier.get("system") != systems.ODS_CODE or bool(_ODS_CODE.fullmatch(identifier.get("value", "")))


# Type -> (rule, what is told, the step to what is wrong)
ANYWHERE: dict[str, tuple[tuple[Invariant, str, tuple[str, ...]], ...]] = {
    "Identifier": (
        (_nhs_number, "An NHS number is ten digits without blanks, of which the last is its check digit.", ("value",)),
        (_ods_code, "An ODS code is 2 to 12 capital letters and digits.", ("value",)),
    )
}


def _a_number_or_a_reason(patient: Value) -> Iterator[Steps]:
    reasons = (extension["url"] for extension in patient.get("extension", ()))
    numbers = (identifier for identifier in patient.get("identifier", ()) if _is(identifier, systems.NHS_NUMBER))
    if not any(numbers) and _NO_NHS_NUMBER not in reasons:
        yield ("identifier",)


def _sent_by_an_organisation(request: Value) -> Iterator[Steps]:
    if not any(_names(request.get(role, {}), systems.ODS_CODE) for role in ("requester", "sender")):
        yield ("sender",)


def _recipients_identified(request: Value) -> Iterator[Steps]:
    for index, recipient in enumerate(request.get("recipient", ())):
        if not (
            _names(recipient, systems.ODS_CODE) or _names(recipient, systems.NHS_NUMBER) or "reference" in recipient
        ):
            yield ("recipient", index)


def _minimum_only(resource: Value) -> Iterator[Steps]:
    """No extension below the resource's own, and no display or text of a code: they would be shown as sent."""
    waiting: list[tuple[Any, Steps]] = [(resource, ())]
    while waiting:
        value, steps = waiting.pop()
        for name, child in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str) and (name.startswith("_") or (name == "extension" and steps)):
                yield (*steps, name)
            elif isinstance(child, dict | list) and name != "meta":
                waiting.append((child, (*steps, name)))


def _permits(consent: Value) -> Iterator[tuple[Value, Steps, bool]]:
    """Each permit, root or nested, and whether it must say everything itself: under a permit it inherits."""
    root = consent["provision"]
    if root["type"] == "permit":
        yield root, ("provision",), True
    for index, nested in enumerate(root.get("provision", ())):
        if nested["type"] == "permit":
            yield nested, ("provision", "provision", index), root["type"] != "permit"


def _permit_names(element: str) -> ProfileRule:
    def missing(consent: Value) -> Iterator[Steps]:
        for permit, steps, stands_alone in _permits(consent):
            if stands_alone and element not in permit:
                yield (*steps, element)

    return missing


def _permit_actors(consent: Value) -> Iterator[Steps]:
    for permit, steps, _ in _permits(consent):
        for index, actor in enumerate(permit.get("actor", ())):
            if _RECIPIENT not in coding.tokens(actor["role"]):
                yield (*steps, "actor", index, "role")
            if not (_names(actor["reference"], systems.ODS_CODE) or _is_team(actor["reference"])):
                yield (*steps, "actor", index, "reference")


def _permit_categories(consent: Value) -> Iterator[Steps]:
    for permit, steps, _ in _permits(consent):
        for index, concept in enumerate(permit.get("code", ())):
            if not _are_in(coding.tokens(concept), _CATEGORIES):
                yield (*steps, "code", index)


def _permit_purposes(consent: Value) -> Iterator[Steps]:
    for permit, steps, _ in _permits(consent):
        for index, purpose in enumerate(permit.get("purpose", ())):
            if not _are_in((coding.token(purpose),), _PURPOSES):
                yield (*steps, "purpose", index)


def _permit_period(consent: Value) -> Iterator[Steps]:
    for permit, steps, stands_alone in _permits(consent):
        if stands_alone and "start" not in permit.get("period", {}):
            yield (*steps, "period", "start")


def _permit_limits(consent: Value) -> Iterator[Steps]:
    for permit, steps, _ in _permits(consent):
        for element in ("class", "data", "action"):
            if element in permit:
                yield (*steps, element)


def _evidence(consent: Value) -> Iterator[Steps]:
    verified = any(statement.get("verified") is True for statement in consent.get("verification", ()))
    if not verified and "sourceAttachment" not in consent and "sourceReference" not in consent:
        yield ("verification",)


def _performer_known(consent: Value) -> Iterator[Steps]:
    for index, performer in enumerate(consent.get("performer", ())):
        if not (_names(performer, systems.NHS_NUMBER) or _PERSON.fullmatch(performer.get("reference", ""))):
            yield ("performer", index)


def _privacy_scope(consent: Value) -> Iterator[Steps]:
    if _PRIVACY not in coding.tokens(consent["scope"]):
        yield ("scope",)


def _detail_is_a_plan(flag: Value) -> Iterator[Steps]:
    for index, extension in enumerate(flag.get("extension", ())):
        target = extension.get("valueReference", {})
        if not (_PLAN.fullmatch(target.get("reference", "")) and target.get("type", "CarePlan") == "CarePlan"):
            yield ("extension", index, "valueReference")


PROFILE_RULES: dict[str, ProfileRule] = {
    "cradle-patient-1": _a_number_or_a_reason,
    "cradle-request-1": _sent_by_an_organisation,
    "cradle-request-2": _recipients_identified,
    "cradle-flag-1": _detail_is_a_plan,
    "cradle-minimum-1": _minimum_only,
    "cradle-permit-1": _permit_names("actor"),
    "cradle-permit-2": _permit_actors,
    "cradle-permit-3": _permit_names("code"),
    "cradle-permit-4": _permit_categories,
    "cradle-permit-5": _permit_names("purpose"),
    "cradle-permit-6": _permit_purposes,
    "cradle-permit-7": _permit_period,
    "cradle-permit-8": _permit_limits,
    "cradle-permit-9": _evidence,
    "cradle-permit-10": _performer_known,
    "cradle-permit-11": _privacy_scope,
    **invariants_record.RULES,
}


def _is(identifier: Value, system: str) -> bool:
    return identifier.get("system") == system and "value" in identifier


def _names(reference: Value, system: str) -> bool:
    return _is(reference.get("identifier", {}), system)


def _is_team(reference: Value) -> bool:
    target = reference.get("reference", "")
    return bool(_TEAM.fullmatch(target)) or (target.startswith("urn:uuid:") and reference.get("type") == "CareTeam")


def _are_in(tokens: tuple[str | None, ...], value_set: str) -> bool:
    """Whether there are some and each is known: what is unknown must not ride on what is known."""
    return bool(tokens) and _tokens(value_set).issuperset(tokens)


@cache
def _tokens(value_set: str) -> frozenset[str | None]:
    allowed = schema_terminology.codes(value_set) or {}
    return frozenset(f"{system}|{code}" for system, codes in allowed.items() for code in codes)
