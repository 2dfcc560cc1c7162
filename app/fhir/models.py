"""fhir.resources, as a second reader of a resource: what it cannot read, many clients could not.

https://github.com/nazrulworld/fhir.resources (R4B 4.3.0, which has the elements of R4 4.0.1 that are used here)

The gate is `validation`. This is asked by `$validate`, whose caller wants to hear everything, and by the tests, which hold
that it never says no where the gate says yes. A write does not wait for it.
"""

from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from app.fhir import schema_shape
from app.fhir.fault import Fault


def faults(resource: dict[str, Any]) -> list[Fault]:
    """What the model of its type cannot read, as warnings. The resource has passed the gate."""
    type = str(resource["resourceType"])
    try:
        get_fhir_model_class(type).model_validate(resource)
    except ValidationError as error:
        return [_fault(type, each["loc"]) for each in error.errors(include_input=False, include_url=False)]
    return []


def _fault(type: str, place: tuple[int | str, ...]) -> Fault:
    """Where, without the model's own words, which may repeat a value."""
    say = "The typed model of this resource (fhir.resources) cannot read this: some clients will not either."
    return Fault(schema_shape.expression(type, place), "structure", say, "warning")
