"""transaction: all of it comes about, or none.

https://hl7.org/fhir/R4/http.html#trules
"""

from tests.api import bundles, examples
from tests.api.callers import Callers

PATIENT, MOTHER = "urn:uuid:9d8a3c1e-0000-4000-8000-000000000001", "urn:uuid:9d8a3c1e-0000-4000-8000-000000000002"


async def test_what_refers_to_what_is_not_there_yet_is_created_with_it(as_: Callers) -> None:
    numbers = {old: examples.new_number() for old in (examples.CHILD, examples.MOTHER, examples.FATHER)}
    mother = examples.example("related-person-mother", numbers)
    mother["patient"]["reference"] = PATIENT
    answer = await bundles.send(
        as_["health-visiting"],
        "transaction",
        bundles.create(mother, MOTHER),
        bundles.create(examples.example("patient-toddler", numbers), PATIENT),
    )
    assert bundles.statuses(answer) == [201, 201]
    created, child = (entry["resource"] for entry in bundles.answers(answer))
    assert created["patient"]["reference"] == f"Patient/{child['id']}"
