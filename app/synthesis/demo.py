"""What a demonstration needs beside the service: clients with keys, and people whose stories can be told.

`clients.json` and `people.json` in `var/demo/` are a contract: documentation, benchmarks and other programs read them.
"""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from app.store import client, identity
from app.store.client import Client
from app.store.database import Database
from app.synthesis import clients, stories
from app.synthesis.clients import DemoClient


async def write(database: Database, folder: Path, key: bytes, today: date) -> None:
    """Register the clients and write both files. Keys that were made before are kept."""
    known = {entry["client_id"]: entry["jwk"] for entry in _read(folder / "clients.json")}
    entries = [_entry(each, known.get(each.client_id) or _new_key()) for each in clients.demo_clients()]
    async with database.transaction() as tx:
        await client.put_all(
            tx, [_registered(each, entry["jwk"]) for each, entry in zip(clients.demo_clients(), entries, strict=True)]
        )
        told = stories.stories(today)
        people = await identity.resolve(tx, {story.nhs_number for story in told}, key)
    _write(folder / "clients.json", entries, mode=0o600)
    _write(
        folder / "people.json",
        [
            {
                "story": story.story,
                "nhs_number": story.nhs_number,
                "patient_id": str(people[story.nhs_number].patient_id),
                **story.notes,
            }
            for story in told
        ],
        mode=0o644,
    )


def _entry(each: DemoClient, jwk: dict[str, Any]) -> dict[str, Any]:
    return {
        "client_id": each.client_id,
        "name": each.name,
        "kind": each.kind.value,
        "ods_code": each.ods_code,
        "scopes": list(each.scopes),
        "purposes": [dict(zip(("system", "code"), purpose.rsplit("|", 1), strict=True)) for purpose in each.purposes],
        "activity_codes": list(each.activity_codes),
        "jwk": jwk,
    }


def _registered(each: DemoClient, jwk: dict[str, Any]) -> Client:
    public = ECKey.import_key(jwk).as_dict(private=False)
    return Client(
        each.client_id,
        each.name,
        each.kind,
        each.ods_code,
        each.organization_name,
        each.care_setting,
        each.scopes,
        each.purposes,
        each.activity_codes,
        json.dumps({"keys": [public]}),
    )


def _new_key() -> dict[str, Any]:
    key = ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"})
    key.ensure_kid()
    return dict(key.as_dict(private=True))


def _read(file: Path) -> list[dict[str, Any]]:
    return json.loads(file.read_text("utf-8")) if file.exists() else []


def _write(file: Path, content: list[dict[str, Any]], *, mode: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as out:
        json.dump(content, out, indent=2)
        out.write("\n")
    fresh.replace(file)
