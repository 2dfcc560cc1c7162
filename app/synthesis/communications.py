"""What one service asks another to tell a family or a colleague, as a CommunicationRequest.

https://hl7.org/fhir/R4/communicationrequest.html
"""

from datetime import datetime
from typing import Any

from app.fhir import systems
from app.synthesis import entry
from app.synthesis.organisations import Organisation
from app.synthesis.people import Person

_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"

WELCOME = "Please tell the family what is on at the hub."
_SEEN = "The child protection flag was seen in an unscheduled care setting."


def family_contact(
    child: Person, sender: Organisation, centre: Organisation, authored: datetime, status: str
) -> dict[str, Any]:
    """Asks a centre to ring a family."""
    request = _request("family-contact", child, sender, [centre.reference()], authored, status, WELCOME)
    return request | {"medium": [{"coding": [{"system": _MODE, "code": "PHONE"}]}]}


def appointment(
    person: Person, sender: Organisation, recipients: list[dict[str, Any]], authored: datetime, status: str, text: str
) -> dict[str, Any]:
    """Asks that these be told of an appointment."""
    return _request("appointment", person, sender, recipients, authored, status, text)


def professional_notice(
    person: Person, sender: Organisation, recipient: Organisation, authored: datetime, status: str, text: str
) -> dict[str, Any]:
    """Tells a colleague in another service something."""
    return _request("professional-notice", person, sender, [recipient.reference()], authored, status, text)


def access_notice(
    person: Person, sender: Organisation, authority: Organisation, authored: datetime, flag_key: str
) -> dict[str, Any]:
    """Told a local authority that a child with a plan was seen in unscheduled care."""
    category = "child-protection-access-notice"
    request = _request(category, person, sender, [authority.reference()], authored, "completed", _SEEN)
    return request | {"priority": "urgent", "about": [{"reference": flag_key}]}


def _request(
    category: str,
    person: Person,
    sender: Organisation,
    recipients: list[dict[str, Any]],
    authored: datetime,
    status: str,
    text: str,
) -> dict[str, Any]:
    return {
        "resourceType": "CommunicationRequest",
        "status": status,
        "category": [{"coding": [{"system": systems.COMMUNICATION_CATEGORY, "code": category}]}],
        "subject": person.reference(),
        "authoredOn": entry.written(authored),
        "requester": sender.reference(),
        "recipient": recipients,
        "sender": sender.reference(),
        "payload": [{"contentString": text}],
    }
