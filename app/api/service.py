"""What every interaction is given: the settings, the store, and who checks tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.api.rate_limit import RateLimit
from app.child_protection.lookup import Lookups
from app.security.sealing import Sealer
from app.security.token import Verifier
from app.settings import Settings
from app.store import audited_reading
from app.store.audited_reading import GatheredReads, Read
from app.store.joined import Transactions
from app.store.search import Row


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Service:
    """One running service. `bucket_key` is the installation's secret; `clock` gives the time of each request.

    How fast a client may look children up is apart from how fast it may ask anything else.
    """

    settings: Settings
    database: Transactions
    bucket_key: bytes
    verifier: Verifier
    sealer: Sealer
    lookups: Lookups
    reads: GatheredReads
    rate_limit: RateLimit
    lookup_rate_limit: RateLimit
    clock: Callable[[], datetime] = _now

    async def read(self, asked: Read) -> Row | None:
        """What was found, once it is in the audit; in the transaction of a Bundle, if there is one."""
        if self.database is self.reads.database:
            return await self.reads.read(asked)
        return await audited_reading.within(self.database, asked)
