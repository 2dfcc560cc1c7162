"""The input of an operation, read strictly from a Parameters resource.

https://hl7.org/fhir/R4/parameters.html; https://hl7.org/fhir/R4/operations.html
"""

from collections.abc import Mapping
from typing import Any

from app.fhir.errors import Malformed


def values(resource: Mapping[str, Any], taken: Mapping[str, str]) -> dict[str, Any]:
    """The value of each parameter that was sent. `taken` maps a parameter's name to the member that holds its value,
    such as `valueReference`, or `resource`.

    Raises Malformed for whatever is not taken, twice there, or of another type.
    """
    if resource.get("resourceType") != "Parameters":
        raise Malformed("Send a Parameters resource.", expression="resourceType")
    found: dict[str, Any] = {}
    listed = resource.get("parameter", [])
    if set(resource) - {"resourceType", "id", "meta", "parameter"} or not isinstance(listed, list):
        raise Malformed("A Parameters resource has a list of parameters, and nothing else.", expression="Parameters")
    for index, each in enumerate(listed):
        place = f"Parameters.parameter[{index}]"
        name = each.get("name") if isinstance(each, Mapping) else None
        if not isinstance(name, str) or name not in taken:
            raise Malformed(f"The parameters are {', '.join(taken)}.", expression=f"{place}.name")
        if name in found:
            raise Malformed(f"{name} is given twice.", expression=f"{place}.name")
        if set(each) != {"name", taken[name]}:
            raise Malformed(f"{name} is given as {taken[name]}.", expression=place)
        found[name] = each[taken[name]]
    return found
