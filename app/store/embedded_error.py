"""Why the embedded PostgreSQL cannot run here, and what mends it."""


class EmbeddedError(RuntimeError):
    """Its text is for the person who started Cradle."""
