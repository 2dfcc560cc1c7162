"""The reading of one Consent: its provision and nested provisions as rules that stand on their own.

https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision

Permits narrow, denies broaden: what cannot be read never permits and always refuses, and nothing here raises.

- `status`: only `active` permits. `inactive` and `entered-in-error` say nothing. In a `rejected` Consent the person
  turned down what was proposed, so every rule in it refuses what it names, at every label and for good. Under any other
  status the refusals count, lest a "no" be lost, and the permits do not.
- The root's `type` is required. A root without a readable one refuses, and nothing in that Consent permits; where
  `policyRule` says OPTIN the root says nothing either way, as R4 allows.
- A nested provision keeps its own `type`. A nested permit inherits from a permit root what it omits, and stands on its
  own words under any other root; a refusal inherits nothing. Below the first level permits are not read, refusals are.
- A permit names recipients, purposes, categories and the start of its period, and nothing that we cannot evaluate
  (`class`, `action`, `data`, modifiers). Attributes of a provision are joined by AND, the values of one by OR.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from app.fhir import coding, systems, time
from app.policy import label, purpose
from app.policy.purpose import ANY

_OPT_IN, _OPT_OUT = f"{systems.ACT_CODE}|OPTIN", f"{systems.ACT_CODE}|OPTOUT"
_PRIVACY = "http://terminology.hl7.org/CodeSystem/consentscope|patient-privacy"
_RECIPIENT = f"{systems.PARTICIPATION}|IRCP"
_MODIFIED = frozenset({"modifierExtension", "implicitRules"})
_EVALUATED = frozenset(
    {"id", "extension", "type", "period", "actor", "code", "purpose", "securityLabel", "dataPeriod", "provision"}
)

Provision: TypeAlias = Mapping[str, object]
Teams: TypeAlias = Mapping[str, frozenset[str]]  # `CareTeam/{id}` -> the tokens of its organisations


@dataclass(frozen=True, slots=True)
class Rule:
    """One permit or refusal with nothing left to inherit. `*` on a refusal is everyone or everything."""

    permits: bool
    nested: bool
    actors: tuple[str, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    label: label.Label
    valid: time.Period
    data: time.Period


def rules(consent: Mapping[str, object], teams: Teams) -> tuple[Rule, ...]:
    """The rules that a Consent states. Who states them, and whether they may, is not looked at."""
    status = consent.get("status")
    if status == "inactive" or status == "entered-in-error":
        return ()
    root = consent.get("provision", {})
    if status == "rejected":
        return tuple(_rejection(each, depth, teams) for each, depth in _all(root))
    refusals = tuple(_refusal(each, depth > 0, teams) for each, depth in _all(root) if _refuses(each, depth, consent))
    return refusals + (tuple(_permits(root, teams)) if status == "active" and _can_permit(consent) else ())


def _all(root: object) -> Iterator[tuple[Provision, int]]:
    """Every provision with its depth, the root at 0. What is no object is an empty one, which refuses everything."""
    waiting: list[tuple[object, int]] = [(root, 0)]
    while waiting:
        each, depth = waiting.pop()
        provision: Provision = each if isinstance(each, Mapping) else {}
        yield provision, depth
        waiting.extend((nested, depth + 1) for nested in _nested(provision))


def _nested(provision: Provision) -> tuple[object, ...]:
    if "provision" not in provision:
        return ()
    value = provision["provision"]
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _refuses(provision: Provision, depth: int, consent: Mapping[str, object]) -> bool:
    if depth == 0 and "type" not in provision:
        return not _opts_in(consent)
    return provision.get("type") != "permit"


def _opts_in(consent: Mapping[str, object]) -> bool:
    stated = coding.tokens(consent.get("policyRule"))
    return _OPT_IN in stated and _OPT_OUT not in stated and isinstance(consent.get("provision", {}), Mapping)


def _can_permit(consent: Mapping[str, object]) -> bool:
    return _PRIVACY in coding.tokens(consent.get("scope")) and _MODIFIED.isdisjoint(consent.keys())


def _permits(root: object, teams: Teams) -> Iterator[Rule]:
    if not isinstance(root, Mapping):
        return
    inherited = root if root.get("type") == "permit" else {}
    if inherited and (rule := _permit(root, False, teams)):
        yield rule
    if not inherited and root.get("type") != "deny":
        return
    for nested in _nested(root):
        if not isinstance(nested, Mapping) or nested.get("type") != "permit":
            continue
        if rule := _permit({**inherited, **nested}, True, teams):
            yield rule


def _permit(provision: Provision, nested: bool, teams: Teams) -> Rule | None:
    """The permit, or None where it lacks or adds what would make it wider than the person's words."""
    actors = _known(_actors(provision, teams))
    purposes = _known(_purposes(provision))
    categories = _known(_categories(provision))
    ceiling = label.ceiling(provision.get("securityLabel"))
    valid = time.period(provision.get("period"))
    data = time.period(provision["dataPeriod"]) if "dataPeriod" in provision else time.UNBOUNDED
    evaluated = provision.keys() <= _EVALUATED and None not in provision.values()
    if not (evaluated and actors and purposes and categories and ceiling and valid and valid.start and data):
        return None
    return Rule(True, nested, actors, purposes, categories, ceiling, valid, data)


def _refusal(provision: Provision, nested: bool, teams: Teams) -> Rule:
    return Rule(
        permits=False,
        nested=nested,
        actors=_or_any(_actors(provision, teams)),
        purposes=_or_any(_purposes(provision)),
        categories=_or_any(_categories(provision)),
        label=label.floor(provision.get("securityLabel")),
        valid=time.period(provision.get("period")) or time.UNBOUNDED,
        data=time.period(provision.get("dataPeriod")) or time.UNBOUNDED,
    )


def _rejection(provision: Provision, depth: int, teams: Teams) -> Rule:
    kept = {key: value for key, value in provision.items() if key not in ("period", "securityLabel")}
    return _refusal(kept, depth > 0, teams)


# Each of the three readers below gives a token for what it knows and None for what it does not.


def _actors(provision: Provision, teams: Teams) -> Iterator[str | None]:
    for actor in coding.items(provision.get("actor")):
        yield from _recipients(actor, teams) if isinstance(actor, Mapping) else (None,)


def _recipients(actor: Mapping[str, object], teams: Teams) -> tuple[str | None, ...]:
    if "modifierExtension" in actor or _RECIPIENT not in coding.tokens(actor.get("role")):
        return (None,)
    return _organizations(actor.get("reference"), teams)


def _organizations(reference: object, teams: Teams) -> tuple[str | None, ...]:
    """The organisation that a Reference identifies by its ODS code, or those of the team that it refers to."""
    if not isinstance(reference, Mapping):
        return (None,)
    literal, identifier = reference.get("reference"), reference.get("identifier")
    if isinstance(literal, str) and "CareTeam/" in literal:
        return tuple(teams.get(literal, ())) if identifier is None and teams.get(literal) else (None,)
    if not isinstance(identifier, Mapping) or reference.get("type", "Organization") != "Organization":
        return (None,)
    system, value = identifier.get("system"), identifier.get("value")
    if system != systems.ODS_CODE or not isinstance(value, str) or not (value.isascii() and value.isalnum()):
        return (None,)
    return (f"org|{value.upper()}",)


def _purposes(provision: Provision) -> Iterator[str | None]:
    for each in coding.items(provision.get("purpose")):
        token = coding.token(each)
        yield token if token in purpose.KNOWN else None


def _categories(provision: Provision) -> Iterator[str | None]:
    """A concept is read by its Codings in our system; in two of our categories at once it is in neither for sure."""
    for concept in coding.items(provision.get("code")):
        ours = {
            token.removeprefix(f"{systems.DATA_CATEGORY}|")
            for token in coding.tokens(concept)
            if token and token.startswith(f"{systems.DATA_CATEGORY}|")
        }
        yield ours.pop() if len(ours) == 1 and ours <= label.DEFAULTS.keys() else None


def _known(tokens: Iterator[str | None]) -> tuple[str, ...]:
    return tuple(sorted({token for token in tokens if token is not None}))


def _or_any(tokens: Iterator[str | None]) -> tuple[str, ...]:
    named = set(tokens)
    return (ANY,) if not named or None in named else _known(iter(named))
