"""A profile's snapshot: the base's elements with the differential applied, each element and slice made explicit.

https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from dataclasses import replace

from app.fhir import schema_definitions, schema_terminology
from app.fhir.schema_elements import CORE, DefinitionError, Element, Structure, Type

_UNLIMITED = 10**9


def applied(base: Structure, differential: Structure) -> Structure:
    """DefinitionError where the differential names an element that is not there, or allows more than the base."""
    snapshot = _Snapshot(base, differential.name)
    for change in differential.elements:
        snapshot.change(change)
    return replace(differential, elements=tuple(snapshot.elements.values()), kind=base.kind)


class _Snapshot:
    """Elements by id. Those of a data type are entered below an element when a differential first speaks of one."""

    def __init__(self, base: Structure, name: str) -> None:
        # HL7's own constraints are held against every resource anyway.
        is_ours = not base.url.startswith(CORE)
        elements = (each if is_ours else replace(each, constraints=()) for each in base.elements)
        self.elements = {element.id: element for element in elements}
        self.name = name

    def change(self, change: Element) -> None:
        element = self.made_explicit(change.id)
        _check_narrower(element, change, f"{self.name}: {change.id}")
        changed = _changed(element, change)
        if change.value_set:
            _check_bound(changed, f"{self.name}: {change.id}")
        self.elements[element.id] = changed

    def made_explicit(self, id: str) -> Element:
        """The element of an id, entered first where it is not there yet."""
        if id in self.elements:
            return self.elements[id]
        parent, _, step = id.rpartition(".")
        if not parent:
            raise DefinitionError(f"{self.name}: {id} is not an element of this type.")
        name, _, slice_name = step.partition(":")
        if slice_name:
            return self._slice(f"{parent}.{name}", slice_name)
        self._open(parent)
        if id in self.elements:
            return self.elements[id]
        for choice in list(self.elements.values()):
            if choice.parent == parent and choice.is_choice and step in dict(choice.names()):
                return self.made_explicit(f"{choice.id}:{step}")
        raise DefinitionError(f"{self.name}: there is no element {id}.")

    def _slice(self, whole_id: str, slice_name: str) -> Element:
        """A slice begins with the types of the whole. What the whole demands is held against each item anyway."""
        whole = self.made_explicit(whole_id)
        if "/" in slice_name:
            raise DefinitionError(f"{self.name}: {whole_id}:{slice_name}: slices of slices are not enforced here.")
        only = tuple(type for name, type in whole.names() if whole.is_choice and name == slice_name)
        slice = Element(
            id=f"{whole_id}:{slice_name}",
            path=whole.path,
            min=0,
            max=whole.max,
            types=only or whole.types,
            content_reference=whole.content_reference,
            slice_name=slice_name,
            is_list=whole.is_list,
        )
        self.elements[slice.id] = slice
        return slice

    def _open(self, id: str) -> None:
        """Enter the elements below an element: those of its data type, or of the part that it is."""
        parent = self.made_explicit(id)
        if any(element.parent == id for element in self.elements.values()):
            return
        whole = id[: id.rindex(":")] if parent.slice_name else ""
        if parent.slice_name and any(element.parent == whole for element in self.elements.values()):
            self._enter(list(self.elements.values()), whole, id)
        elif parent.content_reference:
            root = parent.content_reference.partition(".")[0]
            self.elements[id] = replace(parent, content_reference=None, types=(Type("BackboneElement"),))
            self._enter(schema_definitions.structure(root).elements, parent.content_reference, id)
        elif len(parent.types) == 1:
            code = parent.types[0].code
            try:
                elements = schema_definitions.structure(code).elements
            except KeyError:
                return
            self._enter(elements, code, id)

    def _enter(self, elements: list[Element] | tuple[Element, ...], root: str, id: str) -> None:
        """Below `id`, what stands below `root` among `elements`."""
        for element in elements:
            if element.id.startswith(root + "."):
                moved = id + element.id.removeprefix(root)
                self.elements[moved] = replace(element, id=moved, path=_path(moved), constraints=())


def _path(id: str) -> str:
    """Without the slices on the way."""
    return ".".join(step.partition(":")[0] for step in id.split("."))


def _changed(element: Element, change: Element) -> Element:
    """What a differential says replaces what was; where it demands an element it demands a value, not a reason."""
    return replace(
        element,
        min=element.min if change.min is None else change.min,
        max=change.max or element.max,
        types=_types(element, change),
        slicing=change.slicing or element.slicing,
        value_set=change.value_set or element.value_set,
        fixed=element.fixed if change.fixed is None else change.fixed,
        pattern=element.pattern if change.pattern is None else change.pattern,
        max_length=change.max_length or element.max_length,
        min_value=element.min_value if change.min_value is None else change.min_value,
        max_value=element.max_value if change.max_value is None else change.max_value,
        constraints=element.constraints + change.constraints,
        short=change.short or element.short,
        value_required=element.value_required or bool(change.min),
    )


def _types(element: Element, change: Element) -> tuple[Type, ...]:
    """A Reference whose targets are not repeated keeps them."""
    targets = {type.code: type.targets for type in element.types}
    return (
        tuple(replace(type, targets=type.targets or targets.get(type.code, ())) for type in change.types)
        or element.types
    )


def _check_narrower(element: Element, change: Element, at: str) -> None:
    """A profile narrows. What would allow more than the base is not what is enforced, so it is not accepted."""
    if change.min is not None and change.min < (element.min or 0):
        raise DefinitionError(f"{at}: min is below the base's.")
    if change.max is not None and _most(change.max) > _most(element.max):
        raise DefinitionError(f"{at}: max is above the base's.")
    if change.min is not None and change.min > _most(change.max or element.max):
        raise DefinitionError(f"{at}: min is above max.")
    allowed = {type.code for type in element.types}
    if added := {type.code for type in change.types} - allowed:
        raise DefinitionError(f"{at}: {min(added)} is not among the base's types.")
    for type in change.types:
        for base in element.types:
            if type.code == base.code and base.targets and set(type.targets) - set(base.targets):
                raise DefinitionError(f"{at}: a target is not among the base's.")


def _check_bound(element: Element, at: str) -> None:
    try:
        bound = [schema_terminology.binding(element.value_set or "", type.code) for type in element.types]
    except DefinitionError as error:
        raise DefinitionError(f"{at}: {error}") from error
    if None in bound or not bound:
        raise DefinitionError(f"{at}: a binding to {element.value_set} is not enforced here.")


def _most(max: str | None) -> int:
    return _UNLIMITED if max in (None, "*") else int(max or 0)
