"""A create that may be sent again: with the same Idempotency-Key it is answered again, and done once.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import re

from starlette.responses import Response

from app.api import read, responses, submission
from app.api.requests import Asked
from app.api.service import Service
from app.fhir.errors import InvalidValue
from app.policy.authority import Permit
from app.store import audit, database, idempotency, reading
from app.store.database import Transaction
from app.store.idempotency import Claim

HEADER = "Idempotency-Key"
_KEY = re.compile(r'"?([!#-~]{1,128})"?')


def claim(service: Service, asked: Asked, raw: bytes) -> Claim | None:
    """What the header claims, where there is one, for this URL, condition and body. Raises InvalidValue."""
    sent = asked.request.headers.get(HEADER)
    if sent is None:
        return None
    match = _KEY.fullmatch(sent)
    if match is None:
        raise InvalidValue(f"{HEADER} is 1 to 128 visible characters; a UUID is best.")
    condition = asked.request.headers.get("if-none-exist", "")
    request = f"{asked.request.url.path}\n{condition}\n{raw.decode()}"
    return idempotency.claim(asked.caller.client_id, match[1], request, service.bucket_key)


async def answered(
    service: Service, asked: Asked, tx: Transaction, may_see: Permit, type: str, claimed: Claim
) -> Response | None:
    """The answer once more, as far as the caller may see today what was created; None where this is the first time."""
    id = await idempotency.created(tx, claimed, asked.now)
    if id is None:
        return None
    row = await reading.vread(await database.driver(tx), may_see, type, id, 1)
    await audit.record(tx, [read.entry(asked, "create", type, id, row)])
    if row:
        return submission.written(service, asked, row, 201, responses.shown(row))
    return responses.fhir(
        "", 201, {"location": f"{service.settings.fhir_base}/{type}/{id}/_history/1", "etag": 'W/"1"'}
    )
