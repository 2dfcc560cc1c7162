"""What it costs to look whether a resource is valid: CPU time of the gate, beside reading its text and fhir.resources.

    PYTHONPATH=. .venv/bin/python bench/gate.py

The aim is less than 0.2 ms for a Consent. Each example is read from its text as it would come, many times over.
"""

import json
import time
from collections.abc import Callable

from app.fhir import acceptance, models, validation
from app.fhir.schema_definitions import FOLDER

AIM = 200.0  # microseconds
_TIMES = 1000


def main() -> None:
    """A table, and whether every Consent is within the aim."""
    validation.prepare()
    print("microseconds of CPU                                          read   gate   fhir.resources")
    slowest = 0.0
    for path in sorted((FOLDER / "examples").glob("*.json")):
        raw = path.read_bytes()
        resource = json.loads(raw)
        gate = _microseconds(lambda resource=resource: validation.faults(resource))  # type: ignore[misc]  # bound at once
        read = _microseconds(lambda raw=raw: acceptance.read(raw))  # type: ignore[misc]  # likewise
        other = _microseconds(lambda resource=resource: models.faults(resource), 50)  # type: ignore[misc]  # likewise
        print(f"{path.stem:58} {read:6.0f} {gate:6.0f} {other:8.0f}")
        if resource["resourceType"] == "Consent":
            slowest = max(slowest, gate)
    print(f"The slowest Consent: {slowest:.0f} of at most {AIM:.0f} microseconds.")
    if slowest > AIM:
        raise SystemExit(1)


def _microseconds(call: Callable[[], object], times: int = _TIMES) -> float:
    call()
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times * 1e6


if __name__ == "__main__":
    main()
