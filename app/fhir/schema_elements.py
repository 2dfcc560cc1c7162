"""A StructureDefinition in one shape for HL7's and ours: its elements, their types, slicing and constraints.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

CORE = "http://hl7.org/fhir/StructureDefinition/"


class DefinitionError(ValueError):
    """A definition in `fhir_profiles/` that cannot be enforced; raised at start, never for a resource."""


@dataclass(frozen=True, slots=True)
class Type:
    """One `ElementDefinition.type`. `targets` are the resource types a Reference may name; empty means any.

    `profiles` are canonical URLs of StructureDefinitions on this type, `target_profiles` those that are not HL7's.
    """

    code: str
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    target_profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """One invariant: `key` finds its function where there is one, `human` is what the sender is told."""

    key: str
    human: str
    expression: str = ""
    severity: str = "error"


@dataclass(frozen=True, slots=True)
class Slicing:
    """How a list is parted. `discriminators` are (type, path) as in ElementDefinition.slicing.discriminator."""

    discriminators: tuple[tuple[str, str], ...] = ()
    closed: bool = False
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """One ElementDefinition. `min` and `max` are None where a differential leaves them as they are.

    `id` is the path with the slices on the way: `Patient.identifier:nhsNumber.system`. `is_list` is the base's: an element
    stays a list in JSON when a profile allows only one. `value_required` is whether a reason for its absence (an extension in
    place of a primitive's value) will not do.
    """

    id: str
    path: str
    min: int | None = None
    max: str | None = None
    types: tuple[Type, ...] = ()
    content_reference: str | None = None
    slice_name: str | None = None
    slicing: Slicing | None = None
    value_set: str | None = None
    fixed: Any = None
    pattern: Any = None
    max_length: int | None = None
    min_value: int | float | None = None
    max_value: int | float | None = None
    constraints: tuple[Constraint, ...] = ()
    short: str = ""
    is_list: bool = False
    value_required: bool = False

    @property
    def name(self) -> str:
        """The last step of the path, `value[x]` for a choice."""
        return self.path.rpartition(".")[2]

    @property
    def parent(self) -> str:
        """The id of the element around it."""
        return self.id.rpartition(".")[0]

    @property
    def is_choice(self) -> bool:
        return self.path.endswith("[x]")

    def names(self) -> Iterator[tuple[str, Type]]:
        """The JSON names of this element with the type of each: several for a choice."""
        for type in self.types:
            yield ((self.name[:-3] + type.code[0].upper() + type.code[1:] if self.is_choice else self.name), type)


@dataclass(frozen=True, eq=False)
class Structure:
    """A resource or data type with the elements of its snapshot, or of a profile's differential."""

    url: str
    name: str
    type: str
    kind: str
    elements: tuple[Element, ...]
    contexts: tuple[str, ...] = ()

    @cached_property
    def _within(self) -> dict[str, list[Element]]:
        within: dict[str, list[Element]] = {}
        for element in self.elements:
            within.setdefault(element.parent, []).append(element)
        return within

    @cached_property
    def _by_id(self) -> dict[str, Element]:
        return {element.id: element for element in self.elements}

    def children(self, id: str) -> list[Element]:
        """The elements right below one, its slices among them."""
        return self._within.get(id, [])

    def slices(self, element: Element) -> list[Element]:
        """The slices of an element, in the order in which they are defined."""
        return [each for each in self.children(element.parent) if each.slice_name and each.path == element.path]

    def element(self, id: str) -> Element | None:
        return self._by_id.get(id)
