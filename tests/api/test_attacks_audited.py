"""What somebody would ask so that nobody can say later whom they asked about.

https://profiles.ihe.net/ITI/BALP/
"""

from uuid import uuid4

import pytest

from tests.api import answers, examples, family
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.api.test_refusals_audited import rows


@pytest.mark.parametrize(("client", "outcome"), [("stranger", "nothing"), ("health-visiting", "released")])
@pytest.mark.parametrize("shape", [{}, {"_summary": "count"}])
async def test_whom_a_search_names_by_id_is_in_the_audit_found_or_not(
    as_: Callers, child: Child, running: Running, client: str, outcome: str, shape: dict[str, str]
) -> None:
    request_id = str(uuid4())
    answer = await as_[client].get("Patient", {"_id": child.id, **shape}, {"X-Request-ID": request_id})
    assert answer.status_code == 200
    (row,) = await rows(running, request_id)
    assert (str(row["patient_id"]), row["outcome"]) == (child.id, outcome)


async def test_who_is_told_of_through_others_is_in_the_audit_as_told(
    as_: Callers, child: Child, running: Running
) -> None:
    """Whose record names an organisation is as good as the record."""
    health_visiting, request_id = as_["health-visiting"], str(uuid4())
    told_of = examples.example("organization-childrens-centre", {"CC901": examples.HEALTH_VISITING})
    itself = family.created(await health_visiting.create(told_of))
    keeper = examples.organization(examples.HEALTH_VISITING) | {"reference": f"Organization/{itself['id']}"}
    family.updated(await health_visiting.update(child.patient | {"managingOrganization": keeper}))
    asked = {"_has:Patient:organization:identifier": examples.number_token(child.nhs_number), "_total": "none"}
    answer = await health_visiting.get("Organization", asked, {"X-Request-ID": request_id})
    assert answers.ids(answer), answer.text
    named = [row for row in await rows(running, request_id) if str(row["patient_id"]) == child.id]
    assert [(row["outcome"], row["rule"]) for row in named] == [("released", "total")]
