"""Who may look a child up, and whether the look is told to the authority: decided on the token and the request alone.

https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3; activity codes B0107, B0170

An unscheduled look needs B0107 and a client in unscheduled care. A silent one needs either code, and the caller has to
say so: without the header IsUnscheduledAccessEvent a look counts as unscheduled.
"""

from dataclasses import dataclass

from app.policy.access import Caller, CareSetting

UNSCHEDULED_CODE, SILENT_CODE = "B0107", "B0170"
HEADER = "IsUnscheduledAccessEvent"


@dataclass(frozen=True, slots=True)
class Look:
    """`unscheduled` looks are written to the access history and told to the authority."""

    unscheduled: bool


@dataclass(frozen=True, slots=True)
class NoLook:
    """`rule` finds its text in `policy.explanation`."""

    rule: str


def takes_part(caller: Caller) -> bool:
    """Whether this client is registered for child-protection information sharing at all."""
    return caller.care_setting is not CareSetting.NONE


def is_unscheduled(header: str | None) -> bool:
    """What the header says. ValueError where it is neither true nor false."""
    match header.strip().lower() if header is not None else None:
        case None | "true":
            return True
        case "false":
            return False
        case _:
            raise ValueError(f"{HEADER} is true or false.")


def look(caller: Caller, *, unscheduled: bool) -> Look | NoLook:
    """Whether this caller may look in this way."""
    if caller.purpose is None:
        return NoLook("purpose_required")
    if caller.user is None:
        return NoLook("user_required")
    if unscheduled and caller.care_setting is not CareSetting.UNSCHEDULED:
        return NoLook("care_setting_required")
    needed = {UNSCHEDULED_CODE} if unscheduled else {UNSCHEDULED_CODE, SILENT_CODE}
    if caller.activity_codes.isdisjoint(needed):
        return NoLook("activity_code_required")
    return Look(unscheduled)
