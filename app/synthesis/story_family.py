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

# Child, the child's gender, mother, father, surname
_NAMES = (
    ("Ivy", "female", "Chloe", "Ryan", "Hartley"),
    ("Reuben", "male", "Danielle", "Scott", "Pym"),
    ("Zara", "female", "Saima", "Imran", "Mirza"),
    ("Albie", "male", "Kirsty", "Lee", "Tolland"),
    ("Nell", "female", "Hayley", "Craig", "Ashdown"),
    ("Willow", "female", "Jodie", "Marcus", "Fenner"),
    ("Theo", "male", "Anna", "Piotr", "Zielinska"),
    ("Maryam", "female", "Maya", "Tariq", "Example"),
    ("Jude", "male", "Lauren", "Adam", "Corrigan"),
    ("Esme", "female", "Rebecca", "Daniel", "Oakshott"),
    ("Ezra", "male", "Abena", "Kwame", "Ofori"),
    ("Aria", "female", "Priya", "Nikhil", "Rao"),
    ("Rory", "male", "Emma", "Callum", "Sefton"),
    ("Lottie", "female", "Stacey", "Dean", "Marlow"),
    ("Orla", "female", "Niamh", "Sean", "Dolan"),
    ("Hugo", "male", "Victoria", "Edward", "Penrose"),
    ("Ada", "female", "Charlotte", "Thomas", "Whitlock"),
    ("Yusuf", "male", "Hodan", "Abdi", "Warsame"),
)


def told(place: int, today: date) -> Household:
    """The family of the story with this place."""
    given, gender, mother_given, father_given, surname = _NAMES[place]
    born = today - timedelta(days=700 + 23 * place)
    mother = Person(number(place, _MOTHER), surname, (mother_given,), "female", date(1994, 3, 1 + place))
    father = Person(number(place, _FATHER), surname, (father_given,), "male", date(1992, 8, 1 + place))
    child = Person(number(place, _CHILD), surname, (given,), gender, born)
    return Household(
        key=f"story/{place}",
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


def old_number(place: int) -> str:
    """The number that the child of this story had before."""
    return number(place, _OLD_NUMBER)


def number(place: int, member: int) -> str:
    return nhs_numbers.of_story(place * _NUMBERS_EACH + member)


def parent_at_the_app(mother: Person) -> Person:
    """The mother as who signs in to the parents' app of the demonstration."""
    user = demo_client.plausible_user(Kind.PARENT_APP)
    given, _, surname = user.name.partition(" ")
    return Person(user.id, surname, (given,), mother.gender, mother.birth_date)
