"""One line of the table of interactions, and the line that a method and a path lead to.

https://hl7.org/fhir/R4/http.html

Requests themselves are matched by the framework's router, from the same table; this matches the entries of Bundles.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from starlette.routing import compile_path

from app.api import paths, unrouted
from app.api.endpoint import Interact
from app.settings import FHIR_PATH


@dataclass(frozen=True, slots=True)
class Registered:
    """One line of the table.

    `code` is of http://hl7.org/fhir/restful-interaction, or `$name` for an operation. `path` is below `[base]/[type]`,
    or below `[base]` where `types` is empty. `name` is what the audit and the log call it.
    """

    code: str
    method: str
    path: str
    of: Callable[[str], Interact]
    types: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Matched:
    """A line, for one of its types ('' for the system), and what stands in the places of its path."""

    line: Registered
    type: str
    path_params: dict[str, str]


@dataclass(frozen=True)
class Table:
    """All lines, in the order in which they are matched."""

    lines: Callable[[], Iterable[Registered]]

    def match(self, method: str, path: str) -> Matched:
        """`path` is below [base], without a slash at its start. Raises what the router's own refusals are."""
        type, slash, rest = path.partition("/")
        candidates = [(type, slash + rest, each) for each in self._by_type.get(type, ())]
        candidates += [("", "/" + path, each) for each in self._by_type.get("", ())]
        is_known = False
        for of, below, (regex, line) in candidates:
            if found := regex.fullmatch(below):
                if line.method == method:
                    return Matched(line, of, found.groupdict())
                is_known = True
        if is_known:
            raise unrouted.not_allowed()
        raise unrouted.not_served(f"{FHIR_PATH}/{path}")

    @cached_property
    def _by_type(self) -> dict[str, list[tuple[re.Pattern[str], Registered]]]:
        found: dict[str, list[tuple[re.Pattern[str], Registered]]] = {}
        for line in self.lines():
            regex, _, _ = compile_path(paths.of(line.path))
            for type in line.types or ("",):
                found.setdefault(type, []).append((regex, line))
        return found
