"""What HL7's invariants are made of: whether elements are there, together or instead of each other, and in order.

https://hl7.org/fhir/R4/conformance-rules.html#constraints

They run on what has passed the schema, so shapes and types can be relied upon; an element may still be absent, or have an
extension in place of its value.
"""

from collections.abc import Callable, Iterable
from typing import Any

from app.fhir import time

Value = dict[str, Any]
# (the object, the resource it is in)
Invariant = Callable[[Value, Value], bool]


def has_any(value: Value, *names: str) -> bool:
    return any(name in value or "_" + name in value for name in names)


def has_choice(prefix: str, value: Value) -> bool:
    """Whether a choice such as value[x] is there."""
    return any(name.lstrip("_").startswith(prefix) for name in value)


def not_both(first: str, second: str) -> Invariant:
    return lambda value, _: not (has_any(value, first) and has_any(value, second))


def needs(first: str, *others: str) -> Invariant:
    return lambda value, _: not has_any(value, first) or has_any(value, *others)


def one_of(*names: str) -> Invariant:
    return lambda value, _: has_any(value, *names)


def exactly_one(first: str, second: str) -> Invariant:
    return lambda value, _: has_any(value, first) != has_any(value, second)


def distinct(values: Iterable[Any]) -> bool:
    listed = list(values)
    return len(listed) == len(set(listed))


def in_order(start: str, end: str) -> bool:
    """Whether some moment that `start` may mean comes before some moment that `end` may mean."""
    first, last = time.span(start), time.span(end)
    return first is None or last is None or first.start < last.end
