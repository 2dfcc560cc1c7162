"""What a link carries for the service itself: sealed, so that it names nobody and cannot be made up or used by others.

https://www.rfc-editor.org/rfc/rfc5297 (AES-SIV: the same text gives the same seal)
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


@dataclass(frozen=True)
class Sealer:
    """`key` is the installation's secret; the sealing key is derived from it."""

    key: bytes

    def seal(self, text: str, holder: str) -> str:
        """A token for URLs that only `holder` can bring back."""
        sealed = self._cipher().encrypt(text.encode(), [holder.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, token: str, holder: str) -> str | None:
        """What was sealed for this holder, or None."""
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            return self._cipher().decrypt(sealed, [holder.encode()]).decode()
        except (ValueError, InvalidTag):
            return None

    def _cipher(self) -> AESSIV:
        return AESSIV(hmac.digest(self.key, b"links", hashlib.sha512))
