"""An engineer tries it on a machine where other things run already, and is told what is the matter."""

import subprocess
import sys
from pathlib import Path

from tests.stories.demonstration import ROOT, Demonstration, environment

pytest_plugins = ["tests.stories.serving"]


def told(base: str, var: Path, *arguments: str) -> str:
    """What the command says when it does not do what it was asked, in one line."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment(base, var), capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    return " ".join(ran.stderr.split())


def test_a_port_that_is_taken_is_said_before_anything_is_started(demo: Demonstration, tmp_path: Path) -> None:
    # Given a demonstration, and an engineer who starts another with a folder of its own
    # When both would use the same port
    said = told(demo.base, tmp_path / "var", "demo")

    # Then the second says so, and has left nothing behind
    assert "Address already in use. See CRADLE_PORT." in said
    assert not (tmp_path / "var").exists()


def test_a_folder_that_is_in_use_is_said(demo: Demonstration) -> None:
    # Given a demonstration, and an engineer who starts another on the same data, on a port of its own
    said = told("http://127.0.0.1:20999", demo.var, "serve")

    # Then the second leaves the data alone
    assert "CRADLE_VAR" in said


def test_a_token_is_for_a_client_that_there_is(demo: Demonstration, tmp_path: Path) -> None:
    # When an engineer asks for the token of a client that was not registered
    # Then the clients are named
    assert "emergency-department, gp-practice" in told(demo.base, demo.var, "token", "nobody")

    # And where there is no demonstration, that is what is said
    assert "make demo" in told(demo.base, tmp_path, "token", "auditor")
    assert "Its purposes are: ETREAT" in told(
        demo.base, demo.var, "token", "emergency-department", "--purpose", "HMARKT"
    )
