"""The page on which the interface is read: complete without the network, and it lets nothing else in.

https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CSP
"""

import re
from typing import Any

from httpx import Response

from tests.api.callers import Callers
from tests.api.conftest import Running


async def _get(as_: Callers, path: str) -> Response:
    return await as_.nobody.get(str(as_.http.base_url.copy_with(path=path)))


async def test_the_page_and_all_that_it_names_is_served_from_here(as_: Callers) -> None:
    page = await _get(as_, "/docs")
    assert page.status_code == 200
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) >= 4
    for path in named:
        assert path.startswith("/")
        answer = await _get(as_, path)
        assert answer.status_code == 200, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_the_document_is_the_one_in_the_project(as_: Callers, running: Running) -> None:
    served: dict[str, Any] = (await _get(as_, "/openapi.json")).json()
    assert served == running.app.openapi()
