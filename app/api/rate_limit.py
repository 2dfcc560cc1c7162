"""How fast one client may ask: a bucket of tokens each, filled evenly. An empty one is a 429 with Retry-After.

https://www.rfc-editor.org/rfc/rfc6585#section-4; https://en.wikipedia.org/wiki/Token_bucket

The child-protection lookup has buckets of its own, so that whatever else a client does never stands in its way. They are
those of one process: behind several, a client may do so much at each.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.fhir.errors import TooManyRequests


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second for as long as one likes, and `at_once` after a rest."""

    per_second: float
    at_once: int


class RateLimit:
    """The buckets of all clients. They are as many as there are registered clients."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        if rate.per_second <= 0 or rate.at_once < 1:
            raise ValueError("A client may send at least one request, at a rate above 0.")
        self._rate, self._clock = rate, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when there were so many

    def take(self, client_id: str, requests: int = 1) -> None:
        """So many requests of this client at once: more than are left are lent, and have to be waited for.

        Raises TooManyRequests, which says when to come again.
        """
        now, rate = self._clock(), self._rate
        tokens, at = self._buckets.get(client_id, (float(rate.at_once), now))
        tokens = min(float(rate.at_once), tokens + (now - at) * rate.per_second)
        if tokens < 1:
            self._buckets[client_id] = tokens, now
            raise TooManyRequests(math.ceil((1 - tokens) / rate.per_second))
        self._buckets[client_id] = tokens - requests, now
