"""A part of a resource, as `_summary` and `_elements` ask for it, marked as no more than a part.

https://hl7.org/fhir/R4/search.html#summary; https://hl7.org/fhir/R4/search.html#elements

What a resource has to have is kept, and so is what changes the meaning of the rest. Which elements those are, and which are
of the summary, is in HL7's definitions (`fhir_profiles/base/elements.json`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.fhir import coding, json_text
from app.fhir.schema_definitions import FOLDER
from app.fhir.search_criteria import Summary

_IDENTITY = frozenset(("resourceType", "id", "meta"))
_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@dataclass(frozen=True, slots=True)
class Part:
    """What is asked for: a summary of one kind, or these elements (a choice as `value[x]`), or all of it."""

    summary: Summary = "false"
    elements: tuple[str, ...] = ()


WHOLE = Part()


def of(text: str, part: Part) -> str:
    """The text of a resource, or of the part that is asked for."""
    if part == WHOLE:
        return text
    resource = json_text.exact(text)
    type = resource["resourceType"]
    kept = {name: value for name, value in resource.items() if _is_kept(type, name.lstrip("_"), part)}
    return json_text.written_exactly(_marked(kept))


def is_part(resource: Mapping[str, Any]) -> bool:
    """Whether somebody got it as a part of another: what is not in it is not to be taken away."""
    meta = resource.get("meta")
    tags = coding.items(meta.get("tag")) if isinstance(meta, Mapping) else ()
    return coding.token(_SUBSETTED) in [coding.token(tag) for tag in tags]


def _is_kept(type: str, name: str, part: Part) -> bool:
    """`name` is as it stands in JSON: `deceasedBoolean`."""
    if name in _IDENTITY or _is_among(type, name, "kept"):
        return True
    match part.summary:
        case "false":
            return any(_is(name, element) for element in part.elements)
        case "true":
            return _is_among(type, name, "summary")
        case "text":
            return name == "text"
        case _:  # data; of a count there is no resource to show
            return name != "text"


def _is_among(type: str, name: str, kind: str) -> bool:
    return any(_is(name, element) for element in _elements()[type][kind])


def _is(name: str, element: str) -> bool:
    """Whether this is the element, or one form of a choice (`deceased[x]`), which is asked for without its type too."""
    if element.endswith("[x]"):
        return name.startswith(element[:-3]) and name[len(element) - 3 :][:1].isupper()
    return name == element


def _marked(resource: dict[str, Any]) -> dict[str, Any]:
    """So that nobody takes it for the whole and writes it back."""
    meta = resource.get("meta", {})
    marked = meta | {"tag": [*meta.get("tag", ()), _SUBSETTED]}
    return {name: marked if name == "meta" else value for name, value in resource.items()}


@cache
def _elements() -> dict[str, dict[str, list[str]]]:
    return json.loads((FOLDER / "base" / "elements.json").read_text("utf-8"))  # type: ignore[no-any-return]  # our own file
