"""Security labels: how confidential a resource is, and which sensitivities it touches.

https://hl7.org/fhir/R4/security-labels.html and https://terminology.hl7.org/CodeSystem-v3-Confidentiality.html

Levels are a high-water mark, U < L < M < N < R < V. A permit at a level means that level or lower, a refusal that level
or higher. A resource without a level has that of its data category; a label that we cannot read counts as V.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.fhir import coding, systems

UNRESTRICTED, LOW, MODERATE, NORMAL, RESTRICTED, VERY_RESTRICTED, ABOVE_ALL = range(7)

LEVELS = {
    "U": UNRESTRICTED,
    "L": LOW,
    "M": MODERATE,
    "N": NORMAL,
    "R": RESTRICTED,
    "V": VERY_RESTRICTED,
}
DEFAULTS = {  # of each data category, where the resource itself has no level
    "demographics": NORMAL,
    "contact": NORMAL,
    "live-birth": NORMAL,
    "development": NORMAL,
    "family-circumstances": RESTRICTED,
    "health": RESTRICTED,
    "child-protection": VERY_RESTRICTED,
    "administrative": RESTRICTED,
}
# Codes of v3-ActCode that say how to handle what is disclosed (obligations, refrains, directives), not what it is about.
_HANDLING = frozenset(
    (
        *("ANONY", "AOD", "AUDIT", "AUDTR", "CPLYCD", "CPLYPOL", "DEID", "DELAU", "ENCRYPT", "HUAPRV", "LABEL", "MASK"),
        *("MINEC", "PERSISTLABEL", "PRIVMARK", "PSEUD", "REDACT", "NOAUTH", "NOCOLLECT", "NODSCLCD", "NODSCLCDS"),
        *("NOINTEGRATE", "NOLIST", "NOMOU", "NOORGPOL", "NOPAT", "NOPERSISTP", "NORDSCLCD", "NORDSCLCDS", "NORDSCLW"),
        *("NORELINK", "NOREUSE", "NOVIP", "ORCON", "OPTIN", "OPTINR", "OPTOUT", "OPTOUTE", "EMRGONLY", "INFA"),
    )
)
_HARMLESS = frozenset({f"{systems.ACT_REASON}|HTEST"})  # test data


@dataclass(frozen=True, slots=True)
class Label:
    """A level (0 to 5, or `ABOVE_ALL` for a refusal that names sensitivities only) and the sensitivities beside it."""

    level: int
    sensitivities: frozenset[str] = frozenset()


def of(resource: Mapping[str, object], category: str) -> Label:
    """The label of a resource in a data category: the highest level that it states, or else its category's."""
    meta = resource.get("meta")
    read = _read(meta.get("security") if isinstance(meta, Mapping) else None)
    levels = [*read.levels, VERY_RESTRICTED] if read.unknown else read.levels
    return Label(max(levels, default=DEFAULTS.get(category, VERY_RESTRICTED)), read.sensitivities)


def ceiling(labels: object) -> Label | None:
    """What a permit's securityLabel covers, R where it names none; None when it names only what cannot be read."""
    if labels is None:
        return Label(RESTRICTED)
    read = _read(labels)
    if not read.levels and not read.sensitivities:
        return None
    return Label(max(read.levels, default=RESTRICTED), read.sensitivities)


def floor(labels: object) -> Label:
    """From where a refusal's securityLabel refuses: everything, unless all that it names can be read."""
    read = _read(labels)
    if read.unknown or read.handling or not (read.levels or read.sensitivities):
        return Label(UNRESTRICTED)
    return Label(min(read.levels, default=ABOVE_ALL), read.sensitivities)


@dataclass(frozen=True, slots=True)
class _Read:
    levels: tuple[int, ...]
    sensitivities: frozenset[str]
    handling: bool
    unknown: bool


def _read(labels: object) -> _Read:
    levels: list[int] = []
    sensitivities: set[str] = set()
    handling = unknown = False
    for each in coding.items(labels):
        token = coding.token(each)
        match (token or "|").rsplit("|", 1):
            case [systems.CONFIDENTIALITY, code] if code in LEVELS:
                levels.append(LEVELS[code])
            case [systems.ACT_CODE, code] if code in _HANDLING:
                handling = True
            case [systems.ACT_CODE, code]:
                sensitivities.add(code)
            case [systems.OBSERVATION_VALUE, _]:
                handling = True  # says that the copy is masked or partial
            case _:
                unknown = unknown or token not in _HARMLESS
    return _Read(tuple(levels), frozenset(sensitivities), handling, unknown)
