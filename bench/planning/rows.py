"""A database of any size to plan searches on: every type and every parameter has values, few of some and many of others.

https://www.postgresql.org/docs/current/populate.html

The rows are made from the SearchParameters and not from resources, which nobody reads here: what counts is how many there
are and how their values are spread.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Index, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from app.fhir import resource_id, search_parameters, systems
from app.fhir.search_index import Indexed, Quantity, folded
from app.fhir.search_parameters import SearchParameter
from app.fhir.time import Period
from app.store import indexing, tables

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = b"a key that only this database has"
ORGANISATIONS, FEW, _BATCH = 100, 8, 10_000
NAMES = ("Example", "Smith", "Patel", "Jones", "Öztürk", "Khan", "O'Neill", "Begum", "Brown", "Nowak")
_META = ("_tag", "_profile", "_security", "_source")
_CONTENT = '{"resourceType":"Basic","text":{"status":"generated","div":"' + "x" * 1000 + '"}}'
_FILLED = (tables.resource, tables.resource_version, *tables.SEARCH, tables.person, tables.consent_grant)
LARGE = frozenset(table.name for table in (tables.resource, tables.resource_version, *tables.SEARCH))


class World:
    """Which resources there are, known before they are made so that they can refer to each other."""

    def __init__(self, size: int) -> None:
        types = [*["Patient"] * 3, *search_parameters.written_types()]
        self.size = size
        self.types = [types[number % len(types)] for number in range(size)]
        self.moments = [NOW - timedelta(seconds=7 * number) for number in range(size)]
        self.ids: list[UUID] = []
        self.people: list[UUID] = []  # whom each is about
        self.of_type: dict[str, list[UUID]] = {type: [] for type in types}
        for number, type in enumerate(self.types):
            patients = self.of_type["Patient"]
            bucket = number * 7919 % resource_id.BUCKETS
            if type != "Patient":
                bucket = resource_id.bucket(patients[number % len(patients)])
            self.ids.append(resource_id.new(bucket, self.moments[number]))
            self.people.append(self.ids[-1] if type == "Patient" else patients[number % len(patients)])
            self.of_type[type].append(self.ids[-1])


async def fill(connection: asyncpg.Connection, world: World) -> None:
    """Into migrated, empty tables. The indexes are made afterwards, which takes a third of the time."""
    indexes = [index for table in _FILLED for index in table.indexes]
    for index in indexes:
        await connection.execute(f"DROP INDEX {index.name}")
    random = Random(4)
    for start in range(0, world.size, _BATCH):
        numbers = range(start, min(start + _BATCH, world.size))
        for table, rows in _rows(world, numbers, random).items():
            await connection.copy_records_to_table(table.name, records=rows, columns=[c.name for c in table.c])
    for index in indexes:
        await connection.execute(_definition(index))
    await connection.execute("VACUUM ANALYZE")


def _definition(index: Index) -> str:
    return str(CreateIndex(index).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


def _rows(world: World, numbers: Sequence[int], random: Random) -> dict[Table, list[tuple[Any, ...]]]:
    found = [(number, _indexed(world, number, random)) for number in numbers]
    versions = [_version(world, number) for number in numbers]
    patients = [number for number in numbers if world.types[number] == "Patient"]
    return {
        tables.resource: [
            _ordered(tables.resource, version | {"tokens": list(indexed.tokens)})
            for version, (_, indexed) in zip(versions, found, strict=True)
        ],
        tables.resource_version: [_ordered(tables.resource_version, version) for version in versions],
        **indexing.rows((world.ids[number], indexed) for number, indexed in found),
        tables.person: [_ordered(tables.person, _person(world.ids[number], number)) for number in patients],
        tables.consent_grant: [
            _ordered(tables.consent_grant, _grant(world.ids[number], number)) for number in patients
        ],
    }


def _ordered(table: Table, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.c)


def _version(world: World, number: int) -> dict[str, Any]:
    type, id = world.types[number], world.ids[number]
    keeper = f"{number % ORGANISATIONS:03}"
    return {
        "id": id,
        "bucket": resource_id.bucket(id),
        "version": 1,
        "type": type,
        "last_updated": world.moments[number],
        "content": _CONTENT,
        "patient_id": world.people[number],
        "custodian": f"RX{keeper}",
        "owners": [f"org|RX{keeper}"],
        "recipients": [f"org|LA{keeper}"] if type == "CommunicationRequest" else [],
        "category": "demographics" if type in ("Patient", "RelatedPerson") else "health",
        "label": 2,
        "sensitivities": [],
        "data_date": world.moments[number],
        "status": "active",
        "kind": "",
        "ended": None,
        "deleted": False,
    }


def _person(id: UUID, number: int) -> dict[str, Any]:
    return {
        "patient_id": id,
        "bucket": resource_id.bucket(id),
        "nhs_numbers": [],
        "birth_date": NOW.date(),
        "restriction": "R" if number % 50 == 0 else "U",
        "bereaved": number % 100 == 0,
        "pregnancy": "",
        "pregnancy_over": None,
        "family": [],
    }


def _grant(id: UUID, number: int) -> dict[str, Any]:
    """A family agreed that one organisation may see who the child is and what services wrote."""
    return {
        "patient_id": id,
        "bucket": resource_id.bucket(id),
        "consent_id": id,
        "performer": "nhs|9000000009",
        "rank": 1,
        "permits": True,
        "actors": [f"org|RX{number // 3 % ORGANISATIONS:03}"],
        "purposes": [f"{systems.ACT_REASON}|TREAT"],
        "categories": ["demographics", "contact", "health"],
        "label": 3,
        "sensitivities": [],
        "valid_from": None,
        "valid_to": None,
        "data_from": None,
        "data_to": None,
    }


def _indexed(world: World, number: int, random: Random) -> Indexed:
    """Half of what it could be found under. A code is one of few; a name, a date or an identifier one of many."""
    tokens = [f"{code}#|v{number % FEW}" for code in _META] + [f"{code}#" for code in _META]
    strings: list[tuple[str, str, str]] = []
    dates: list[tuple[str, Period]] = []
    quantities: list[tuple[str, Quantity]] = []
    for parameter in search_parameters.parameters(world.types[number]).values():
        if random.random() < 0.5:
            continue
        tokens.append(f"{parameter.code}#")
        match parameter.type:
            case "token" | "uri":
                tokens += _codes(parameter, number)
                strings.append((f"{parameter.key}:text", f"word {number % FEW}", f"Word {number % FEW}"))
            case "reference" if not parameter.is_the_person:
                tokens += _references(world, parameter, number)
            case "string":
                name = f"{NAMES[number % len(NAMES)]} {random.randrange(world.size // 4 + 1)}"
                strings.append((parameter.key, folded(name), name))
            case "date":
                begin = NOW - timedelta(days=random.randrange(3000))
                dates.append((parameter.key, Period(begin, begin + timedelta(days=1))))
            case "quantity":
                value = Decimal(random.randrange(world.size))
                quantities.append((parameter.key, Quantity(value, value, "http://unitsofmeasure.org", "kg")))
    return Indexed(tuple(tokens), tuple(strings), tuple(dates), tuple(quantities))


def _codes(parameter: SearchParameter, number: int) -> list[str]:
    value = f"n{number}" if parameter.code == "identifier" else f"v{number % FEW}"
    of_type = [f"identifier:of-type#urn:types|MR|{value}"] if parameter.code == "identifier" else []
    return [f"{parameter.code}#|{value}", f"{parameter.code}#urn:codes|{value}", *of_type]


def _references(world: World, parameter: SearchParameter, number: int) -> list[str]:
    known = [type for type in parameter.targets if world.of_type.get(type)]
    if not known:
        return [f"{parameter.code}#|urn:canonical:{number % FEW}"]
    type = known[number % len(known)]
    others = world.of_type[type]
    return [f"{parameter.code}#{type}/{others[number * 31 % len(others)]}", f"{parameter.code}#|n{number}"]
