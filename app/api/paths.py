"""What may stand in the places of a path, for the router and for the entries of Bundles alike.

https://www.starlette.io/routing/#path-parameters
"""

from starlette.convertors import Convertor, register_url_convertor


class _One(Convertor[str]):
    """An id. The names of `_search` and of operations are none."""

    regex = "[^/_$][^/]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Kind(_One):
    """A type, or all of them."""

    regex = r"[A-Z][A-Za-z]*|\*"


register_url_convertor("one", _One())
register_url_convertor("kind", _Kind())


def of(path: str) -> str:
    """The path of a line of the table as the framework matches it."""
    return path.replace("{id}", "{id:one}").replace("{type}", "{type:kind}")
