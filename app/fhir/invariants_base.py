"""HL7's invariants of resources, by hand: each a function of the object that it speaks of, true where it holds.

https://hl7.org/fhir/R4/conformance-rules.html#constraints

The words and the FHIRPath of each are HL7's own and stand in `fhir_profiles/base/`. Those of data types are with them here.
"""

import re
from collections.abc import Iterator
from typing import Any

from app.fhir import invariants_data_types
from app.fhir import invariants_predicates as is_so
from app.fhir.invariants_predicates import Invariant, Value

_ABATED = {"resolved", "remission", "inactive"}
_REFERRED = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


def _not_at_home(contact: Value, _: Value) -> bool:
    return contact.get("use") != "home"


def _contained(resource: Value) -> list[Value]:
    return resource.get("contained", [])  # type: ignore[no-any-return]  # a list by the schema


def _referred_to(resource: Value, _: Value) -> bool:
    if not _contained(resource):
        return True
    named = set(_strings(resource))
    return all(f"#{part.get('id')}" in named or "#" in set(_strings(part)) for part in _contained(resource))


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _strings(item)
        case dict():
            for item in value.values():
                yield from _strings(item)


def _flat(resource: Value, _: Value) -> bool:
    return not any("contained" in part for part in _contained(resource))


def _no_version(resource: Value, _: Value) -> bool:
    return not any(is_so.has_any(part.get("meta", {}), "versionId", "lastUpdated") for part in _contained(resource))


def _no_label(resource: Value, _: Value) -> bool:
    return not any("security" in part.get("meta", {}) for part in _contained(resource))


def is_refusal(consent: Value) -> bool:
    return bool(consent.get("provision", {}).get("type") == "deny")


def _policy(consent: Value, _: Value) -> bool:
    """A refusal needs none: a "no" is never lost for want of the policy it departs from."""
    return is_so.has_any(consent, "policy", "policyRule") or is_refusal(consent)


def _entries(bundle: Value, part: str, *types: str) -> bool:
    return all((part in entry) == (bundle.get("type") in types) for entry in bundle.get("entry", ()))


def _full_urls(bundle: Value, _: Value) -> bool:
    named = [entry for entry in bundle.get("entry", ()) if "fullUrl" in entry]
    versions = ((e["fullUrl"], e.get("resource", {}).get("meta", {}).get("versionId")) for e in named)
    return bundle.get("type") == "history" or is_so.distinct(versions)


def _first_is(bundle: Value, type: str, resource_type: str) -> bool:
    first: Value = next(iter(bundle.get("entry", ())), {})
    return bundle.get("type") != type or first.get("resource", {}).get("resourceType") == resource_type


def _coded_once(observation: Value, _: Value) -> bool:
    def codings(value: Value) -> set[tuple[Any, Any]]:
        return {(c.get("system"), c.get("code")) for c in value.get("code", {}).get("coding", ())}

    own = codings(observation)
    return not is_so.has_choice("value", observation) or not any(
        own & codings(part) for part in observation.get("component", ())
    )


def _parameter(parameter: Value, _: Value) -> bool:
    return [is_so.has_choice("value", parameter), "resource" in parameter, "part" in parameter].count(True) == 1


def _task_dates(task: Value, _: Value) -> bool:
    return (
        "authoredOn" not in task
        or "lastModified" not in task
        or is_so.in_order(task["authoredOn"], task["lastModified"])
    )


def _coded(condition: Value, element: str) -> set[str]:
    """Codes of one of HL7's two code systems for a Condition's state; its value sets have no other."""
    return {coding.get("code", "") for coding in condition.get(element, {}).get("coding", ())}


def _on_behalf_of(participant: Value, _: Value) -> bool:
    """What the reference says of the member's type; where it says nothing (urn:uuid, identifier) that is not known."""
    member = participant.get("member", {})
    named = _REFERRED.search(member.get("reference", ""))
    type = member.get("type") or (named[1] if named else "Practitioner")
    return not is_so.has_any(participant, "onBehalfOf") or "member" not in participant or type == "Practitioner"


INVARIANTS: dict[str, Invariant] = {
    "bdl-1": lambda b, _: not is_so.has_any(b, "total") or b.get("type") in ("searchset", "history"),
    "bdl-2": lambda b, _: b.get("type") == "searchset" or not any("search" in e for e in b.get("entry", ())),
    "bdl-3": lambda b, _: _entries(b, "request", "batch", "transaction", "history"),
    "bdl-4": lambda b, _: _entries(b, "response", "batch-response", "transaction-response", "history"),
    "bdl-5": is_so.one_of("resource", "request", "response"),
    "bdl-7": _full_urls,
    "bdl-8": lambda entry, _: "/_history/" not in entry.get("fullUrl", ""),
    "bdl-9": lambda b, _: b.get("type") != "document" or {"system", "value"} <= b.get("identifier", {}).keys(),
    "bdl-10": lambda b, _: b.get("type") != "document" or "timestamp" in b,
    "bdl-11": lambda b, _: _first_is(b, "document", "Composition"),
    "bdl-12": lambda b, _: _first_is(b, "message", "MessageHeader"),
    "con-1": is_so.one_of("summary", "assessment"),
    "con-2": is_so.one_of("code", "detail"),
    "con-4": lambda c, _: not is_so.has_choice("abatement", c) or bool(_coded(c, "clinicalStatus") & _ABATED),
    "con-5": lambda c, _: (
        "entered-in-error" not in _coded(c, "verificationStatus") or not is_so.has_any(c, "clinicalStatus")
    ),
    "ctm-1": _on_behalf_of,
    "cpb-1": is_so.one_of("rest", "messaging", "document"),
    "cpb-2": is_so.one_of("description", "software", "implementation"),
    "cpb-3": lambda c, _: c.get("kind") == "instance" or not any("endpoint" in m for m in c.get("messaging", ())),
    "cpb-7": lambda c, _: is_so.distinct((d.get("profile"), d.get("mode")) for d in c.get("document", ())),
    "cpb-9": lambda rest, _: is_so.distinct(r.get("type") for r in rest.get("resource", ())),
    "cpb-12": lambda r, _: is_so.distinct(p.get("name") for p in r.get("searchParam", ())),
    "cpb-14": lambda c, _: c.get("kind") != "instance" or "implementation" in c,
    "cpb-15": lambda c, _: c.get("kind") != "capability" or ("implementation" not in c and "software" in c),
    "cpb-16": lambda c, _: c.get("kind") != "requirements" or ("implementation" not in c and "software" not in c),
    "cpl-3": is_so.not_both("detail", "reference"),
    "dom-2": _flat,
    "dom-3": _referred_to,
    "dom-4": _no_version,
    "dom-5": _no_label,
    "gol-1": lambda target, _: not is_so.has_choice("detail", target) or is_so.has_any(target, "measure"),
    "grp-1": lambda group, _: "member" not in group or group.get("actual") is True,
    "obs-3": is_so.one_of("low", "high", "text"),
    "obs-6": lambda o, _: not is_so.has_any(o, "dataAbsentReason") or not is_so.has_choice("value", o),
    "obs-7": _coded_once,
    "org-1": is_so.one_of("identifier", "name"),
    "org-2": _not_at_home,
    "org-3": _not_at_home,
    "pat-1": is_so.one_of("name", "telecom", "address", "organization"),
    "ppc-1": _policy,
    "prr-1": is_so.needs("orderDetail", "code"),
    "qrs-1": is_so.not_both("answer", "item"),
    "sev-1": is_so.not_both("name", "query"),
    "Parameters.parameter:inv-1": _parameter,
    "Task:inv-1": _task_dates,
    **invariants_data_types.INVARIANTS,
}

# These name a code system called "something", which nobody uses, so they hold always.
NOT_CHECKED = frozenset({"ppc-2", "ppc-3", "ppc-4", "ppc-5"})
