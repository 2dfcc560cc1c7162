"""How a string is searched for, as SQL: as it starts, anywhere in it, or as it was given.

https://hl7.org/fhir/R4/search.html#string
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, func

from app.fhir import search_index
from app.store import indexing, tables

_LAST_LETTER = chr(0x10FFFF)


def _starts(c: Any, text: str) -> Any:
    """The range is for the index, which knows the first letters only and orders them by their bytes."""
    start = text[: tables.LONGEST_INDEXED]
    within = and_(_begun(c).bool_op("~>=~")(start), _begun(c).bool_op("~<~")(start + _LAST_LETTER))
    return and_(within, c.value.startswith(text, autoescape=True))


def _contains(c: Any, text: str) -> Any:
    """Whatever contains it has its trigrams, which have an index; a text that is shorter has none."""
    there = c.value.contains(text, autoescape=True)
    trigrams = indexing.trigrams(text)
    return and_(c.trigrams.contains(tables.texts(trigrams)), there) if trigrams else there


def _is(c: Any, text: str) -> Any:
    return and_(_begun(c) == search_index.folded(text)[: tables.LONGEST_INDEXED], c.exact == text)


def _begun(c: Any) -> Any:
    return func.left(c.value, tables.LONGEST_INDEXED)


WAYS: dict[str, Callable[[Any, str], Any]] = {"starts": _starts, "contains": _contains, "exact": _is}
