"""A synthetic resource on its way into the service: what it says, who records it, and when.

https://hl7.org/fhir/R4/bundle.html#references (resources that refer to each other before they have ids)
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f0e3c0a-5d0b-5d6e-9a3e-1b8f6f2d7c41")


@dataclass(frozen=True, slots=True)
class Entry:
    """`custodian` is the ODS code of the organisation that records it.

    `key` is `urn:uuid:...`. Another entry of the same family refers to it by exactly this text as `Reference.reference`,
    and comes after it.
    """

    resource: dict[str, Any]
    custodian: str
    key: str
    recorded: datetime


def key(*path: object) -> str:
    """The key of what stands at this path, such as ("family", 7, 31, "child", 0). The same path has the same key."""
    return f"urn:uuid:{uuid5(_NAMESPACE, '/'.join(map(str, path)))}"


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a day, in UTC."""
    return datetime.combine(day, time(hour, minute), UTC)


def written(moment: datetime) -> str:
    """FHIR's dateTime of a moment in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
