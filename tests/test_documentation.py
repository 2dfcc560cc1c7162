"""What the documentation says is so: its requests are answered, its settings and files are there, its tests exist."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.api import router
from app.settings import Settings
from tests.stories.demonstration import Demonstration

pytest_plugins = ["tests.stories.serving"]

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted({README, *(ROOT / "docs").rglob("*.md"), *(ROOT / "fhir_profiles").rglob("*.md")})

_BLOCK = re.compile(r"^```shell\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_SETTING = re.compile(r"^\| `(CRADLE_\w+)` \| (?:`([^`]*)`)? *\|", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_ABSOLUTE = re.compile(r"(?<![\w./\]}])/(?:home|root|Users|work|mnt|srv)/\w+")


def blocks(page: Path) -> list[str]:
    return [block.strip() for block in _BLOCK.findall(page.read_text("utf-8"))]


REQUESTS = [block for block in blocks(README) if block.startswith("curl")]


def answers(shell: str, environment: dict[str, str]) -> list[list[dict[str, Any]]]:
    """The resources that each request finds when all are pasted into a terminal in the checkout."""
    command = ["bash", "-euo", "pipefail", "-c", shell]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    printed, bundles = ran.stdout.strip(), []
    while printed:
        bundle, end = json.JSONDecoder().raw_decode(printed)
        bundles.append([entry["resource"] for entry in bundle["entry"]])
        printed = printed[end:].strip()
    return bundles


def test_there_is_a_first_request_for_each_of_three_users() -> None:
    assert len(REQUESTS) == 3
    assert len(PAGES) >= 4


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_the_first_requests_are_answered(demo: Demonstration) -> None:
    pasted = "\n".join(REQUESTS).replace("http://127.0.0.1:8000", demo.base).replace(".venv/bin/python", sys.executable)
    lookup, notices, patient = answers(pasted, demo.environment)
    assert [each["resourceType"] for each in lookup] == ["Flag", "CarePlan", "CareTeam"]
    assert notices[0]["sender"]["display"] == "Aldermarsh Emergency Department"
    assert patient[0]["address"][0]["postalCode"]


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_what_the_demonstration_prints_can_be_pasted(demo: Demonstration) -> None:
    lines = re.findall(r"^  ((?:export|TOKEN=).*|curl .*\\\n.*)$", demo.printed, re.MULTILINE)
    assert len(lines) == 5
    elsewhere = {name: value for name, value in os.environ.items() if not name.startswith("CRADLE_")}
    lookup, notices, patient = answers("\n".join(lines), elsewhere)
    assert lookup
    assert notices
    assert patient


def test_the_programs_are_documented() -> None:
    page = (ROOT / "docs" / "clients" / "README.md").read_text("utf-8")
    for program in (ROOT / "docs" / "clients").glob("*.py"):
        assert f"]({program.name})" in page


def test_the_table_of_settings_is_that_of_the_code() -> None:
    table = _SETTING.findall(README.read_text("utf-8"))
    told = [(f"CRADLE_{name.upper()}", _written(field.default)) for name, field in Settings.model_fields.items()]
    assert sorted(table) == sorted(told)


def _written(default: object) -> str:
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case _:
            return str(default)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text("utf-8")):
        address = urlsplit(target)
        if address.scheme:
            continue
        file = (page.parent / address.path).resolve() if address.path else page
        assert file.exists(), f"{target} is not there"
        if address.fragment:
            assert address.fragment in _anchors(file), f"{target} has no such heading"


def _anchors(page: Path) -> set[str]:
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in _HEADING.findall(page.read_text())}


def test_every_decision_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text("utf-8")
    decisions = re.split(r"^### (?=\d+\. )", text, flags=re.MULTILINE)[1:]
    assert [int(each.split(".")[0]) for each in decisions] == list(range(1, len(decisions) + 1))
    for decision in decisions:
        title = decision.splitlines()[0]
        for part in ("**Decision.**", "**Cost.**", "**Held by**"):
            assert part in decision, f"{title} does not say {part}"
        named = _TEST.findall(decision)
        assert named, f"{title} names no test"
        for file, test in named:
            assert test in _tests(ROOT / file), f"{title} names {file}::{test}, which is not there"


def _tests(file: Path) -> set[str]:
    """The tests of a file that is there. Told from its text, since some take a database to import."""
    assert file.exists(), file
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, functions)}


def test_no_page_names_a_place_on_somebodys_machine() -> None:
    for page in [*PAGES, *(ROOT / "docs").rglob("*.py"), *(ROOT / "docs").rglob("*.svg")]:
        found = _ABSOLUTE.findall(page.read_text("utf-8"))
        assert not found, f"{page.relative_to(ROOT)}: {found}"


def test_the_interface_has_a_page_for_every_interaction() -> None:
    """Each is named by its code in the index, and each page says which tests hold it."""
    index = (ROOT / "docs" / "api.md").read_text("utf-8")
    pages = sorted((ROOT / "docs" / "api").glob("*.md"))
    assert len(pages) > 12
    for page in pages:
        assert f"(api/{page.name})" in index, page.name
    for code in {line.code for line in router.table()}:
        name = code.removesuffix("-type").removesuffix("-instance").removesuffix("-system")
        assert name in index, code
