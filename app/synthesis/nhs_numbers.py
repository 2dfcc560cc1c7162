"""NHS numbers for people who do not exist: from the range kept for tests, each once.

https://digital.nhs.uk/services/nhs-number; https://www.datadictionary.nhs.uk/attributes/nhs_number.html

Families have numbers from 91... to 98..., stories from 9990 1..., so that none is used twice. Of ten numbers that differ
in the ninth digit at most one has no check digit, so nine can be counted on.
"""

from collections.abc import Iterator
from functools import cache
from itertools import islice

from app.fhir.nhs_number import check_digit
from app.synthesis import chance

PER_FAMILY = 8
MOST_FAMILIES = 9_000_000

_FIRST_OF_FAMILIES, _FIRST_OF_STORIES = 91_000_000, 99_901_000  # the first eight digits
_USABLE = 9  # ninth digits
_NUMBERS = MOST_FAMILIES * PER_FAMILY
_STRIDE = 38_714_713  # coprime with _NUMBERS, so that it walks through every number once, and far from its neighbours


def of_family(seed: int, family: int) -> Iterator[str]:
    """The eight numbers of the family with this place in the population. Another family, another eight."""
    if not 0 <= family < MOST_FAMILIES:
        raise ValueError(f"There are synthetic NHS numbers for {MOST_FAMILIES} families.")
    for place in range(family * PER_FAMILY, (family + 1) * PER_FAMILY):
        yield _number(_FIRST_OF_FAMILIES, (_start(seed) + place * _STRIDE) % _NUMBERS)


def of_story(place: int) -> str:
    """The number with this place among those of the stories."""
    return _number(_FIRST_OF_STORIES, place)


@cache
def _start(seed: int) -> int:
    return chance.seeded("nhs-numbers", seed).randrange(_NUMBERS)


def _number(first: int, place: int) -> str:
    prefix, usable = divmod(place, _USABLE)
    return next(islice(_with_check_digit(str(first + prefix)), usable, None))


def _with_check_digit(eight: str) -> Iterator[str]:
    for digit in "0123456789":
        check = check_digit(eight + digit)
        if check is not None:
            yield f"{eight}{digit}{check}"
