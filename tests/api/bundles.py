"""Batches and transactions, as tests write and read them."""

from collections.abc import Mapping
from typing import Any

from httpx import Response

from tests.api.callers import FHIR_JSON, Caller

Resource = dict[str, Any]


def entry(
    method: str, url: str, resource: Mapping[str, Any] | None = None, full_url: str | None = None, **of_request: str
) -> Resource:
    """One entry; `of_request` is `ifMatch` and its like."""
    found: Resource = {"fullUrl": full_url} if full_url else {}
    if resource is not None:
        found["resource"] = dict(resource)
    return found | {"request": {"method": method, "url": url, **of_request}}


def create(resource: Mapping[str, Any], full_url: str | None = None, **of_request: str) -> Resource:
    return entry("POST", resource["resourceType"], resource, full_url, **of_request)


def bundle(type: str, *entries: Mapping[str, Any]) -> Resource:
    return {"resourceType": "Bundle", "type": type} | ({"entry": list(entries)} if entries else {})


async def send(
    caller: Caller, type: str, *entries: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """To [base]."""
    said = {"Content-Type": FHIR_JSON, **(headers or {})}
    return await caller.send("POST", "", json=bundle(type, *entries), headers=said)


def answers(response: Response) -> list[Resource]:
    """The entries of an answer."""
    assert response.status_code == 200, response.text
    assert response.json()["type"] in ("batch-response", "transaction-response")
    found: list[Resource] = response.json().get("entry", [])
    return found


def statuses(response: Response) -> list[int]:
    return [int(each["response"]["status"][:3]) for each in answers(response)]
