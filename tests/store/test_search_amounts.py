"""Quantities against every prefix, with and without a unit, beside what the standard says in plain numbers.

https://hl7.org/fhir/R4/search.html#quantity
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args

import pytest
import pytest_asyncio

from app.fhir.search_criteria import Prefix
from app.store import database as store
from tests.policy import records
from tests.policy.consents import synthetic
from tests.store import drafts
from tests.store.conftest import NewDatabase
from tests.store.drafts import draft, identified
from tests.store.search_world import CALLERS, find

UCUM = "http://unitsofmeasure.org"
Json = dict[str, Any]

# Value, comparator, and the unit's code and name.
WEIGHTS: list[tuple[str, str, str, str]] = [
    ("3", "", "kg", "kilogram"),
    ("3.25", "", "kg", "kilogram"),
    ("3.34", "", "kg", "kilogram"),
    ("3.35", "", "kg", "kilogram"),
    ("3.6", "", "kg", "kilogram"),
    ("3.9", "", "kg", "kilogram"),
    ("4", "<", "kg", "kilogram"),
    ("2", ">", "kg", "kilogram"),
    ("3300", "", "g", "gram"),
    ("-3.3", "", "kg", "kilogram"),
]


@pytest_asyncio.fixture(scope="module")
async def weighed(new_database: NewDatabase) -> store.Database:
    """An Observation of each weight."""
    database = await new_database()
    number = synthetic(61_000)
    plain = records.example("observation-birth-weight") | {"subject": identified(number)}
    await drafts.create(database, draft(drafts.patient(number)))
    made = [plain | {"valueQuantity": _quantity(*each)} for each in WEIGHTS]
    await drafts.create(database, *(draft(each) for each in made))
    return database


def _quantity(value: str, comparator: str, code: str, unit: str) -> Json:
    compared = {"comparator": comparator} if comparator else {}
    return {
        "value": float(value) if "." in value else int(value),
        "unit": unit,
        "system": UCUM,
        "code": code,
    } | compared


def _range(value: str, comparator: str) -> tuple[Decimal, Decimal]:
    low = Decimal("-Infinity") if comparator == "<" else Decimal(value)
    return low, Decimal("Infinity") if comparator == ">" else Decimal(value)


# Of 3.3: whether what lies between `low` and `high` is found.
MEANINGS: dict[Prefix, Callable[[Decimal, Decimal], bool]] = {
    "eq": lambda low, high: Decimal("3.25") <= low and high < Decimal("3.35"),
    "ne": lambda low, high: not (Decimal("3.25") <= low and high < Decimal("3.35")),
    "gt": lambda low, high: high > Decimal("3.3"),
    "lt": lambda low, high: low < Decimal("3.3"),
    "ge": lambda low, high: high >= Decimal("3.3"),
    "le": lambda low, high: low <= Decimal("3.3"),
    "sa": lambda low, high: low > Decimal("3.3"),
    "eb": lambda low, high: high < Decimal("3.3"),
    "ap": lambda low, high: low <= Decimal("3.63") and high >= Decimal("2.97"),
}


@pytest.mark.parametrize("unit", ["", f"|{UCUM}|kg", "||kilogram", "||kg"])
@pytest.mark.parametrize("prefix", get_args(Prefix))
async def test_an_amount_is_found_by_what_it_may_be(weighed: store.Database, prefix: Prefix, unit: str) -> None:
    expected = [
        (value, comparator, code)
        for value, comparator, code, _ in WEIGHTS
        if MEANINGS[prefix](*_range(value, comparator)) and (not unit or code == "kg")
    ]
    page = await find(weighed, CALLERS["health visitor"], "Observation", ("value-quantity", f"{prefix}3.3{unit}"))
    found = [
        (value, comparator, code)
        for value, comparator, code, _ in WEIGHTS
        if any(_says(row.content, value, comparator, code) for row in page.rows)
    ]
    assert found == expected
    assert page.total == len(expected)


def _says(content: str, value: str, comparator: str, code: str) -> bool:
    stated = f'"comparator": "{comparator}"' in content if comparator else '"comparator"' not in content
    return f'"value": {value},' in content and f'"code": "{code}"' in content and stated
