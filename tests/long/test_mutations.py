"""The policy made wrong on purpose, in a copy of the project: each time, a test has to notice.

https://en.wikipedia.org/wiki/Mutation_testing
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.server import PROJECT
from tests.long.mutations import MUTATIONS, Mutation

pytestmark = pytest.mark.long

AT_ONCE = 2
LONGEST = 300  # seconds for the tests of one mutation
_COPIED, _SHARED = ("app", "tests"), ("fhir_profiles", "migrations", "openapi", "pyproject.toml")
_TESTS_FAILED = 1  # what pytest ends with; a mutation that cannot even be imported is none


@dataclass(frozen=True)
class Outcome:
    """How a run of pytest ended."""

    status: int
    said: str


@pytest.fixture(scope="module")
def outcomes(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Outcome]]]:
    """Of every mutation and, under the empty name, of the project as it is. All are begun at once, and take turns."""
    with ThreadPoolExecutor(AT_ONCE) as at_once:

        def begin(name: str, tests: tuple[str, ...], change: Callable[[Path], None]) -> Future[Outcome]:
            return at_once.submit(_run, tmp_path_factory.mktemp("mutated"), tests, change, postgres_url)

        every = tuple(dict.fromkeys(test for mutation in MUTATIONS for test in mutation.tests))
        begun = {"": begin("", every, lambda _: None)}
        begun |= {mutation.name: begin(mutation.name, mutation.tests, _applied(mutation)) for mutation in MUTATIONS}
        yield begun
        at_once.shutdown(cancel_futures=True)


def test_each_mutation_has_a_name_of_its_own() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_mutation_changes_one_place(mutation: Mutation) -> None:
    assert (PROJECT / mutation.file).read_text("utf-8").count(mutation.text) == 1
    assert mutation.text != mutation.instead


def test_without_a_mutation_nothing_fails(outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes[""].result()
    assert outcome.status == 0, outcome.said


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_it_is_noticed_that(mutation: Mutation, outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes[mutation.name].result()
    assert outcome.status == _TESTS_FAILED, outcome.said
    assert "1 failed" in outcome.said, outcome.said


def _applied(mutation: Mutation) -> Callable[[Path], None]:
    def change(project: Path) -> None:
        file = project / mutation.file
        file.write_text(file.read_text("utf-8").replace(mutation.text, mutation.instead), "utf-8")

    return change


def _run(project: Path, tests: tuple[str, ...], change: Callable[[Path], None], postgres_url: str) -> Outcome:
    """These tests on a copy that was changed. Hypothesis looks where it looked before (CI)."""
    for name in _COPIED:
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _SHARED:
        (project / name).symlink_to(PROJECT / name)
    change(project)
    environment = os.environ | {"PYTHONPATH": str(project), "CRADLE_TEST_DATABASE_URL": postgres_url, "CI": "true"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    finally:
        shutil.rmtree(project)
    return Outcome(done.returncode, done.stdout[-4000:])
