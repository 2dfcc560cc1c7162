"""Ids that carry their bucket: UUIDv8 with 48 bits of milliseconds, 16 of bucket, 58 random.

https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8

Layout: 48 ms | 4 version | 12 high bucket bits | 2 variant | 4 low bucket bits | 58 random. The bucket is what a
distributed database shards by, so `GET Patient/{id}` knows its shard from the id alone.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import UUID

BUCKETS = 1 << 16


def bucket_of(text: str, key: bytes) -> int:
    """The bucket of an identifier: a keyed hash, so that an id tells nothing about the NHS number."""
    return int.from_bytes(hmac.digest(key, text.encode(), hashlib.sha256)[:2], "big")


def keyed(text: str, key: bytes) -> str:
    """A keyed hash of a text that may name somebody, to compare it by."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def any_bucket() -> int:
    """A bucket for what belongs to no person."""
    return secrets.randbelow(BUCKETS)


def new(bucket: int, now: datetime) -> UUID:
    """A fresh id in `bucket`."""
    milliseconds = int(now.timestamp() * 1000)
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 8 << 76
    value |= (bucket >> 4) << 64
    value |= 0b10 << 62
    value |= (bucket & 0xF) << 58
    value |= secrets.randbits(58)
    return UUID(int=value)


def bucket(id: UUID) -> int:
    """The bucket inside an id."""
    return ((id.int >> 64) & 0xFFF) << 4 | (id.int >> 58) & 0xF


def parse(text: str) -> UUID | None:
    """The id in a URL or reference, or None where it cannot be one of ours (which is then simply absent)."""
    try:
        id = UUID(text)
    except ValueError:
        return None
    return id if id.version == 8 and str(id) == text else None
