"""A protected table as one caller sees it: the only way to read one.

What is hidden is not in the subquery, so whatever is built upon it (totals, pages, sorting, includes) cannot tell.
"""

from typing import Any

from sqlalchemy import Subquery, Table, case, literal, select, true

from app.policy import subtraction
from app.policy.authority import Permit
from app.store import guard, predicate_sql, tables

CONTACT = "contact"


def visible(
    permit: Permit,
    *where: Any,
    types: tuple[str, ...] = (),
    table: Table = tables.resource,
    fan_out: str | None = None,
    deleted: bool = False,
) -> Subquery:
    """The rows of a table that `permit` releases, with `rule` (which authority), `shows_contact` and `shows_location`.

    `where` makes conditions from the alias's columns, beside that it is of one of `types`. Unless one of them names the
    bucket, say why every bucket is asked. What was deleted is there only where `deleted` asks for it too.
    """
    target = predicate_sql.target(table, permit.now)
    columns = target.alias.c
    rules = [(predicate_sql.render(each.releases, target), each.rule) for each in permit.reach.authorities]
    has_contact = not types or any(type in subtraction.CONTACT for type in types)
    location = predicate_sql.render(permit.reach.shows_location, target)
    contact = predicate_sql.render(permit.reach.visible, target.as_part(CONTACT)) if has_contact else true()
    judged = (
        select(
            *columns,
            (case(*rules, else_="") if rules else literal("")).label("rule"),
            contact.label("shows_contact"),
            location.label("shows_location"),
        )
        .select_from(target.source)
        .where(*(condition(columns) for condition in where))
        .prefix_with(guard.VISIBLE)
    )
    if types:
        judged = judged.where(_is_one_of(columns.type, types))
    if not deleted:
        judged = judged.where(columns.deleted.is_(False))
    if fan_out:
        judged = judged.prefix_with(guard.fan_out(fan_out))
    every = judged.subquery()
    return select(every).where(every.c.rule != "").subquery()


def _is_one_of(column: Any, types: tuple[str, ...]) -> Any:
    """One by itself, so that an index on the type and something else is read in the order of the latter."""
    return column == types[0] if len(types) == 1 else column == tables.any_of(sorted(types), column.type)
