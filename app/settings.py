"""Configuration, read once from `CRADLE_*` variables.

https://docs.pydantic.dev/latest/concepts/pydantic_settings/
"""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

VERSION = "0.1.0"
FHIR_PATH = "/fhir/R4"


class Settings(BaseSettings):
    """`database_url` is `postgresql://...`; without it an embedded PostgreSQL runs under `var`."""

    model_config = SettingsConfigDict(env_prefix="CRADLE_", extra="ignore")

    database_url: str | None = None
    var: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    """How callers reach this service, where that is not http://host:port: `https://cradle.example.nhs.uk`."""

    bucket_key: SecretStr | None = None
    """At least 32 characters, fixed for the life of a database. Without it one is kept under `var`."""

    signing_key: Path | None = None
    """A private JWK (ES256) that signs access tokens. Without it one is kept under `var`."""

    token_seconds: int = 300
    clock_skew_seconds: int = 10
    database_connections: int = 8
    database_seconds: float = 10
    """How long a transaction may take before the caller is told to try again."""

    synthetic_only: bool = True
    """True accepts NHS numbers of the test range (9...) only; False refuses them."""

    gateway_locates_restricted: bool = False
    """Whether the child-protection answer for a person with restricted address names the responsible authority."""

    plan_lookback_months: int = 12
    """How long an ended plan stays visible (London Safeguarding Children Procedures, PG9)."""

    page_size: int = 50
    largest_page: int = 500
    largest_body: int = 1024 * 1024
    largest_bundle: int = 10 * 1024 * 1024
    """Of a batch or transaction, in bytes; each resource in it may still have `largest_body`."""

    most_entries: int = 1000
    """Of a batch or transaction."""
    largest_answer: int = 64 * 1024 * 1024
    """Of a batch or transaction, in bytes: once it has come to that, nothing more is read for it."""

    largest_headers: int = 32 * 1024

    request_seconds: float = 30
    """How long a request may take from its first byte. What is written is no older than this when it is committed."""

    requests_per_second: float = 500
    """How fast one client may ask, for as long as it likes, and how many requests it may send at once after a rest."""

    requests_at_once: int = 1000

    lookups_per_second: float = 2000
    """The same for child-protection lookups, which nothing else that a client does stands in the way of."""

    lookups_at_once: int = 4000

    nhs_strict: bool = False
    """As the NHS's own services: an X-Request-ID with every request, and in a JSON Patch a test before each removal."""

    @property
    def base_url(self) -> str:
        """The service's own URL, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def fhir_base(self) -> str:
        return self.base_url + FHIR_PATH

    @property
    def token_url(self) -> str:
        return self.base_url + "/oauth2/token"
