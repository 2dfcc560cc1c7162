"""Take HL7's R4 4.0.1 search parameters of the types that are served, and write them beside this file.

https://hl7.org/fhir/R4/searchparameter-registry.html; licence CC0.

    npm pack hl7.fhir.r4.examples@4.0.1 && tar xzf hl7.fhir.r4.examples-4.0.1.tgz
    python fhir_profiles/SearchParameter/generate.py package

Each keeps HL7's own URL and description; of a parameter of several types the part for one is taken. Our own parameters
are in `Cradle.json`. What is left out, and why, is printed as the table that docs/api/search.md has.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TYPES = (
    *("Patient", "RelatedPerson", "Organization", "Practitioner", "PractitionerRole", "Consent"),
    *("CommunicationRequest", "Communication", "Flag", "CarePlan", "CareTeam", "Encounter"),
    *("Observation", "Task", "DocumentReference", "QuestionnaireResponse", "Provenance", "Subscription", "Group"),
)

# The audit has a table of its own, which is asked by these.
OF_THE_AUDIT = ("patient", "date")

# A Consent's exceptions name whom they are about too.
ALSO = {("Consent", "actor"): "Consent.provision.provision.actor.reference"}

NO_PROFILE = "of an extension that no profile here has"
LEFT_OUT = {
    ("Patient", "age"): NO_PROFILE,
    ("Patient", "birthOrderBoolean"): NO_PROFILE,
    ("Patient", "mothersMaidenName"): NO_PROFILE,
    ("Observation", "amino-acid-change"): NO_PROFILE,
    ("Observation", "dna-variant"): NO_PROFILE,
    ("Observation", "gene-amino-acid-change"): NO_PROFILE,
    ("Observation", "gene-dnavariant"): NO_PROFILE,
    ("Observation", "gene-identifier"): NO_PROFILE,
    ("QuestionnaireResponse", "item-subject"): NO_PROFILE,
}
LONGEST_LIST_OF_TARGETS = 100  # a longer one is every type, which is said by leaving the list out
THE_PERSON = ("patient", "subject")  # always a Patient here

Json = dict[str, Any]


def main(package: Path, target: Path) -> None:
    """Write a Bundle for each type, and print what is left out."""
    registry = list(_registry(package))
    for type in (*TYPES, "AuditEvent"):
        kept, left_out = [], {}
        for definition in registry:
            if type in definition["base"]:
                if reason := _left_out(type, definition):
                    left_out.setdefault(reason, []).append(definition["code"])
                else:
                    kept.append({"resource": _reduced(type, definition)})
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": kept}
        text = json.dumps(bundle, indent=2, ensure_ascii=False)
        (target / f"{type}.json").write_text(text + "\n", "utf-8")
        for reason, codes in sorted(left_out.items()):
            print(f"| {type} | {', '.join(f'`{code}`' for code in codes)} | {reason} |")


def _registry(package: Path) -> Iterator[Json]:
    for path in sorted(package.glob("SearchParameter-*.json")):
        definition = json.loads(path.read_text("utf-8"))
        if definition.get("version") == "4.0.1" and "base" in definition:
            yield definition


def _left_out(type: str, definition: Json) -> str | None:
    code = definition["code"]
    if type == "AuditEvent":
        return None if code in OF_THE_AUDIT else "the audit has a table of its own, which is asked by person and date"
    if (type, code) in LEFT_OUT:
        return LEFT_OUT[type, code]
    if definition["type"] == "composite":
        return "composite: ask for both values, each in its own parameter"
    if code == "phonetic":
        return "no rule says how it sounds; `name:contains` finds parts of names"
    served = {*TYPES, "Questionnaire"} & set(definition.get("target", ()))
    if definition["type"] == "reference" and not served:
        return "refers only to types that are not served"
    return None


def _reduced(type: str, definition: Json) -> Json:
    kept: Json = {
        "resourceType": "SearchParameter",
        "id": f"{type}-{definition['code']}",
        "url": definition["url"],
        "name": definition["name"],
        "status": "active",
        "description": _description(type, definition["description"]),
        "code": definition["code"],
        "base": [type],
        "type": definition["type"],
        "expression": _expression(type, definition),
    }
    targets = ["Patient"] if definition["code"] in THE_PERSON else definition.get("target", [])
    return kept | ({"target": sorted(targets)} if 0 < len(targets) < LONGEST_LIST_OF_TARGETS else {})


def _description(type: str, text: str) -> str:
    """Of a text about several types, the line for this one."""
    line = re.search(rf"\* \[{type}\]\([^)]*\): ([^\r\n]+)", text)
    return " ".join((line[1] if line else text).split())


def _expression(type: str, definition: Json) -> str:
    """Its alternatives for this type. A series of samples (SampledData) has no one value to compare."""
    alternatives = [each.strip() for each in definition["expression"].split("|")]
    own = [each for each in alternatives if re.match(rf"\(?{type}\b", each) and "SampledData" not in each]
    also = [ALSO[type, definition["code"]]] if (type, definition["code"]) in ALSO else []
    return " | ".join([*own, *also])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(__file__).parent)
