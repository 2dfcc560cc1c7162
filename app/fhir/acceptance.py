"""What was sent, as it is judged and kept: read strictly, its systems in one spelling, and otherwise to the byte.

https://hl7.org/fhir/R4/json.html

Whatever looks at a resource afterwards (the gate, consents, the index) sees the same spelling as the store does.
"""

from typing import Any

from app.fhir import json_text, system_spelling


def read(raw: bytes) -> tuple[dict[str, Any], str]:
    """The resource and its text. Raises JSONTextError."""
    resource, text = json_text.read(raw)
    normalised = system_spelling.normalised(text)
    return (resource, text) if normalised == text else json_text.read(normalised.encode())
