"""The families of the stories: a child of two or so, a mother, a father who was named at the registration of the birth.

https://www.legislation.gov.uk/ukpga/1989/41/section/4 (an unmarried father's parental responsibility)
"""

from datetime import date, timedelta

from app.policy.access import Kind
from app.security import demo_client
from app.synthesis import household, nhs_numbers, organisations, people
from app.synthesis.addresses import Home
from app.synthesis.geography import AREA_A, AREA_B
from app.synthesis.household import Child, Household
from app.synthesis.people import Person, Relative

_A, _B = organisations.services(AREA_A), organisations.services(AREA_B)
_NUMBERS_EACH = 10
_CHILD, _MOTHER, _FATHER, _OLD_NUMBER = range(4)

# Child, the child's gender, mother, father, surname. A family's place among these decides on its NHS numbers.
_NAMES = {
    "active-child-protection-plan": ("Ivy", "female", "Chloe", "Ryan", "Hartley"),
    "looked-after": ("Reuben", "male", "Danielle", "Scott", "Pym"),
    "plan-ended-3-months-ago": ("Zara", "female", "Saima", "Imran", "Mirza"),
    "plan-ended-13-months-ago": ("Albie", "male", "Kirsty", "Lee", "Tolland"),
    "plan-entered-in-error": ("Nell", "female", "Hayley", "Craig", "Ashdown"),
    "unborn-plan-on-mother": ("Willow", "female", "Jodie", "Marcus", "Fenner"),
    "no-plan": ("Theo", "male", "Anna", "Piotr", "Zielinska"),
    "consent-to-childrens-centre": ("Maryam", "female", "Maya", "Tariq", "Example"),
    "consent-refused": ("Jude", "male", "Lauren", "Adam", "Corrigan"),
    "consent-withdrawn": ("Esme", "female", "Rebecca", "Daniel", "Oakshott"),
    "consent-expired": ("Ezra", "male", "Abena", "Kwame", "Ofori"),
    "consent-deny-one-organisation": ("Aria", "female", "Priya", "Nikhil", "Rao"),
    "two-parents-disagree": ("Rory", "male", "Emma", "Callum", "Sefton"),
    "restricted-address": ("Lottie", "female", "Stacey", "Dean", "Marlow"),
    "very-restricted": ("Orla", "female", "Niamh", "Sean", "Dolan"),
    "superseded-nhs-number": ("Hugo", "male", "Victoria", "Edward", "Penrose"),
    "bereaved": ("Ada", "female", "Charlotte", "Thomas", "Whitlock"),
    "never-asked": ("Yusuf", "male", "Hodan", "Abdi", "Warsame"),
}
_PLACES = {story: place for place, story in enumerate(_NAMES)}


def told(story: str, today: date) -> Household:
    """The family of a story."""
    place = _PLACES[story]
    given, gender, mother_given, father_given, surname = _NAMES[story]
    born = today - timedelta(days=700 + 23 * place)
    mother = Person(_number(place, _MOTHER), surname, (mother_given,), "female", date(1994, 3, 1 + place))
    father = Person(_number(place, _FATHER), surname, (father_given,), "male", date(1992, 8, 1 + place))
    child = Person(_number(place, _CHILD), surname, (given,), gender, born)
    return Household(
        key=f"story/{story}",
        services=_A,
        practice=_A.practices[0],
        centre=_A.centres[0],
        other_centre=_B.centres[0],
        home=Home(f"{place + 1} Larkfeather Row", AREA_A, "ZA1 1AA"),
        relatives=(
            Relative(mother, people.MOTHER, "birth-mother", f"07700 9001{place:02}"),
            Relative(father, people.FATHER, "birth-registration", f"07700 9002{place:02}"),
        ),
        children=(Child(child),),
        recorded=household.booked(born),
    )


def old_number(story: str) -> str:
    """The number that the child of a story had before."""
    return _number(_PLACES[story], _OLD_NUMBER)


def parent_at_the_app(mother: Person) -> Person:
    """The mother as who signs in to the parents' app of the demonstration."""
    user = demo_client.plausible_user(Kind.PARENT_APP)
    given, _, surname = user.name.partition(" ")
    return Person(user.id, surname, (given,), mother.gender, mother.birth_date)


def _number(place: int, member: int) -> str:
    return nhs_numbers.of_story(place * _NUMBERS_EACH + member)
