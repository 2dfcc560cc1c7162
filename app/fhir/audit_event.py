"""An audit row as a FHIR AuditEvent, in the shape of IHE's Basic Audit Log Patterns.

https://profiles.ihe.net/ITI/BALP/; https://hl7.org/fhir/R4/auditevent.html
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from app.fhir import systems

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_NHS_DIGITS = 10
_BALP = "https://profiles.ihe.net/ITI/BALP"
_INTERACTIONS = {  # interaction -> (code of restful-interaction, action, BALP's profile, empty where it has none)
    "read": ("read", "R", "PatientRead"),
    "vread": ("vread", "R", "PatientRead"),
    "search": ("search-type", "E", "PatientQuery"),
    "create": ("create", "C", "PatientCreate"),
    "update": ("update", "U", "PatientUpdate"),
    "patch": ("patch", "U", "PatientUpdate"),
    "delete": ("delete", "D", "PatientDelete"),
    "history": ("history", "R", ""),
    "batch": ("batch", "E", ""),
    "transaction": ("transaction", "E", ""),
}
_OPERATION = ("operation", "E", "")  # whatever else the router's table names; its name is the display


def of(row: Mapping[str, Any], recorded: str) -> dict[str, Any]:
    """The AuditEvent of one row. `recorded` is its moment as an instant."""
    code, action, profile = _INTERACTIONS.get(row["interaction"], _OPERATION)
    is_patterned = row["patient_id"] is not None and profile
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(row["id"]),
        "meta": {"lastUpdated": recorded}
        | ({"profile": [f"{_BALP}/StructureDefinition/IHE.BasicAudit.{profile}"]} if is_patterned else {}),
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
            "display": "Restful Operation",
        },
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": code, "display": row["interaction"]}],
        "action": action,
        "recorded": recorded,
        "outcome": "4" if row["outcome"] == "refused" else "0",
        "outcomeDesc": f"{row['outcome']}: {row['rule']}",
        "agent": list(_agents(row)),
        "source": {
            "observer": {"display": "Cradle"},
            "type": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                    "code": "4",
                    "display": "Application Server",
                }
            ],
        },
        "entity": list(_entities(row)),
    }
    if row["purpose"]:
        system, _, purpose = row["purpose"].rpartition("|")
        event["purposeOfEvent"] = [{"coding": [{"system": system, "code": purpose}]}]
    return event


def _agents(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The client, the service, the organisation and the user; who is behind the request is the requestor.

    What is read goes from the service to the client; a query, and what is written, goes from the client to the service.
    """
    has_user = row["user_id"] is not None
    source, destination = (
        _concept(_DICOM, "110153", "Source Role ID"),
        _concept(_DICOM, "110152", "Destination Role ID"),
    )
    is_read = row["interaction"] in ("read", "vread", "history")
    yield {
        "type": destination if is_read else source,
        "who": {"identifier": {"value": row["client_id"]}},
        "requestor": not has_user,
    }
    yield {
        "type": source if is_read else destination,
        "who": {"display": "Cradle"},
        "requestor": False,
    }
    yield {
        "type": _concept("http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV", "healthcare provider"),
        "who": {
            "type": "Organization",
            "identifier": {"system": systems.ODS_CODE, "value": row["organization"]},
        },
        "requestor": False,
    }
    if has_user:
        yield {
            "type": _concept(systems.PARTICIPATION, "IRCP", "information recipient"),
            **({"role": [_concept(systems.SDS_ROLE, row["user_role"])]} if row["user_role"] else {}),
            "who": {
                "identifier": {"system": _kind_of_id(row["user_id"]), "value": row["user_id"]},
                "display": row["user_name"],
            },
            "requestor": True,
        }


def _kind_of_id(user_id: str) -> str:
    """A parent is known by NHS number, which has ten digits; an SDS user id has twelve."""
    return systems.NHS_NUMBER if len(user_id) == _NHS_DIGITS else systems.SDS_USER_ID


def _entities(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {
        "what": {"identifier": {"value": row["request_id"]}},
        "type": {"system": f"{_BALP}/CodeSystem/BasicAuditEntityType", "code": "XrequestId"},
    }
    if row["patient_id"] is not None:
        yield {
            "what": {"reference": f"Patient/{row['patient_id']}"},
            "type": {"system": _ENTITY_TYPE, "code": "1", "display": "Person"},
            "role": {"system": _OBJECT_ROLE, "code": "1", "display": "Patient"},
        }
    if row["query"] is not None:
        looked_up = row["unscheduled"] is not None
        yield {
            "type": {"system": _ENTITY_TYPE, "code": "2", "display": "System Object"},
            "role": {"system": _OBJECT_ROLE, "code": "24", "display": "Query"},
            "query": base64.b64encode(row["query"].encode() or b"-").decode(),
        } | ({"detail": [_detail("IsUnscheduledAccessEvent", str(row["unscheduled"]).lower())]} if looked_up else {})
    for reference in row["resources"]:
        yield {
            "what": {"reference": reference},
            "type": {"system": _ENTITY_TYPE, "code": "2", "display": "System Object"},
            "role": {"system": _OBJECT_ROLE, "code": "4", "display": "Domain Resource"},
        }


def _detail(type: str, value: str) -> dict[str, str]:
    return {"type": type, "valueString": value}


def _concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}
