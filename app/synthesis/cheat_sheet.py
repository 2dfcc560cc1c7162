"""What `make demo` prints: where it is, how to get a token, and three requests that work as they stand."""

import json
import os
import shlex
from pathlib import Path

from app.settings import Settings

_TEXT = """
Cradle is at {base}
{elsewhere}
A token for one of the clients in {folder}/clients.json:

  TOKEN=$({python} -m app.cli token emergency-department)

1. An emergency department looks a child up. The authority is told in the same transaction.

  curl -s -H "Authorization: Bearer $TOKEN" -H "IsUnscheduledAccessEvent: true" \\
    {base}/Flag/_search --data-urlencode "patient:identifier=https://fhir.nhs.uk/Id/nhs-number|{with_plan}"

2. The authority that sent the plan reads the notice.

  curl -s -H "Authorization: Bearer $({python} -m app.cli token local-authority-a)" \\
    "{base}/CommunicationRequest?category=child-protection-access-notice&_count=5"

3. A children's centre reads a child as far as the mother agreed.

  curl -s -H "Authorization: Bearer $({python} -m app.cli token childrens-centre)" \\
    {base}/Patient/_search --data-urlencode "identifier=https://fhir.nhs.uk/Id/nhs-number|{consented}"

The people of other stories are in {folder}/people.json. Stop with Ctrl-C.
"""


def text(settings: Settings, folder: Path, python: Path) -> str:
    """The sheet for a running demo, whose files are in `folder`."""
    people = {each["story"]: each for each in json.loads((folder / "people.json").read_text("utf-8"))}
    return _TEXT.format(
        base=settings.fhir_base,
        elsewhere=_elsewhere(settings),
        folder=folder,
        python=os.path.relpath(python),
        with_plan=people["active-child-protection-plan"]["nhs_number"],
        consented=people["consent-to-childrens-centre"]["nhs_number"],
    )


def _elsewhere(settings: Settings) -> str:
    """What another terminal has to be told to find a demo that is not where it usually is."""
    told = {name: getattr(settings, name) for name in ("var", "host", "port", "public_url")}
    unusual = [
        f"CRADLE_{name.upper()}={shlex.quote(str(value))}"
        for name, value in told.items()
        if value != Settings.model_fields[name].default
    ]
    return f"\nIn another terminal, first:\n\n  export {' '.join(unusual)}\n" if unusual else ""
