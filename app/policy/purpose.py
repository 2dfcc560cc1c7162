"""Purposes of use: which statements about a purpose reach a request for another.

https://terminology.hl7.org/CodeSystem-v3-ActReason.html (PurposeOfUse), beside our own CodeSystem purpose-of-use

A permit reaches downwards only. Whoever agreed to treatment (TREAT) agreed to emergency treatment (ETREAT); whoever
agreed to emergency treatment did not agree to treatment. Breaking the glass (BTG) stands under ETREAT in the hierarchy,
so plain subsumption would make every agreement to treatment a break-glass consent: a permit must name it.

A refusal reaches both ways. Refusing treatment refuses emergency treatment, which is treatment. Refusing emergency
treatment also refuses a request for treatment at large, since what is given for the wider purpose may be used for every
purpose below it. BTG is again apart: as no other purpose may be used for it, refusing it leaves the others as they were.
"""

from dataclasses import dataclass

from app.fhir import systems

ANY = "*"  # on a refusal: whatever the purpose

_BELOW = {
    "TREAT": ("CLINTRL", "COC", "ETREAT", "POPHLTH", "TREATDS"),
    "ETREAT": ("BTG",),
    "HOPERAT": (
        *("CAREMGT", "DONAT", "FRAUD", "GOV", "HACCRED", "HCOMPL", "HDECD", "HDIRECT", "HDM", "HLEGAL", "HOUTCOMS"),
        *("HPRGRP", "HQUALIMP", "HSYSADMIN", "MEMADMIN", "MILCDM", "MLTRAINING", "PATADMIN", "PATSFTY", "PERFMSR"),
        *("RECORDMGT", "SYSDEV", "TRAIN"),
    ),
    "HSYSADMIN": ("LABELING", "METAMGT"),
    "SYSDEV": ("HTEST",),
    "HPAYMT": ("CLMATTCH", "COVAUTH", "COVERAGE", "PMTDS", "REMITADV"),
    "HRESCH": ("BIORCH", "CLINTRCH", "DSRCH", "POARCH", "TRANSRCH"),
    "PATRQT": ("FAMRQT", "PWATRNY", "SUPNWK"),
    "PUBHLTH": ("DISASTER", "THREAT"),
    "HMARKT": (),
}
_OURS = ("early-years-outreach", "safeguarding", "school-transition", "audit")


def _token(code: str) -> str:
    return f"{systems.ACT_REASON}|{code}"


_ABOVE = {_token(code): _token(parent) for parent, codes in _BELOW.items() for code in codes}
_BREAK_GLASS = _token("BTG")

KNOWN = frozenset(
    {_token(code) for code in _BELOW} | _ABOVE.keys() | {f"{systems.PURPOSE}|{code}" for code in _OURS},
)


@dataclass(frozen=True, slots=True)
class Purposes:
    """A request's purpose as the purposes to look for in a statement: those of a permit, and those of a refusal."""

    permit: frozenset[str]
    refuse: frozenset[str]


def asked(purpose: str | None) -> Purposes:
    """What a request for `system|code` is matched by. One without a known purpose meets no permit and every refusal."""
    return Purposes(covering(purpose), refusing(purpose)) if purpose else Purposes(frozenset(), KNOWN | {ANY})


def covering(purpose: str) -> frozenset[str]:
    """The purposes whose permit covers a request for this one: itself and those above it; BTG only itself."""
    if purpose not in KNOWN:
        return frozenset()
    return frozenset({purpose}) if purpose == _BREAK_GLASS else _and_above(purpose)


def refusing(purpose: str) -> frozenset[str]:
    """The purposes whose refusal stops a request for this one: itself, those above and those below, but not BTG."""
    if purpose not in KNOWN:
        return KNOWN | {ANY}
    below = {other for other in KNOWN if purpose in covering(other)}
    return _and_above(purpose) | below | {ANY}


def _and_above(purpose: str) -> frozenset[str]:
    above = {purpose}
    while (parent := _ABOVE.get(purpose)) is not None:
        above.add(purpose := parent)
    return frozenset(above)
