"""What every interaction is given: the settings, the store, and who checks tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.child_protection.lookup import Lookups
from app.security.sealing import Sealer
from app.security.token import Verifier
from app.settings import Settings
from app.store.joined import Transactions


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Service:
    """One running service. `bucket_key` is the installation's secret; `clock` gives the time of each request."""

    settings: Settings
    database: Transactions
    bucket_key: bytes
    verifier: Verifier
    sealer: Sealer
    lookups: Lookups
    clock: Callable[[], datetime] = _now
