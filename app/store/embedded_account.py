"""The user that the embedded PostgreSQL runs as, and a place for its files that this user can reach.

https://www.postgresql.org/docs/current/postgres-user.html

PostgreSQL refuses to run as root. Root therefore gives it another user, and never opens its own folders to that user:
under a closed folder, such as a checkout in /root, the files go to a folder of /var/tmp named for the path.
"""

import hashlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.store.embedded_error import EmbeddedError

_SHELTERS = Path("/var/tmp")  # noqa: S108 - what lies there already is used only if root made it # nosec B108
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """`uid` and `gid` are None for the user of this process."""

    uid: int | None = None
    gid: int | None = None

    @property
    def as_child(self) -> dict[str, Any]:
        """Arguments for `subprocess`. A PG... or LC_... variable of the caller must not steer the server."""
        arguments: dict[str, Any] = {"cwd": "/", "env": _ENVIRONMENT}
        if self.uid is not None:
            arguments |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return arguments

    def may_enter(self, folder: Path) -> bool:
        found = subprocess.run(["test", "-x", folder], **self.as_child)  # noqa: S603, S607 - asks as that user
        return found.returncode == 0

    def owns(self, path: Path) -> bool:
        return path.stat().st_uid == (os.geteuid() if self.uid is None else self.uid)

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def make_folder(self, path: Path) -> None:
        path.mkdir(mode=0o700)
        self.own(path)


def of(folder: Path) -> Account:
    """For root: the owner of the data that is there, or else `postgres`, or else `nobody`."""
    if os.geteuid() != 0:
        return Account()
    for data in (folder / "postgres", _shelter(folder) / "postgres"):
        if (data / "PG_VERSION").exists() and data.stat().st_uid != 0:
            return Account(data.stat().st_uid, data.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(user.pw_uid, user.pw_gid)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`. Add one of them."
    )


def place(folder: Path, account: Account) -> Path:
    """The folder for the data of `folder`: itself where `account` can enter it, or else its shelter."""
    data = folder / "postgres"
    if data.exists() and not account.owns(data):
        raise EmbeddedError(f"{data} belongs to another user. Start Cradle as that user or as root, or move it away.")
    if account.may_enter(folder):
        return folder
    if (data / "PG_VERSION").exists():
        raise EmbeddedError(f"PostgreSQL can no longer reach {data}: a folder above it was closed to its user.")
    return shelter(folder)


def shelter(path: Path) -> Path:
    """Root's folder of /var/tmp for what lies at `path`."""
    folder = _shelter(path)
    try:
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)  # whatever the umask is
    except FileExistsError:
        if folder.is_symlink() or folder.stat().st_uid != 0:
            raise EmbeddedError(f"{folder} was not made by root. Remove it.") from None
    return folder


def _shelter(path: Path) -> Path:
    return _SHELTERS / f"cradle-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
