"""A statement compiled once: its text and fixed values, run on asyncpg's connection with whatever differs each time.

https://magicstack.github.io/asyncpg/current/usage.html#prepared-statements

To build a statement with its predicate and to compile it costs more than to run it. What is kept is text and no row or
verdict: the database judges each time, by what it holds then.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql import Executable

from app.policy.authority import Permit
from app.store import guard, predicate_sql

_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
MOST_KEPT = 1024


class Compiled:
    """One statement, whose text the guard has seen. `stand_ins` are values in it that stand for parameters, by name."""

    def __init__(self, statement: Executable, stand_ins: Mapping[object, str] = MappingProxyType({})) -> None:
        compiled: Any = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]  # every statement has it
        self.sql = guard.check(str(compiled))
        assert compiled.positiontup is not None, "asyncpg's parameters are positional"
        fixed = [(name, compiled.params[name]) for name in compiled.positiontup]
        self._parameters = [(_stood_for(value, stand_ins) or name, value) for name, value in fixed]

    async def fetch(self, connection: asyncpg.Connection, **given: Any) -> list[asyncpg.Record]:
        """The rows, with these values for the parameters so named, in the place of those that it was built with."""
        found: list[asyncpg.Record] = await connection.fetch(self.sql, *self.arguments(**given))
        return found

    def arguments(self, **given: Any) -> list[Any]:
        """The values in the order of the text's parameters."""
        return [given.get(name, fixed) for name, fixed in self._parameters]

    async def execute_all(self, connection: asyncpg.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Once for each of these, which give every parameter."""
        await connection.executemany(
            self.sql, [[row.get(name, fixed) for name, fixed in self._parameters] for row in rows]
        )


def _stood_for(value: object, stand_ins: Mapping[object, str]) -> str | None:
    return next((name for stand_in, name in stand_ins.items() if value == stand_in), None)


class Statements:
    """Those that see as one caller may, kept by their reach and by what else their text depends on."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Hashable, ...], Compiled] = OrderedDict()

    async def fetch(
        self,
        connection: asyncpg.Connection,
        permit: Permit,
        *of: Hashable,
        build: Callable[[], Executable],
        **given: Any,
    ) -> list[asyncpg.Record]:
        """The rows as the permit lets see them at its moment. `build` makes the statement where none is kept."""
        key = (permit.reach, *of)
        statement = self._kept.get(key)
        if statement is None:
            statement = self._kept[key] = Compiled(build())
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return await statement.fetch(connection, **{predicate_sql.NOW: permit.now}, **given)
