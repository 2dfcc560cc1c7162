"""fhir.resources, as a second reader of what callers write: what it cannot read, many of their clients could not.

https://github.com/nazrulworld/fhir.resources (R4B 4.3.0, which has the elements of R4 4.0.1 that are used here)

The gate is `validation`; this only says no where the gate said yes. It is not on the path of a read, nor of bulk loads.
"""

from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from app.fhir import schema_shape
from app.fhir.fault import Fault


def faults(resource: dict[str, Any]) -> list[Fault]:
    """What the model of its type cannot read. The resource has passed the gate."""
    type = str(resource["resourceType"])
    try:
        get_fhir_model_class(type).model_validate(resource)
    except ValidationError as error:
        return [_fault(type, each["loc"]) for each in error.errors(include_input=False, include_url=False)]
    return []


def _fault(type: str, place: tuple[int | str, ...]) -> Fault:
    """Where, without the model's own words, which may repeat a value."""
    return Fault(
        schema_shape.expression(type, place), "structure", "The typed model of this resource cannot read this."
    )
