"""All routes below [base], looked for by what stands first in the path: there are hundreds, and each costs a match.

https://www.starlette.dev/routing/
"""

from collections import defaultdict
from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from app.settings import FHIR_PATH

FOUND = "cradle.route"  # where the scope of what matches holds the route itself


class ByType(BaseRoute):
    """Matches as its routes would in their order, each of which begins with a type, an operation or nothing."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = list(routes)
        self._by_first: dict[str, list[Route]] = defaultdict(list)
        for route in self.routes:
            self._by_first[_first(route.path)].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As a route's own; of several that another method would match, the first."""
        partial: tuple[Match, Scope] = (Match.NONE, {})
        if scope["type"] != "http":
            return partial
        for route in self._by_first.get(_first(scope["path"]), ()):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, {**found, FOUND: route}
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = match, {**found, FOUND: route}
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        route: Route = scope[FOUND]
        await route.handle(scope, receive, send)


def _first(path: str) -> str:
    """`Patient` of `[base]/Patient/1`; what is not below [base] has none."""
    return path[len(FHIR_PATH) + 1 :].partition("/")[0] if path.startswith(FHIR_PATH) else path
