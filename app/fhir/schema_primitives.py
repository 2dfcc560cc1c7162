"""R4's primitive types as JSON Schemas, with what to tell a sender who missed one.

https://hl7.org/fhir/R4/datatypes.html#primitive

The patterns are HL7's, tightened where its text says more than its pattern: no control characters, no blank strings,
only days that exist, whole groups of base64.
"""

from typing import Any

_TEXT = {
    "type": "string",
    "minLength": 1,
    "maxLength": 1024 * 1024,
    "pattern": r"^[\t\n\r\x20-\u{10FFFF}]*[^\s\x00-\x1F][\t\n\r\x20-\u{10FFFF}]*$",
}
_URI = {"type": "string", "pattern": r"^[^\s\x00-\x1F]+$"}
_YEAR = r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_DAY = r"(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_A_REAL_DAY = {"anyOf": [{"maxLength": 7}, {"format": "date"}, {"format": "date-time"}]}
_B64 = r"([0-9A-Za-z+/]\s*)"
_INT = 2**31 - 1


def _of(pattern: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern})$", **more}


SCHEMAS: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": -_INT - 1, "maximum": _INT},
    "positiveInt": {"type": "integer", "minimum": 1, "maximum": _INT},
    "unsignedInt": {"type": "integer", "minimum": 0, "maximum": _INT},
    "decimal": {"type": "number"},
    "string": _TEXT,
    "markdown": _TEXT,
    "xhtml": _TEXT,
    "code": _of(r"[^\s\x00-\x1F]+(\s[^\s\x00-\x1F]+)*"),
    "id": _of(r"[A-Za-z0-9\-.]{1,64}"),
    "uri": _URI,
    "url": _URI,
    "canonical": _URI,
    "oid": _of(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+"),
    "uuid": _of(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "base64Binary": _of(rf"\s*({_B64}{{4}})*({_B64}{{4}}|{_B64}{{2}}(=\s*){{2}}|{_B64}{{3}}=\s*)"),
    "date": _of(f"{_YEAR}(-(0[1-9]|1[0-2])(-{_DAY})?)?", **_A_REAL_DAY),
    "dateTime": _of(f"{_YEAR}(-(0[1-9]|1[0-2])(-{_DAY}(T{_TIME}{_ZONE})?)?)?", **_A_REAL_DAY),
    "instant": _of(f"{_YEAR}-(0[1-9]|1[0-2])-{_DAY}T{_TIME}{_ZONE}", format="date-time"),
    "time": _of(_TIME),
}

EXPLANATIONS = {
    "boolean": "true or false, without quotation marks",
    "integer": "a whole number of at most 32 bits, without quotation marks",
    "positiveInt": "a whole number from 1, without quotation marks",
    "unsignedInt": "a whole number from 0, without quotation marks",
    "decimal": "a number, without quotation marks",
    "string": "text that is not blank and has no control characters",
    "markdown": "text that is not blank and has no control characters",
    "xhtml": "an XHTML div as text",
    "code": "a code: no blanks at either end, none doubled",
    "id": "1 to 64 letters, digits, '-' or '.'",
    "uri": "a URI, which has no blanks",
    "url": "a URL, which has no blanks",
    "canonical": "a canonical URL, which has no blanks",
    "oid": "an OID such as urn:oid:1.2.3",
    "uuid": "a UUID such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520, in small letters",
    "base64Binary": "base64, in whole groups of four characters",
    "date": "a date that exists: YYYY, YYYY-MM or YYYY-MM-DD",
    "dateTime": "a date that exists, or a date with a time of at least seconds and a zone",
    "instant": "a date and time of at least seconds, with a zone",
    "time": "a time: hh:mm:ss, without a zone",
}
