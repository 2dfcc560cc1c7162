"""Addresses and telephone numbers at which nobody can be reached.

https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama (numbers kept for drama)

Streets are made of two halves of a word; why the postcodes can be nobody's is told in `geography`.
"""

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from app.synthesis.geography import LONDON, Area

_FIRST = (
    *("Quill", "Tansy", "Lark", "Ember", "Fallow", "Marl", "Thistle", "Bramble", "Copper", "Sedge", "Otter", "Pebble"),
    *("Saffron", "Teasel", "Umber", "Velvet", "Whin", "Yarrow", "Cobnut", "Damson"),
)
_SECOND = ("feather", "wick", "mere", "holt", "down", "gate", "spring", "thorn", "field", "burrow", "light", "wharf")
_KINDS = ("Road", "Street", "Close", "Avenue", "Row", "Lane", "Gardens", "Terrace")
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"  # the letters that end a postcode


@dataclass(frozen=True, slots=True)
class Home:
    """Where a family lives, and since when if it moved there."""

    line: str
    area: Area
    postcode: str
    since: date | None = None

    def as_address(self, use: str) -> dict[str, Any]:
        """FHIR's Address, new each time."""
        address: dict[str, Any] = {
            "use": use,
            "line": [self.line],
            "city": self.area.name,
            "district": self.area.council,
            "postalCode": self.postcode,
        }
        return address | ({"period": {"start": self.since.isoformat()}} if self.since else {})


def home(area: Area, random: Random, since: date | None = None) -> Home:
    """Some address in an area."""
    street = f"{random.choice(_FIRST)}{random.choice(_SECOND)} {random.choice(_KINDS)}"
    inward = f"{random.randrange(1, 10)}{random.choice(_INWARD)}{random.choice(_INWARD)}"
    postcode = f"{area.postcode_area}{random.randrange(1, 20)} {inward}"
    return Home(f"{random.randrange(1, 160)} {street}", area, postcode, since)


def mobile(random: Random) -> str:
    return f"07700 900{random.randrange(1000):03}"


def landline(area: Area, random: Random) -> str:
    """In London one of London's, elsewhere one of no area."""
    number = random.randrange(1000)
    return f"020 7946 0{number:03}" if area.region == LONDON else f"01632 960{number:03}"
