"""HL7's invariants, by hand: each a function of the object that it speaks of, true where it holds.

https://hl7.org/fhir/R4/conformance-rules.html#constraints

The words of each are HL7's own and stand in `fhir_profiles/base/`. They run on what has passed the schema, so shapes
and types can be relied upon; an element may still be absent, or have an extension in place of its value.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from app.fhir import invariants_narrative, time

Value = dict[str, Any]
# (the object, the resource it is in)
Invariant = Callable[[Value, Value], bool]

_ABATED = {"resolved", "remission", "inactive"}
_REFERRED = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")
_UCUM = "http://unitsofmeasure.org"


def _any(value: Value, *names: str) -> bool:
    return any(name in value or "_" + name in value for name in names)


def _has(prefix: str, value: Value) -> bool:
    """Whether a choice such as value[x] is there."""
    return any(name.lstrip("_").startswith(prefix) for name in value)


def _not_both(first: str, second: str) -> Invariant:
    return lambda value, _: not (_any(value, first) and _any(value, second))


def _needs(first: str, *others: str) -> Invariant:
    return lambda value, _: not _any(value, first) or _any(value, *others)


def _one_of(*names: str) -> Invariant:
    return lambda value, _: _any(value, *names)


def _exactly_one(first: str, second: str) -> Invariant:
    return lambda value, _: _any(value, first) != _any(value, second)


def _not_at_home(contact: Value, _: Value) -> bool:
    return contact.get("use") != "home"


def _distinct(values: Iterable[Any]) -> bool:
    listed = list(values)
    return len(listed) == len(set(listed))


def in_order(start: str, end: str) -> bool:
    """Whether some moment that `start` may mean comes before some moment that `end` may mean."""
    first, last = time.span(start), time.span(end)
    return first is None or last is None or first.start < last.end


def _period(period: Value, _: Value) -> bool:
    return "start" not in period or "end" not in period or in_order(period["start"], period["end"])


def _contained(resource: Value) -> list[Value]:
    return resource.get("contained", [])  # type: ignore[no-any-return]  # a list by the schema


def _local_reference(reference: Value, resource: Value) -> bool:
    target = reference.get("reference", "")
    if not target.startswith("#") or target == "#":
        return True
    return any(contained.get("id") == target[1:] for contained in _contained(resource))


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
    return not any(_any(part.get("meta", {}), "versionId", "lastUpdated") for part in _contained(resource))


def _no_label(resource: Value, _: Value) -> bool:
    return not any("security" in part.get("meta", {}) for part in _contained(resource))


def _ucum(quantity: Value, _: Value) -> bool:
    return (_any(quantity, "code") or not _any(quantity, "value")) and quantity.get("system", _UCUM) == _UCUM


def _age(age: Value, resource: Value) -> bool:
    return _ucum(age, resource) and age.get("value", 1) > 0


def _count(count: Value, resource: Value) -> bool:
    return _ucum(count, resource) and count.get("code", "1") == "1" and count.get("value", 0) % 1 == 0


def _duration(duration: Value, _: Value) -> bool:
    return not _any(duration, "code") or (duration.get("system") == _UCUM and _any(duration, "value"))


def _range(range: Value, _: Value) -> bool:
    low, high = range.get("low", {}), range.get("high", {})
    comparable = low.get("code") == high.get("code") and low.get("unit") == high.get("unit")
    return not comparable or "value" not in low or "value" not in high or low["value"] <= high["value"]


def _ratio(ratio: Value, _: Value) -> bool:
    both = _any(ratio, "numerator") == _any(ratio, "denominator")
    return both and (_any(ratio, "numerator") or "extension" in ratio)


def _trigger(trigger: Value, _: Value) -> bool:
    match trigger.get("type", ""):
        case "named-event":
            return _any(trigger, "name")
        case "periodic":
            return _has("timing", trigger)
        case type:
            return not type.startswith("data-") or _any(trigger, "data")


def _timing_offset(repeat: Value, _: Value) -> bool:
    return "offset" not in repeat or (bool(repeat.get("when")) and not {"C", "CM", "CD", "CV"} & set(repeat["when"]))


def is_refusal(consent: Value) -> bool:
    return bool(consent.get("provision", {}).get("type") == "deny")


def _policy(consent: Value, _: Value) -> bool:
    """A refusal needs none: a "no" is never lost for want of the policy it departs from."""
    return _any(consent, "policy", "policyRule") or is_refusal(consent)


def _entries(bundle: Value, part: str, *types: str) -> bool:
    return all((part in entry) == (bundle.get("type") in types) for entry in bundle.get("entry", ()))


def _full_urls(bundle: Value, _: Value) -> bool:
    named = [entry for entry in bundle.get("entry", ()) if "fullUrl" in entry]
    versions = ((e["fullUrl"], e.get("resource", {}).get("meta", {}).get("versionId")) for e in named)
    return bundle.get("type") == "history" or _distinct(versions)


def _first_is(bundle: Value, type: str, resource_type: str) -> bool:
    first: Value = next(iter(bundle.get("entry", ())), {})
    return bundle.get("type") != type or first.get("resource", {}).get("resourceType") == resource_type


def _coded_once(observation: Value, _: Value) -> bool:
    def codings(value: Value) -> set[tuple[Any, Any]]:
        return {(c.get("system"), c.get("code")) for c in value.get("code", {}).get("coding", ())}

    own = codings(observation)
    return not _has("value", observation) or not any(own & codings(part) for part in observation.get("component", ()))


def _parameter(parameter: Value, _: Value) -> bool:
    return [_has("value", parameter), "resource" in parameter, "part" in parameter].count(True) == 1


def _task_dates(task: Value, _: Value) -> bool:
    return "authoredOn" not in task or "lastModified" not in task or in_order(task["authoredOn"], task["lastModified"])


def _coded(condition: Value, element: str) -> set[str]:
    """Codes of one of HL7's two code systems for a Condition's state; its value sets have no other."""
    return {coding.get("code", "") for coding in condition.get(element, {}).get("coding", ())}


def _on_behalf_of(participant: Value, _: Value) -> bool:
    """What the reference says of the member's type; where it says nothing (urn:uuid, identifier) that is not known."""
    member = participant.get("member", {})
    named = _REFERRED.search(member.get("reference", ""))
    type = member.get("type") or (named[1] if named else "Practitioner")
    return not _any(participant, "onBehalfOf") or "member" not in participant or type == "Practitioner"


INVARIANTS: dict[str, Invariant] = {
    "age-1": _age,
    "att-1": _needs("data", "contentType"),
    "bdl-1": lambda b, _: not _any(b, "total") or b.get("type") in ("searchset", "history"),
    "bdl-2": lambda b, _: b.get("type") == "searchset" or not any("search" in e for e in b.get("entry", ())),
    "bdl-3": lambda b, _: _entries(b, "request", "batch", "transaction", "history"),
    "bdl-4": lambda b, _: _entries(b, "response", "batch-response", "transaction-response", "history"),
    "bdl-5": _one_of("resource", "request", "response"),
    "bdl-7": _full_urls,
    "bdl-8": lambda entry, _: "/_history/" not in entry.get("fullUrl", ""),
    "bdl-9": lambda b, _: b.get("type") != "document" or {"system", "value"} <= b.get("identifier", {}).keys(),
    "bdl-10": lambda b, _: b.get("type") != "document" or "timestamp" in b,
    "bdl-11": lambda b, _: _first_is(b, "document", "Composition"),
    "bdl-12": lambda b, _: _first_is(b, "message", "MessageHeader"),
    "cnt-3": _count,
    "con-1": _one_of("summary", "assessment"),
    "con-2": _one_of("code", "detail"),
    "con-4": lambda c, _: not _has("abatement", c) or bool(_coded(c, "clinicalStatus") & _ABATED),
    "con-5": lambda c, _: "entered-in-error" not in _coded(c, "verificationStatus") or not _any(c, "clinicalStatus"),
    "ctm-1": _on_behalf_of,
    "cpb-1": _one_of("rest", "messaging", "document"),
    "cpb-2": _one_of("description", "software", "implementation"),
    "cpb-3": lambda c, _: c.get("kind") == "instance" or not any("endpoint" in m for m in c.get("messaging", ())),
    "cpb-7": lambda c, _: _distinct((d.get("profile"), d.get("mode")) for d in c.get("document", ())),
    "cpb-9": lambda rest, _: _distinct(r.get("type") for r in rest.get("resource", ())),
    "cpb-12": lambda r, _: _distinct(p.get("name") for p in r.get("searchParam", ())),
    "cpb-14": lambda c, _: c.get("kind") != "instance" or "implementation" in c,
    "cpb-15": lambda c, _: c.get("kind") != "capability" or ("implementation" not in c and "software" in c),
    "cpb-16": lambda c, _: c.get("kind") != "requirements" or ("implementation" not in c and "software" not in c),
    "cpl-3": _not_both("detail", "reference"),
    "cpt-2": _needs("value", "system"),
    "dis-1": _ucum,
    "dom-2": _flat,
    "dom-3": _referred_to,
    "dom-4": _no_version,
    "dom-5": _no_label,
    "drq-1": _exactly_one("path", "searchParam"),
    "drq-2": _exactly_one("path", "searchParam"),
    "drt-1": _duration,
    "exp-1": _one_of("expression", "reference"),
    "gol-1": lambda target, _: not _has("detail", target) or _any(target, "measure"),
    "grp-1": lambda group, _: "member" not in group or group.get("actual") is True,
    "obs-3": _one_of("low", "high", "text"),
    "obs-6": lambda o, _: not _any(o, "dataAbsentReason") or not _has("value", o),
    "obs-7": _coded_once,
    "org-1": _one_of("identifier", "name"),
    "org-2": _not_at_home,
    "org-3": _not_at_home,
    "pat-1": _one_of("name", "telecom", "address", "organization"),
    "per-1": _period,
    "ppc-1": _policy,
    "prr-1": _needs("orderDetail", "code"),
    "qrs-1": _not_both("answer", "item"),
    "qty-3": _needs("code", "system"),
    "rat-1": _ratio,
    "ref-1": _local_reference,
    "rng-2": _range,
    "sev-1": _not_both("name", "query"),
    "tim-1": _needs("duration", "durationUnit"),
    "tim-2": _needs("period", "periodUnit"),
    "tim-4": lambda repeat, _: repeat.get("duration", 0) >= 0,
    "tim-5": lambda repeat, _: repeat.get("period", 0) >= 0,
    "tim-6": _needs("periodMax", "period"),
    "tim-7": _needs("durationMax", "duration"),
    "tim-8": _needs("countMax", "count"),
    "tim-9": _timing_offset,
    "tim-10": _not_both("timeOfDay", "when"),
    "trd-1": lambda trigger, _: not (_any(trigger, "data") and _has("timing", trigger)),
    "trd-2": _needs("condition", "data"),
    "trd-3": _trigger,
    "txt-1": lambda narrative, _: invariants_narrative.is_safe(narrative.get("div", "")),
    "txt-2": lambda narrative, _: invariants_narrative.has_content(narrative.get("div", "")),
    "Parameters.parameter:inv-1": _parameter,
    "Task:inv-1": _task_dates,
}

# These name a code system called "something", which nobody uses, so they hold always.
NOT_CHECKED = frozenset({"ppc-2", "ppc-3", "ppc-4", "ppc-5"})
