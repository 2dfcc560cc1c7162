"""How common things are among families with a child under five in England. Every share is approximate.

https://explore-education-statistics.service.gov.uk/find-statistics/children-in-need (DfE, child protection plans)
https://explore-education-statistics.service.gov.uk/find-statistics/children-looked-after-in-england-including-adoptions (DfE)
https://www.ons.gov.uk/peoplepopulationandcommunity/birthsdeathsandmarriages (births, multiple births, infant deaths)

Where no statistic counts what we need (answers about sharing, moves, corrected numbers) the share is our own guess, so
that everything happens in a population of some thousands. Siblings share most of their circumstances, so what goes by
family has the same share among children.
"""

from itertools import accumulate

from app.synthesis.answers import Answer

# DfE, child protection plans: about 43 in 10,000 children at the end of a year, about as many ended within it.
CHILD_PROTECTION_PLAN = 43 / 10_000
ENDED_PLAN = 60 / 10_000  # within two years, so that some are no longer shown
# DfE, looked after: about 40 in 10,000 of those under five.
LOOKED_AFTER = 40 / 10_000
PLAN_IN_ERROR = 4 / 10_000
UNBORN_PLAN = 40 / 10_000  # of pregnancies that go on
SEEN_IN_UNSCHEDULED_CARE = 0.4  # of children with a plan, since it began

# ONS: families by number of children under five; multiple maternities are 14 in 1,000, which is 5 in 100 of these.
CHILDREN = (0.70, 0.262, 0.034, 0.004)
MULTIPLE_BIRTH = 0.05  # of families with two or more
BOYS = 0.513
MOTHERS_AGE = (30.0, 5.7)  # at a birth: mean and standard deviation
EXPECTING_FIRST = 0.09  # of families: no child under five yet
EXPECTING_ANOTHER = 0.07  # of families with a child of nine months or more
PREGNANCY_LOST = 0.008
DIED = 40 / 10_000  # ONS: infant deaths are about 39 in 10,000 births, and few die between one and five

# ONS, birth characteristics: mean and standard deviation; nine in ten births are at term.
GESTATION = (39.3, 1.6)  # weeks
BIRTH_WEIGHT = (3330.0, 460.0)  # grams, at 39 weeks
ANOMALY = 0.021

RESTRICTED = 30 / 10_000
VERY_RESTRICTED = 5 / 10_000
NUMBER_SUPERSEDED = 15 / 10_000  # of children
MOVED = 0.12

# ONS: half of births are within marriage or civil partnership, nearly all others are registered by both parents.
# What the second parent's responsibility rests on; None is a father who has none, and ALONE that there is nobody.
ALONE = "alone"
SECOND_PARENT: dict[str | None, float] = {
    "marriage-or-civil-partnership": 0.49,
    "birth-registration": 0.435,
    "agreement": 0.008,
    "court-order": 0.007,
    None: 0.025,
    ALONE: 0.035,
}
ADOPTED = 0.003
TWO_MOTHERS = 0.01
GRANDMOTHER_BY_ORDER = 0.004

ANSWERS = {
    Answer.NEVER_ASKED: 0.54,
    Answer.CENTRE: 0.28,
    Answer.ALL_BUT_ONE: 0.03,
    Answer.TEAM: 0.02,
    Answer.REFUSED: 0.05,
    Answer.BARELY_REFUSED: 0.01,
    Answer.WITHDRAWN: 0.03,
    Answer.EXPIRED: 0.03,
    Answer.DISAGREEING: 0.01,
}
ASKED_WHEN_EXPECTING = 0.35
FATHER_ANSWERS = 0.1

CONTACT_AFTER_AGREEMENT = 0.6
APPOINTMENT = 0.35
NOTICE = 0.25


def cumulative(weights: dict[str | None, float] | dict[Answer, float]) -> tuple[float, ...]:
    """Weights added up, for a draw."""
    return tuple(accumulate(weights.values()))
