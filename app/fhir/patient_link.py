"""How two Patient records of one person refer to each other, and how that is taken back.

https://hl7.org/fhir/R4/patient-definitions.html#Patient.link
"""

from collections.abc import Mapping
from typing import Any

from app.fhir import systems


def replaced(source: Mapping[str, Any], target_id: str, target_number: str) -> dict[str, Any]:
    """The record that was merged into another: no longer active, and it says by which number it was replaced."""
    identifier = {"system": systems.NHS_NUMBER, "value": target_number}
    link = {"other": {"reference": f"Patient/{target_id}", "identifier": identifier}, "type": "replaced-by"}
    return {**source, "active": False, "link": [*_other_links(source, "replaced-by"), link]}


def replacing(target: Mapping[str, Any], source_id: str) -> dict[str, Any]:
    """The record that stays, which says what it replaces."""
    link = {"other": {"reference": f"Patient/{source_id}"}, "type": "replaces"}
    return {**target, "link": [*_links(target, except_for=source_id), link]}


def restored(source: Mapping[str, Any]) -> dict[str, Any]:
    """The merged record as one of its own again."""
    return _with_links({**source, "active": True}, _other_links(source, "replaced-by"))


def released(target: Mapping[str, Any], source_id: str) -> dict[str, Any]:
    """The record that stayed, without what it no longer replaces."""
    return _with_links(dict(target), _links(target, except_for=source_id))


def is_ended(patient: Mapping[str, Any]) -> bool:
    """Inactive without a successor: an adoption, or a record that was invalidated. Neither is ever linked."""
    types = {link.get("type") for link in patient.get("link", ())}
    return patient.get("active") is False and "replaced-by" not in types


def _links(patient: Mapping[str, Any], *, except_for: str) -> list[Any]:
    return [
        link
        for link in patient.get("link", ())
        if link.get("type") != "replaces" or link.get("other", {}).get("reference") != f"Patient/{except_for}"
    ]


def _other_links(patient: Mapping[str, Any], type: str) -> list[Any]:
    return [link for link in patient.get("link", ()) if link.get("type") != type]


def _with_links(patient: dict[str, Any], links: list[Any]) -> dict[str, Any]:
    patient.pop("link", None)
    return patient | ({"link": links} if links else {})
