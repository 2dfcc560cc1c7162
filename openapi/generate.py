"""Prints the OpenAPI document of the routes as they are now: `make openapi` keeps it beside this file.

https://spec.openapis.org/oas/v3.1.0
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from app.main import create_app
from app.settings import Settings
from app.store.database import Database


def document() -> dict[str, Any]:
    """Nothing in it depends on the settings, and no route is called, so there is no database."""
    with TemporaryDirectory() as folder:
        return create_app(Settings(var=Path(folder)), cast(Database, None)).openapi()


def text() -> str:
    """As the file has it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
