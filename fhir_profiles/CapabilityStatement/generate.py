"""Prints the CapabilityStatement of what is served now: `make openapi` keeps it beside this file.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

import json

from app.api import router
from app.fhir import capability, systems
from app.settings import VERSION

_BASE = f"{systems.CRADLE}/fhir/R4"


def text() -> str:
    """As the file has it: of an installation at the address of our canonical URLs."""
    statement = capability.statement(_BASE, f"{systems.CRADLE}/oauth2/token", VERSION, router.surface())
    return json.dumps(statement, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
