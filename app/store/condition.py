"""A condition on a row, with its values apart from its text: so that the text of a search is made once for all who ask alike.

https://www.postgresql.org/docs/current/sql-prepare.html
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

from sqlalchemy import bindparam, false, func, literal, not_, or_, true
from sqlalchemy.types import TypeEngine

Value: TypeAlias = tuple[Any, TypeEngine[Any]]


@dataclass(frozen=True, slots=True)
class Condition:
    """`sql` makes it from the columns of a row and an expression for each value; `shape` is all else that its text depends
    on. Two of one shape have the same text."""

    shape: Hashable
    values: tuple[Value, ...]
    sql: Callable[[Any, Sequence[Any]], Any]

    def __call__(self, columns: Any) -> Any:
        """With its own values in it."""
        return self.sql(columns, [literal(value, type) for value, type in self.values])


ANYTHING = Condition("anything", (), lambda c, values: true())


def any_of(conditions: Sequence[Condition]) -> Condition:
    """Of none: never."""
    return Condition(
        ("any of", *(each.shape for each in conditions)),
        tuple(chain.from_iterable(each.values for each in conditions)),
        lambda c, values: or_(false(), *_each(conditions, c, values)),
    )


def negated(condition: Condition) -> Condition:
    return Condition(
        ("not", condition.shape),
        condition.values,
        lambda c, values: not_(func.coalesce(condition.sql(c, values), false())),
    )


def _each(conditions: Iterable[Condition], c: Any, values: Sequence[Any]) -> Iterable[Any]:
    rest = iter(values)
    return [each.sql(c, [next(rest) for _ in each.values]) for each in conditions]


def as_parameters(conditions: Sequence[Condition], columns: Any, name: str = "v") -> list[Any]:
    """The conditions with a parameter in the place of each value: `v0`, `v1` ..."""
    types = [type for each in conditions for _, type in each.values]
    return list(
        _each(conditions, columns, [bindparam(f"{name}{place}", type_=type) for place, type in enumerate(types)])
    )


def given(conditions: Sequence[Condition], name: str = "v") -> dict[str, Any]:
    """The values for those parameters."""
    values = [value for each in conditions for value, _ in each.values]
    return {f"{name}{place}": value for place, value in enumerate(values)}
