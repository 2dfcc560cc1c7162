"""How a string is searched for, as SQL: as it starts, anywhere in it, or as it was given.

https://hl7.org/fhir/R4/search.html#string
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ARRAY, Text, and_, func, literal_column

from app.fhir import search_index
from app.store import indexing, tables
from app.store.condition import Condition

_LAST_LETTER = chr(0x10FFFF)


def _starts(text: str) -> Condition:
    """The range is for the index, which knows the first letters only and orders them by their bytes."""
    start = text[: tables.LONGEST_INDEXED]
    values = (start, Text()), (start + _LAST_LETTER, Text()), (f"{_escaped(text)}%", Text())
    return Condition("starts", values, _is_within)


def _is_within(c: Any, values: Sequence[Any]) -> Any:
    start, end, pattern = values
    begun = _begun(c)
    return and_(begun.bool_op("~>=~")(start), begun.bool_op("~<~")(end), c.value.like(pattern))


def _contains(text: str) -> Condition:
    """Whatever contains it has its trigrams, which have an index; a text that is shorter has none."""
    pattern = f"%{_escaped(text)}%", Text()
    trigrams = indexing.trigrams(text)
    if not trigrams:
        return Condition("contains few", (pattern,), lambda c, values: c.value.like(values[0]))
    return Condition(
        "contains",
        ((trigrams, ARRAY(Text)), pattern),
        lambda c, values: and_(c.trigrams.contains(values[0]), c.value.like(values[1])),
    )


def _is(text: str) -> Condition:
    start = search_index.folded(text)[: tables.LONGEST_INDEXED]
    return Condition(
        "is",
        ((start, Text()), (text, Text())),
        lambda c, values: and_(_begun(c) == values[0], c.exact == values[1]),
    )


def _begun(c: Any) -> Any:
    """As the index has it: a parameter in the place of the number would not be the same."""
    return func.left(c.value, literal_column(str(tables.LONGEST_INDEXED)))


def _escaped(text: str) -> str:
    """https://www.postgresql.org/docs/current/functions-matching.html#FUNCTIONS-LIKE"""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


WAYS: dict[str, Callable[[str], Condition]] = {"starts": _starts, "contains": _contains, "exact": _is}
