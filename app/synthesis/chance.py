"""Chance that is the same every time: a generator for each thing that is drawn.

https://docs.python.org/3/library/random.html#notes-on-reproducibility
"""

from random import Random


def seeded(*path: object) -> Random:
    """The generator of what stands at this path, such as ("family", 7, 31). The same path draws the same."""
    return Random("/".join(map(str, path)))  # noqa: S311 - nothing here is secret
