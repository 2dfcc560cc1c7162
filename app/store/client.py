"""The registry of clients, and the assertions that they have used.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#registering-a-client-communicating-public-keys
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.policy.access import CareSetting, Kind
from app.store.tables import client, used_assertion

_ONE_IN = 64
_LONG = timedelta(hours=1)
_MOST_FORGOTTEN = 1000


@dataclass(frozen=True, slots=True)
class Client:
    """One registration. `purposes` are `system|code`; `jwks` is the text of a JWK Set of public keys."""

    client_id: str
    name: str
    kind: Kind
    ods_code: str
    organization_name: str
    care_setting: CareSetting
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    activity_codes: tuple[str, ...]
    jwks: str = field(repr=False)


async def get(tx: AsyncConnection, client_id: str) -> Client | None:
    """The client registered under this id."""
    columns = [client.c[each.name] for each in fields(Client)]
    row = (await tx.execute(select(*columns).where(client.c.client_id == client_id))).one_or_none()
    return None if row is None else _client(row._mapping)


async def put_all(tx: AsyncConnection, clients: Iterable[Client]) -> None:
    """Register these clients, each in place of one of the same id. The others stay."""
    rows = [{each.name: _column(getattr(one, each.name)) for each in fields(Client)} for one in clients]
    if not rows:
        return
    statement = insert(client)
    changed = {each.name: statement.excluded[each.name] for each in fields(Client) if each.name != "client_id"}
    await tx.execute(statement.on_conflict_do_update(index_elements=["client_id"], set_=changed), rows)


async def remember_assertion(tx: AsyncConnection, client_id: str, jti: str, expires: datetime) -> bool:
    """Note that an assertion was used. False: it had been. `expires` is the moment from which it is refused anyway.

    One that another transaction is noting is waited for, so that of any number at once a single one is told True.
    """
    if secrets.randbelow(_ONE_IN) == 0:
        await _forget(tx, before=expires - _LONG)
    statement = insert(used_assertion).values(client_id=client_id, jti=jti, expires=expires).on_conflict_do_nothing()
    return (await tx.execute(statement.returning(used_assertion.c.jti))).one_or_none() is not None


async def _forget(tx: AsyncConnection, before: datetime) -> None:
    key = (used_assertion.c.client_id, used_assertion.c.jti)
    expired = select(*key).where(used_assertion.c.expires < before).limit(_MOST_FORGOTTEN)
    # Without SKIP LOCKED two that clean at once could wait for each other.
    await tx.execute(delete(used_assertion).where(tuple_(*key).in_(expired.with_for_update(skip_locked=True))))


def _client(row: Any) -> Client:
    return Client(
        client_id=row["client_id"],
        name=row["name"],
        kind=Kind(row["kind"]),
        ods_code=row["ods_code"],
        organization_name=row["organization_name"],
        care_setting=CareSetting(row["care_setting"]),
        scopes=tuple(row["scopes"]),
        purposes=tuple(row["purposes"]),
        activity_codes=tuple(row["activity_codes"]),
        jwks=row["jwks"],
    )


def _column(value: object) -> object:
    match value:
        case tuple():
            return list(value)
        case Kind() | CareSetting():
            return value.value
    return value
