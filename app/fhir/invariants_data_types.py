"""HL7's invariants of data types, by hand: each a function of the object that it speaks of, true where it holds.

https://hl7.org/fhir/R4/datatypes.html

The words and the FHIRPath of each are HL7's own and stand in `fhir_profiles/base/`.
"""

from app.fhir import invariants_narrative
from app.fhir import invariants_predicates as is_so
from app.fhir.invariants_predicates import Invariant, Value

_UCUM = "http://unitsofmeasure.org"


def _period(period: Value, _: Value) -> bool:
    return "start" not in period or "end" not in period or is_so.in_order(period["start"], period["end"])


def _local_reference(reference: Value, resource: Value) -> bool:
    target = reference.get("reference", "")
    if not target.startswith("#") or target == "#":
        return True
    return any(contained.get("id") == target[1:] for contained in resource.get("contained", ()))


def _ucum(quantity: Value, _: Value) -> bool:
    return (is_so.has_any(quantity, "code") or not is_so.has_any(quantity, "value")) and quantity.get(
        "system", _UCUM
    ) == _UCUM


def _age(age: Value, resource: Value) -> bool:
    return _ucum(age, resource) and age.get("value", 1) > 0


def _count(count: Value, resource: Value) -> bool:
    return _ucum(count, resource) and count.get("code", "1") == "1" and count.get("value", 0) % 1 == 0


def _duration(duration: Value, _: Value) -> bool:
    return not is_so.has_any(duration, "code") or (duration.get("system") == _UCUM and is_so.has_any(duration, "value"))


def _range(range: Value, _: Value) -> bool:
    low, high = range.get("low", {}), range.get("high", {})
    comparable = low.get("code") == high.get("code") and low.get("unit") == high.get("unit")
    return not comparable or "value" not in low or "value" not in high or low["value"] <= high["value"]


def _ratio(ratio: Value, _: Value) -> bool:
    both = is_so.has_any(ratio, "numerator") == is_so.has_any(ratio, "denominator")
    return both and (is_so.has_any(ratio, "numerator") or "extension" in ratio)


def _trigger(trigger: Value, _: Value) -> bool:
    match trigger.get("type", ""):
        case "named-event":
            return is_so.has_any(trigger, "name")
        case "periodic":
            return is_so.has_choice("timing", trigger)
        case type:
            return not type.startswith("data-") or is_so.has_any(trigger, "data")


def _timing_offset(repeat: Value, _: Value) -> bool:
    return "offset" not in repeat or (bool(repeat.get("when")) and not {"C", "CM", "CD", "CV"} & set(repeat["when"]))


INVARIANTS: dict[str, Invariant] = {
    "age-1": _age,
    "att-1": is_so.needs("data", "contentType"),
    "cnt-3": _count,
    "cpt-2": is_so.needs("value", "system"),
    "dis-1": _ucum,
    "drq-1": is_so.exactly_one("path", "searchParam"),
    "drq-2": is_so.exactly_one("path", "searchParam"),
    "drt-1": _duration,
    "exp-1": is_so.one_of("expression", "reference"),
    "per-1": _period,
    "qty-3": is_so.needs("code", "system"),
    "rat-1": _ratio,
    "ref-1": _local_reference,
    "rng-2": _range,
    "tim-1": is_so.needs("duration", "durationUnit"),
    "tim-2": is_so.needs("period", "periodUnit"),
    "tim-4": lambda repeat, _: repeat.get("duration", 0) >= 0,
    "tim-5": lambda repeat, _: repeat.get("period", 0) >= 0,
    "tim-6": is_so.needs("periodMax", "period"),
    "tim-7": is_so.needs("durationMax", "duration"),
    "tim-8": is_so.needs("countMax", "count"),
    "tim-9": _timing_offset,
    "tim-10": is_so.not_both("timeOfDay", "when"),
    "trd-1": lambda trigger, _: not (is_so.has_any(trigger, "data") and is_so.has_choice("timing", trigger)),
    "trd-2": is_so.needs("condition", "data"),
    "trd-3": _trigger,
    "txt-1": lambda narrative, _: invariants_narrative.is_safe(narrative.get("div", "")),
    "txt-2": lambda narrative, _: invariants_narrative.has_content(narrative.get("div", "")),
}
