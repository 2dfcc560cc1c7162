"""Where the families live: invented local authorities, spread over the regions as births are in England.

https://www.ons.gov.uk/peoplepopulationandcommunity/birthsdeathsandmarriages/livebirths (births by area of residence)

The shares are approximate, and those within a region are invented.

No postcode area begins with Z but ZE (Shetland), so one that is Z with another letter cannot be anybody's. ZZ99, the
national dummy, would not do: it means that a person has no fixed address or an unknown one, and it is one area, so that
nothing which goes by area could be tried.
"""

from dataclasses import dataclass
from functools import cache
from itertools import accumulate

LONDON = "London"


@dataclass(frozen=True, slots=True)
class Area:
    """A local authority's area. `share` is its part of all births; `trust` numbers the hospital trust it leans on."""

    number: int
    name: str
    council: str
    region: str
    postcode_area: str
    share: float
    trust: int


# Name, council, region, postcode area, births in a thousand, trust. The first two are A and B of the demonstration.
_AREAS = (
    ("Aldermarsh", "Aldermarsh Borough Council", "North West", "ZA", 56, 1),
    ("Brackwater", "Brackwater Borough Council", "North West", "ZB", 38, 1),
    ("Millrigg", "Millrigg City Council", "North West", "ZM", 43, 2),
    ("Tarnholm", "Tarnholm City Council", "North East", "ZT", 43, 3),
    ("Scarwell", "Scarwell City Council", "Yorkshire and the Humber", "ZS", 61, 4),
    ("Wolderby", "Wolderby Council", "Yorkshire and the Humber", "ZW", 38, 4),
    ("Fosseby", "Fosseby City Council", "East Midlands", "ZF", 49, 5),
    ("Trentholme", "Trentholme County Council", "East Midlands", "ZN", 36, 5),
    ("Cinderley", "Cinderley City Council", "West Midlands", "ZC", 73, 6),
    ("Arrowmere", "Arrowmere County Council", "West Midlands", "ZR", 41, 6),
    ("Fenwatch", "Fenwatch County Council", "East of England", "ZV", 62, 7),
    ("Saltreach", "Saltreach Council", "East of England", "ZX", 52, 8),
    ("Larkney", "London Borough of Larkney", LONDON, "ZL", 57, 9),
    ("Osterham", "London Borough of Osterham", LONDON, "ZO", 49, 9),
    ("Pellbrook", "London Borough of Pellbrook", LONDON, "ZP", 44, 10),
    ("Quayfield", "London Borough of Quayfield", LONDON, "ZQ", 36, 10),
    ("Downhurst", "Downhurst County Council", "South East", "ZD", 64, 11),
    ("Kelbourne", "Kelbourne City Council", "South East", "ZK", 43, 11),
    ("Highreach", "Highreach Council", "South East", "ZH", 47, 12),
    ("Jurycombe", "Jurycombe County Council", "South West", "ZJ", 40, 13),
    ("Isenwell", "Isenwell City Council", "South West", "ZG", 28, 13),
)

AREAS = tuple(
    Area(number, name, council, region, postcode_area, births / sum(each[4] for each in _AREAS), trust)
    for number, (name, council, region, postcode_area, births, trust) in enumerate(_AREAS, start=1)
)
AREA_A, AREA_B = AREAS[:2]


@cache
def cumulative_shares() -> tuple[float, ...]:
    """The shares added up, in the order of AREAS, for a draw."""
    return tuple(accumulate(area.share for area in AREAS))
