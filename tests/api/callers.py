"""The systems that call: one of each kind, with a key and a token, over HTTP.

Scopes and purposes are those that such a system would have; `stranger` has every scope and no business with anyone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from httpx import AsyncClient, Response
from joserfc.jwk import ECKey

from app.fhir import systems
from app.policy.access import CareSetting, Kind, User
from app.security import demo_client
from app.security.demo_client import Plausible
from app.store.client import Client
from tests.security.clients import Clock

FHIR_JSON = "application/fhir+json"
TREAT = f"{systems.ACT_REASON}|TREAT"
ETREAT = f"{systems.ACT_REASON}|ETREAT"
OUTREACH = f"{systems.PURPOSE}|early-years-outreach"

Params = Mapping[str, str] | Sequence[tuple[str, str]]
_Said = Plausible

_SEES_PLANS = ("system/Flag.rs", "system/CarePlan.rs", "system/CareTeam.rs")
_KEEPS_RECORDS = (
    *("system/Patient.crus", "system/RelatedPerson.cruds", "system/Consent.cruds"),
    *("system/CommunicationRequest.cruds", "system/Organization.cruds"),
)
_GIVES_CARE = (
    *("system/Encounter.cruds", "system/Observation.cruds", "system/Communication.cruds", "system/Task.cruds"),
    *("system/DocumentReference.cruds", "system/QuestionnaireResponse.cruds", "system/Provenance.cruds"),
    *("system/Practitioner.cruds", "system/PractitionerRole.cruds", "system/Subscription.cruds", "system/Group.cruds"),
)
_COUNCIL = (
    *("system/Flag.cruds", "system/CarePlan.cruds", "system/CareTeam.cruds", "system/Patient.rs"),
    *("system/RelatedPerson.rs", "system/Consent.cruds", "system/CommunicationRequest.rs", "system/Organization.cruds"),
)
_CENTRE = (
    *("system/Patient.rs", "system/RelatedPerson.rs", "system/CareTeam.rs", "system/Consent.cruds"),
    *("system/CommunicationRequest.cruds", "system/Organization.rs"),
)
_FAMILY = ("patient/Patient.rs", "patient/RelatedPerson.rs", "patient/Consent.cruds", "patient/CareTeam.rs")


@cache
def key() -> ECKey:
    """One key for all clients, since making one takes time."""
    made = ECKey.generate_key("P-384")
    made.ensure_kid()
    return made


def registrations() -> list[Client]:
    """Every client, under the organisations of the examples."""
    none, scheduled, unscheduled = CareSetting.NONE, CareSetting.SCHEDULED, CareSetting.UNSCHEDULED
    council, centre = Kind.LOCAL_AUTHORITY, Kind.CHILDRENS_CENTRE
    safeguarding = f"{systems.PURPOSE}|safeguarding"
    return [
        _client("emergency-department", "RX901", _SEES_PLANS, (ETREAT, TREAT), unscheduled, ("B0107",)),
        _client(
            "maternity",
            "RX998",
            (*_KEEPS_RECORDS, *_GIVES_CARE, *_SEES_PLANS),
            (TREAT,),
            unscheduled,
            ("B0107", "B0170"),
        ),
        _client("gp-practice", "Y99999", (*_KEEPS_RECORDS, *_SEES_PLANS), (TREAT,), scheduled, ("B0170",)),
        _client(
            "health-visiting", "RX999", (*_KEEPS_RECORDS, *_GIVES_CARE, *_SEES_PLANS), (TREAT,), scheduled, ("B0170",)
        ),
        _client("school-nursing", "RX997", _SEES_PLANS, (f"{systems.PURPOSE}|school-transition",), none),
        _client("local-authority-a", "LA901", _COUNCIL, (safeguarding,), none, kind=council),
        _client("local-authority-b", "LA902", _COUNCIL, (safeguarding,), none, kind=council),
        _client(
            "childrens-centre",
            "CC901",
            (*_CENTRE, *_GIVES_CARE),
            (OUTREACH, f"{systems.ACT_REASON}|CAREMGT"),
            none,
            kind=centre,
        ),
        _client("childrens-centre-b", "CC902", _CENTRE, (OUTREACH,), none, kind=centre),
        _client("parent-app", "APP91", _FAMILY, (f"{systems.ACT_REASON}|FAMRQT",), none),
        _client("auditor", "AUD91", ("system/AuditEvent.rs",), (f"{systems.PURPOSE}|audit",), none),
        _client("unregistered-purpose", "UNR91", ("system/Patient.rs", *_SEES_PLANS), (), none),
        _client("stranger", "RX909", ("system/*.cruds",), (TREAT,), none, kind=Kind.HEALTH_VISITING),
    ]


def _client(
    client_id: str,
    ods_code: str,
    scopes: tuple[str, ...],
    purposes: tuple[str, ...],
    care_setting: CareSetting,
    activity_codes: tuple[str, ...] = (),
    *,
    kind: Kind | None = None,
) -> Client:
    return Client(
        client_id=client_id,
        name=client_id,
        kind=kind or Kind(client_id),
        ods_code=ods_code,
        organization_name=f"Organisation {ods_code}",
        care_setting=care_setting,
        scopes=scopes,
        purposes=purposes,
        activity_codes=activity_codes,
        jwks=json.dumps({"keys": [key().as_dict(private=False)]}),
    )


@dataclass(frozen=True)
class Caller:
    """Somebody with a token (or, where it is None, without). A URL may be absolute or relative to the FHIR base."""

    http: AsyncClient
    token: str | None = field(repr=False)

    async def send(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await self.http.request(method, url, headers={**authorization, **(headers or {})}, **more)

    async def get(self, url: str, params: Params | None = None, headers: Mapping[str, str] | None = None) -> Response:
        return await self.send("GET", url, params=params, headers=headers)

    async def search_by_post(self, type: str, params: Params, headers: Mapping[str, str] | None = None) -> Response:
        form = params if isinstance(params, Mapping) else _multiple(params)
        return await self.send("POST", f"{type}/_search", data=form, headers=headers)

    async def create(self, resource: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
        return await self.send_text("POST", resource["resourceType"], json.dumps(resource), headers)

    async def update(self, resource: Mapping[str, Any], version: int | str = 1) -> Response:
        """`resource` has its id. `version` is the one that has been seen."""
        url = f"{resource['resourceType']}/{resource['id']}"
        return await self.send_text("PUT", url, json.dumps(resource), {"If-Match": f'W/"{version}"'})

    async def send_text(
        self, method: str, url: str, text: str | bytes, headers: Mapping[str, str] | None = None
    ) -> Response:
        return await self.send(method, url, content=text, headers={"Content-Type": FHIR_JSON, **(headers or {})})


def _multiple(params: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    form: dict[str, list[str]] = {}
    for name, value in params:
        form.setdefault(name, []).append(value)
    return form


class Callers:
    """Every registered client as a caller, by its id."""

    def __init__(self, http: AsyncClient, token_url: str, clock: Clock) -> None:
        self.http, self._token_url, self._clock = http, token_url, clock
        self._clients = {each.client_id: _described(each) for each in registrations()}
        self._known: dict[str, Caller] = {}
        self.nobody = Caller(http, None)

    async def prepare(self) -> None:
        """A token for each."""
        for client_id in self._clients:
            self._known[client_id] = await self.as_said(client_id)

    def __getitem__(self, client_id: str) -> Caller:
        return self._known[client_id]

    def __iter__(self) -> Any:
        return iter(self._known)

    async def as_said(
        self,
        client_id: str,
        *,
        scope: str | None = None,
        purpose: Mapping[str, str] | _Said | None = Plausible.SAID,
        user: User | _Said | None = Plausible.SAID,
        activity_codes: Sequence[str] | _Said | None = Plausible.SAID,
    ) -> Caller:
        """A client whose assertion says something other than usual; None leaves it out."""
        client = self._clients[client_id]
        assertion = demo_client.assertion(
            client, self._token_url, self._clock.now, purpose=purpose, user=user, activity_codes=activity_codes
        )
        answer = await self.http.post(self._token_url, data=demo_client.token_request(client, assertion, scope))
        assert answer.status_code == 200, answer.text
        return Caller(self.http, answer.json()["access_token"])

    async def parent(self, nhs_number: str) -> Caller:
        """The parent app with this person at the screen."""
        return await self.as_said("parent-app", user=User(nhs_number, "Olivia Example", "parent"))


def _described(client: Client) -> dict[str, Any]:
    """As a client's own configuration describes it."""
    purposes = [dict(zip(("system", "code"), each.rsplit("|", 1), strict=True)) for each in client.purposes]
    return {
        "client_id": client.client_id,
        "kind": client.kind.value,
        "ods_code": client.ods_code,
        "scopes": list(client.scopes),
        "purposes": purposes,
        "activity_codes": list(client.activity_codes),
        "jwk": key().as_dict(private=True),
    }
