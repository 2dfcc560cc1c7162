"""The demonstration's clients: one of each kind at least, each with what it needs and no more."""

from app.policy import purpose
from app.policy.access import CareSetting, Kind
from app.security import scope
from app.synthesis import clients, organisations

CLIENTS = {client.client_id: client for client in clients.demo_clients()}


def test_there_is_one_of_every_kind() -> None:
    assert {client.kind for client in CLIENTS.values()} == set(Kind)
    assert len(CLIENTS) == len(clients.demo_clients())


def test_every_scope_is_served() -> None:
    scopes = [text for client in CLIENTS.values() for text in client.scopes]
    assert scopes
    for text in scopes:
        assert scope.written(scope.parse(text)) == text


def test_every_purpose_is_known_and_one_client_has_none() -> None:
    assert [client.client_id for client in CLIENTS.values() if not client.purposes] == ["unregistered-purpose"]
    assert {each for client in CLIENTS.values() for each in client.purposes} <= purpose.KNOWN


def test_every_client_is_of_an_organisation_under_its_own_name() -> None:
    names = {each.ods_code: each.name for each in organisations.every()}
    assert all(names[client.ods_code] == client.organization_name for client in CLIENTS.values())


def test_only_unscheduled_care_may_look_and_be_told_on() -> None:
    looking = {client.client_id for client in CLIENTS.values() if "B0107" in client.activity_codes}
    unscheduled = {each.client_id for each in CLIENTS.values() if each.care_setting is CareSetting.UNSCHEDULED}
    assert looking == unscheduled == {"emergency-department", "maternity"}
    silent = {client.client_id for client in CLIENTS.values() if "B0170" in client.activity_codes}
    assert silent == {"gp-practice", "maternity", "health-visiting", "school-nursing"}


def test_only_authorities_send_plans() -> None:
    may_send = {id for id, client in CLIENTS.items() if _may(client, "Flag", "c")}
    assert may_send == {"local-authority-a", "local-authority-b"}


def test_the_auditor_reads_the_audit_and_nothing_else() -> None:
    assert CLIENTS["auditor"].scopes == ("system/AuditEvent.rs",)
    assert [id for id, client in CLIENTS.items() if _may(client, "AuditEvent", "r")] == ["auditor"]


def test_a_parents_app_acts_for_a_parent_and_sees_no_plan() -> None:
    app = CLIENTS["parent-app"]
    assert all(text.startswith("patient/") for text in app.scopes)
    assert not _may(app, "Flag", "r")


def _may(client: clients.DemoClient, type: str, interaction: str) -> bool:
    return any(scope.parse(text).covers(type, interaction) for text in client.scopes)
