"""A protected table as one caller sees it: the only way to read one.

What is hidden is not in the subquery, so whatever is built upon it (totals, pages, sorting, includes) cannot tell.
"""

from typing import Any

from sqlalchemy import Subquery, Table, case, literal, select

from app.policy.authority import Permit
from app.store import guard, predicate_sql, tables
from app.store.predicate_sql import Target

CONTACT = "contact"


def visible(
    permit: Permit, *where: Any, table: Table = tables.resource, fan_out: str | None = None, located: bool = False
) -> Subquery:
    """The rows of a table that `permit` releases, with `rule` (which authority), `shows_contact` and `shows_location`.

    `where` makes conditions from the alias's columns. Unless one of them names the bucket, say why every bucket is asked.
    `located` leaves out whom location is not shown of.
    """
    alias = table.alias()
    target, contacts = Target(alias), Target(alias, category=CONTACT)
    rule = case(*((predicate_sql.render(each.releases, target), each.rule) for each in permit.authorities), else_="")
    statement = select(
        *alias.c,
        (rule if permit.authorities else literal("")).label("rule"),
        predicate_sql.render(permit.visible, contacts).label("shows_contact"),
        predicate_sql.render(permit.shows_location, target).label("shows_location"),
    )
    statement = statement.where(
        predicate_sql.render(permit.visible, target),
        *(condition(alias.c) for condition in where),
    )
    if located:
        statement = statement.where(predicate_sql.render(permit.shows_location, target))
    statement = statement.prefix_with(guard.VISIBLE)
    return (statement.prefix_with(guard.fan_out(fan_out)) if fan_out else statement).subquery()
