"""HL7's own definitions, reduced and committed: of every resource type that is held, every data type, the codes they bind.

https://hl7.org/fhir/R4/profilelist.html

Files are read when a type is first asked for. `fhir_profiles/base/generate.py` makes them.
"""

import json
from functools import cache
from pathlib import Path

from app.fhir import schema_parsing
from app.fhir.schema_elements import Structure

FOLDER = Path(__file__).resolve().parents[2] / "fhir_profiles"
_BASE = FOLDER / "base"


@cache
def structure(type: str) -> Structure:
    """HL7's definition of a resource or complex data type. KeyError where it is not one that is held here."""
    if type in data_types():
        return data_types()[type]
    if type not in known_resources():
        raise KeyError(type)
    return _read(_BASE / f"{type}.json")[0]


@cache
def known_resources() -> frozenset[str]:
    """The resource types whose definitions are held, so which can be validated."""
    return frozenset(path.stem for path in _BASE.glob("[A-Z]*.json"))


@cache
def data_types() -> dict[str, Structure]:
    return {structure.type: structure for structure in _read(_BASE / "data-types.json")}


@cache
def core_extensions() -> tuple[Structure, ...]:
    """HL7's own extensions that are checked wherever they are used."""
    return tuple(_read(_BASE / "extensions.json"))


@cache
def codes() -> dict[str, dict[str, list[str]]]:
    """Value set -> system -> codes, for HL7's required bindings."""
    return json.loads((_BASE / "codes.json").read_text("utf-8"))  # type: ignore[no-any-return]  # our own file


@cache
def resource_types() -> tuple[str, ...]:
    """Every resource type of R4, also those that are not held: a Reference may name any."""
    (names,) = codes()["http://hl7.org/fhir/ValueSet/resource-types"].values()
    return tuple(sorted(names))


def _read(path: Path) -> list[Structure]:
    return [schema_parsing.parsed(structure, "snapshot") for structure in json.loads(path.read_text("utf-8"))]
