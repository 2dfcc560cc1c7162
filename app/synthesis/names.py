"""First names and surnames as they are met in England, by the part of the population that a family comes from.

https://www.ons.gov.uk/peoplepopulationandcommunity/birthsdeathsandmarriages/livebirths/datasets/babynamesinenglandandwalesfrom1996
https://www.ons.gov.uk/peoplepopulationandcommunity/culturalidentity/ethnicity (Census 2021)

The mixtures are approximate. Any likeness to somebody is chance.
"""

from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random

from app.synthesis.geography import LONDON

_MOST_MIXED = (LONDON, "West Midlands")


@dataclass(frozen=True, slots=True)
class Community:
    """`share` of the families of England, and of those in the most mixed regions."""

    share: float
    share_where_mixed: float
    girls: tuple[str, ...]
    boys: tuple[str, ...]
    mothers: tuple[str, ...]
    fathers: tuple[str, ...]
    surnames: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


BRITISH = Community(
    0.70,
    0.42,
    _words(
        "Olivia Amelia Isla Ava Ivy Freya Lily Florence Mia Willow Rosie Sophia Isabella Grace Daisy Sienna Poppy Elsie "
        "Emily Ella Evelyn Phoebe Evie Charlotte Harper Millie Matilda Maya Sofia Emilia Isabelle Ruby Luna Bonnie Maeve "
        "Eliza Aurora Orla Violet Edith Robyn Thea Nancy Mabel Penelope Ottilie Martha Esme Hallie Delilah"
    ),
    _words(
        "Noah Oliver George Arthur Leo Harry Oscar Archie Henry Theodore Freddie Jack Charlie Theo Alfie Jacob Thomas "
        "Finley Arlo William Lucas Roman Tommy Isaac Teddy Alexander Luca Edward James Joshua Albie Elijah Max Mason "
        "Rory Reuben Rowan Jude Louie Hugo Ezra Otis Sonny Jasper Felix Grayson Ralph Hunter Frankie Dylan"
    ),
    _words(
        "Rebecca Lauren Jessica Charlotte Hannah Sophie Amy Emily Laura Emma Chloe Megan Danielle Samantha Kirsty Gemma "
        "Natalie Jade Bethany Abigail Lucy Katie Georgia Holly Stacey Kayleigh Hayley Victoria Eleanor Alice Leanne Abbie "
        "Jodie Rachel Nicole Zoe Paige Shannon Harriet Ellie"
    ),
    _words(
        "Daniel Matthew James Christopher Thomas Joshua Adam Ryan Luke Jack Liam Michael Scott Ashley Craig Lee Callum "
        "Connor Jordan Lewis Nathan Kieran Bradley Sam Joseph Benjamin Aaron Sean Dean Robert Mark Simon Stuart Kyle "
        "Jamie Alex Richard Peter Andrew Ben"
    ),
    _words(
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green "
        "Hall Wood Jackson Clarke Harrison Turner Hill Cooper Ward Morris Moore Clark Baker Lee King Allen Parker Bennett "
        "Shaw Cook Bailey Carter Richardson Marshall Collins Bell Murphy Miller Cox Adams Ellis Webb Fletcher Barnes "
        "Hargreaves Ashworth Pickering Holloway Sutcliffe Trewin Birtwistle Fairclough Lockwood Penhale"
    ),
)
SOUTH_ASIAN_MUSLIM = Community(
    0.11,
    0.19,
    _words("Fatima Maryam Aisha Zara Inaya Zainab Hafsa Khadija Aleena Anaya Eshal Hania Amina Safa Ayat Noor"),
    _words("Muhammad Mohammed Ibrahim Yusuf Musa Zakariya Ayaan Eesa Ismail Hamza Umar Ali Rayyan Adam Yahya Zayn"),
    _words(
        "Saima Nadia Sadia Rabia Shazia Ayesha Sana Nazia Farzana Samina Rukhsana Iqra Aneesa Humaira Tahmina Sultana"
    ),
    _words("Imran Asif Bilal Usman Kamran Nadeem Tariq Adeel Shahid Faisal Zeeshan Waqas Junaid Rashid Shafiq Habib"),
    _words("Khan Ahmed Hussain Ali Begum Akhtar Mahmood Malik Iqbal Rahman Miah Uddin Chowdhury Mirza Shah Qureshi"),
)
INDIAN = Community(
    0.05,
    0.11,
    _words("Aanya Diya Anika Myra Aria Saanvi Ira Kiara Meera Riya Simran Jasleen"),
    _words("Aarav Vihaan Arjun Reyansh Ishaan Rohan Kabir Dev Veer Arjan Fateh Krish"),
    _words("Priya Kavita Neha Pooja Deepa Anjali Sunita Harpreet Manpreet Jaspreet Shreya Divya"),
    _words("Amit Rahul Nikhil Vikram Sandeep Rajesh Harjit Gurpreet Sunil Anand Karan Manish"),
    _words("Patel Singh Kaur Sharma Shah Rao Gill Sandhu Nair Reddy Desai Mehta Gupta Joshi"),
)
AFRICAN_AND_CARIBBEAN = Community(
    0.06,
    0.15,
    _words("Zuri Amara Ayomide Naomi Esther Imani Sade Nia Hodan Adaeze Blessing Leah"),
    _words("Josiah Elijah Kwame David Emmanuel Malachi Kofi Samuel Abdirahman Tobi Jayden Micah"),
    _words("Abena Chioma Folake Grace Hodan Sharon Ngozi Efua Temitope Kezia Fadumo Joy"),
    _words("Kwame Emeka Tunde Samuel Abdi Marlon Olu Kojo Ifeanyi Delroy Yaw Joseph"),
    _words("Mensah Okafor Adeyemi Campbell Ofori Warsame Bangura Osei Nwosu Eze Francis Boateng Asante Grant"),
)
EAST_EUROPEAN = Community(
    0.05,
    0.08,
    _words("Zofia Maja Lena Hanna Emilia Antonina Sofia Daria Ioana Milena"),
    _words("Antoni Jakub Filip Aleksander Mikolaj Leon David Matei Luka Oskar"),
    _words("Anna Katarzyna Agnieszka Magdalena Ioana Elena Mihaela Kristina Dorota Andreea"),
    _words("Piotr Tomasz Marcin Andrei Mihai Lukasz Ionut Darius Krzysztof Radu"),
    _words("Nowak Kowalczyk Wojcik Kaminski Popescu Ionescu Zielinski Petrov Kazlauskas Dumitru"),
)
CHINESE = Community(
    0.03,
    0.05,
    _words("Chloe Mei Emma Jia Sophie Xin Alice Yan"),
    _words("Ethan Jun Lucas Ming Ryan Hao Jason Wei"),
    _words("Li Xiu Jing Yan Fang Mei Hui Ling"),
    _words("Wei Jun Ming Hao Chen Lei Feng Kit"),
    _words("Chen Wong Li Zhang Wang Chan Liu Lam"),
)

COMMUNITIES = (BRITISH, SOUTH_ASIAN_MUSLIM, INDIAN, AFRICAN_AND_CARIBBEAN, EAST_EUROPEAN, CHINESE)


def community(region: str, random: Random) -> Community:
    """The part of the population that a family in a region comes from."""
    return random.choices(COMMUNITIES, cum_weights=_cumulative(region in _MOST_MIXED))[0]


@cache
def _cumulative(is_mixed: bool) -> tuple[float, ...]:
    return tuple(accumulate(each.share_where_mixed if is_mixed else each.share for each in COMMUNITIES))
