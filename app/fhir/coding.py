"""Coding and CodeableConcept as `system|code` tokens, the form in which codes are compared.

https://hl7.org/fhir/R4/datatypes.html#Coding and https://hl7.org/fhir/R4/search.html#token

A system is compared in its publisher's spelling. A Coding without a system means nothing in particular, so it has no token.
Nothing here raises.
"""

from app.fhir import system_spelling

canonical = system_spelling.canonical


def token(coding: object) -> str | None:
    """`system|code` of a Coding, or None when it lacks either."""
    if not isinstance(coding, dict):
        return None
    system, code = coding.get("system"), coding.get("code")
    if not (isinstance(system, str) and isinstance(code, str) and system and code):
        return None
    return f"{canonical(system)}|{code}"


def tokens(concept: object) -> tuple[str | None, ...]:
    """The token of each Coding of a CodeableConcept: empty when it has no Coding, None for one that cannot be read."""
    return tuple(token(coding) for coding in items(concept.get("coding"))) if isinstance(concept, dict) else ()


def items(value: object) -> tuple[object, ...]:
    """A repeating element as a tuple: absent is empty, and one value that should have been a list is a list of one."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)
