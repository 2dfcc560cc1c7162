"""A population of families that look like England's, the same for the same seed and day.

https://digital.nhs.uk/services/nhs-number (only numbers from the range kept for tests)

Every family is drawn on its own, so a small population is the beginning of a large one; only
in its last family may there be fewer children.
"""

from collections.abc import Iterator
from datetime import date
from itertools import count

from app.synthesis import family
from app.synthesis import organisations as services
from app.synthesis.entry import Entry


def families(children: int, seed: int, today: date) -> Iterator[list[Entry]]:
    """Families until there are exactly so many children; each with its mother and relatives, some expecting."""
    remaining = children
    for place in count():
        if remaining <= 0:
            return
        entries, born = family.entries(seed, place, remaining, today)
        remaining -= born
        yield entries


def organisations(seed: int) -> list[Entry]:
    """The organisations that serve every population and every story."""
    return services.organisations(seed)
