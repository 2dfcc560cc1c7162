"""FHIR JSON as it was sent: read strictly, and given its id and meta without touching another byte.

https://hl7.org/fhir/R4/json.html; https://www.rfc-editor.org/rfc/rfc8259

What two parsers could read differently is refused (a member twice, NaN, half a surrogate pair), as is what FHIR's
strings may not hold. The text is what is stored and served, so 1.10 stays 1.10.
"""

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import simplejson

MOST_LEVELS = 64

_BLANK = re.compile(r"[ \t\n\r]*")
_CONTROL = re.compile(r"(?<!\\)(?:\\\\)*\\(?:[bf]|u00(?:0[0-8bcef]|1[0-9a-f]))", re.IGNORECASE)
_SURROGATE = re.compile(r"\\ud[89a-f]", re.IGNORECASE)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]')


class JSONTextError(ValueError):
    """Text that cannot be read as one FHIR resource. Says where (a character's position), never what stood there."""

    def __init__(self, problem: str, position: int | None = None) -> None:
        super().__init__(problem if position is None else f"{problem} (at character {position})")
        self.position = position


class NotUTF8(JSONTextError):
    """Bytes that are not UTF-8. The position is that of a byte."""


class NotJSON(JSONTextError):
    """Against RFC 8259, or more than FHIR's JSON allows."""


class DuplicateMember(JSONTextError):
    """A name that stands twice in one object: parsers disagree on which counts."""


class TooDeep(JSONTextError):
    """More than 64 levels."""


class NotAnObject(JSONTextError):
    """JSON, but not a resource."""


class _Twice(Exception):
    """Raised inside the parser, which does not say where it is."""


def read(raw: bytes) -> tuple[dict[str, Any], str]:
    """The resource and its text. Raises JSONTextError."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotUTF8("This is not UTF-8.", error.start) from None
    if "\\" in text and (control := _CONTROL.search(text)):
        raise NotJSON("A control character is escaped here; FHIR allows tab, new line and return.", control.start())
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise NotJSON("This is not JSON.", error.pos) from None
    except _Twice:
        raise DuplicateMember("A member is given twice in one object.", _second(text)) from None
    except RecursionError:
        raise TooDeep(f"More than {MOST_LEVELS} levels are nested.") from None
    except ValueError:
        raise NotJSON("A number is too large, or is none.") from None
    if not isinstance(value, dict):
        raise NotAnObject("A resource is a JSON object: { }.", 0)
    _check_depth(value)
    _check_characters(value, text)
    return value, text


def with_identity(text: str, id: str, meta: dict[str, Any]) -> str:
    """A resource's text with this `id` and `meta`, right after `resourceType`; every other member as it was.

    `text` has been read by `read` and has a `resourceType`.
    """
    identity = f'"id":{json.dumps(id)},"meta":{written_exactly(meta)}'
    pieces: list[str] = []
    begin = before = text.index("{") + 1
    for name, start, end in _members(text):
        if name not in ("id", "meta"):
            # What stood before the member goes with it, but for the first one kept there is no comma to bring.
            lead = text[before:start]
            pieces.append(lead if pieces else lead.replace(",", "", 1))
            pieces.append(text[start:end])
            if name == "resourceType":
                pieces.append(f",{identity}")
        before = end
    return text[:begin] + "".join(pieces) + text[before:]


def written(resource: dict[str, Any]) -> str:
    """The text of a resource that was made here."""
    return orjson.dumps(resource).decode()


class Number(Decimal):
    """A number with a point or an exponent, which is written as it was read: 1.10 is not 1.1, nor 1e2 1E+2."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Number":
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


def exact(text: str) -> dict[str, Any]:
    """A resource that is to be written again with something changed: its numbers are `Number`s.

    `text` has been read by `read` before. For what is only looked at, `json.loads` is several times as fast.
    """
    return simplejson.loads(text, parse_float=Number)  # type: ignore[no-any-return]  # an object, since `read` says so


def written_exactly(resource: dict[str, Any]) -> str:
    """The text of a resource that `exact` has read, each number in the digits in which it came."""
    text: str = simplejson.dumps(resource, use_decimal=True, ensure_ascii=False, separators=(",", ":"))
    return text


def indented(resource: dict[str, Any]) -> str:
    """The same for a person to read."""
    text: str = simplejson.dumps(resource, use_decimal=True, ensure_ascii=False, indent=2)
    return text + "\n"


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """The name of each member of the outermost object, where it begins and where its value ends."""
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        name, end = json.decoder.scanstring(text, at + 1)  # type: ignore[attr-defined]  # the C scanner has no stub
        value_at = _skip(text, _skip(text, end) + 1)
        _, value_end = _decoder.scan_once(text, value_at)  # type: ignore[attr-defined]  # likewise
        yield name, at, value_end
        at = _skip(text, value_end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise _Twice
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _no_constant(_: str) -> None:
    raise ValueError


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_constant)


def _check_depth(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(MOST_LEVELS):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise TooDeep(f"More than {MOST_LEVELS} levels are nested.")


def _check_characters(value: dict[str, Any], text: str) -> None:
    """Half a surrogate pair is no character: what holds one cannot be written out again."""
    surrogate = _SURROGATE.search(text) if "\\" in text else None
    if surrogate:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise NotJSON("Half a surrogate pair is escaped, here or further on.", surrogate.start()) from None


def _second(text: str) -> int | None:
    """Where the repeated name stands: read again, slowly, because the parser does not say."""
    names: list[set[str]] = []
    previous: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{" | "[":
                names.append(set())
            case "}" | "]":
                names.pop()
            case ":" if previous:
                name = json.loads(previous[0])
                if name in names[-1]:
                    return previous.start()
                names[-1].add(name)
        previous = token
    return None
