"""A search is read strictly: what is not understood is refused, with the nearest name and without a word of the value.

https://hl7.org/fhir/R4/search.html
"""

from datetime import UTC, datetime

import pytest

from app.fhir import search_parameters, search_query, systems
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import About, Among, Criterion, Ids, Pair, Prefix, SearchQuery, Text, When
from app.fhir.time import Span

NUMBER = "9990000018"
NHS = f"{systems.NHS_NUMBER}|{NUMBER}"
ACTIVE = "status#|active"


def parse(type: str, *pairs: Pair) -> SearchQuery:
    return search_query.parse(type, pairs, page_size=20, largest_page=100)


def one(type: str, name: str, value: str) -> Criterion:
    (criterion,) = parse(type, (name, value)).criteria
    return criterion


def told(type: str, *pairs: Pair) -> str:
    """What the caller is told instead of an answer."""
    with pytest.raises(InvalidParameter) as refused:
        parse(type, *pairs)
    (issue,) = refused.value.issues
    return f"{issue.expression}: {issue.diagnostics}"


@pytest.mark.parametrize(
    ("type", "name", "value", "expected"),
    [
        pytest.param("Consent", "status", "active", Among((ACTIVE,)), id="a code"),
        pytest.param("Consent", "status", "active,inactive", Among((ACTIVE, "status#|inactive")), id="either of two"),
        pytest.param("Flag", "identifier", "urn:x|7", Among(("identifier#urn:x|7",)), id="a code of a system"),
        pytest.param(
            "Consent",
            "category",
            "https://terminology.hl7.org/CodeSystem/v3-ActCode/|INFA",
            Among((f"category#{systems.ACT_CODE}|INFA",)),
            id="of a system that is written in another way",
        ),
        pytest.param("Patient", "active", "true", Among(("active#|true",)), id="yes or no"),
        pytest.param("Patient", "family", "Ó Briain", Text("Patient.family", ("o briain",), "starts"), id="a name"),
        pytest.param(
            "Patient", "name:contains", "MEL,ros", Text("Patient.name", ("mel", "ros"), "contains"), id="in a name"
        ),
        pytest.param("Patient", "_id", "a,b", Ids(("a", "b")), id="ids"),
        pytest.param("Flag", "author", "Organization/1", Among(("author#Organization/1",)), id="a reference"),
        pytest.param("Flag", "author:Organization", "1", Among(("author#Organization/1",)), id="by its type"),
        pytest.param("Flag", "detail", "1", Among(("detail#CarePlan/1",)), id="to the only type there is"),
        pytest.param(
            "Flag",
            "author:identifier",
            f"{systems.ODS_CODE}|LA901",
            Among((f"author#{systems.ODS_CODE}|LA901",)),
            id="by identifier",
        ),
        pytest.param("Flag", "patient:identifier", NHS, About((NUMBER,)), id="a person"),
        pytest.param("Flag", "patient.identifier", NHS, About((NUMBER,)), id="a person, in a chain"),
        pytest.param("Flag", "subject:identifier", NHS, About((NUMBER,)), id="a person, as subject"),
        pytest.param("Patient", "identifier", NHS, About((NUMBER,)), id="a person's record"),
        pytest.param("Patient", "identifier", f"{systems.NHS_NUMBER}|999 000 0018", About((NUMBER,)), id="with blanks"),
        pytest.param("Patient", "identifier", "urn:x|7", Among(("identifier#urn:x|7",)), id="another identifier"),
        pytest.param("Flag", "patient", "Patient/1,2", About((), ("1", "2")), id="a person's Patient"),
        pytest.param("Flag", "patient:Patient", "1", About((), ("1",)), id="a person's Patient by its type"),
    ],
)
def test_what_is_understood(type: str, name: str, value: str, expected: Criterion) -> None:
    assert one(type, name, value) == expected


@pytest.mark.parametrize(
    ("value", "prefix", "start", "end"),
    [
        pytest.param("2026-11-20", "eq", "2026-11-20T00:00", "2026-11-21T00:00", id="a day"),
        pytest.param("ge2026", "ge", "2026-01-01T00:00", "2027-01-01T00:00", id="a year"),
        pytest.param("sa2026-06", "sa", "2026-05-31T23:00", "2026-06-30T23:00", id="a month in summer"),
        pytest.param("lt2026-11-20T10:15Z", "lt", "2026-11-20T10:15:00", "2026-11-20T10:15:01", id="without seconds"),
        pytest.param("eb2026-11-20T10:15:30", "eb", "2026-11-20T10:15:30", "2026-11-20T10:15:31", id="without zone"),
        pytest.param("ne2026-11-20T10:15:30+01:00", "ne", "2026-11-20T09:15:30", "2026-11-20T09:15:31", id="elsewhere"),
    ],
)
def test_dates_with_their_prefix(value: str, prefix: Prefix, start: str, end: str) -> None:
    span = Span(*(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (start, end)))
    assert one("Flag", "date", value) == When("Flag.date", ((prefix, span),))
    assert one("Flag", "_lastUpdated", value) == When("_lastUpdated", ((prefix, span),))


@pytest.mark.parametrize(
    ("value", "values"),
    [
        pytest.param(r"a\,b,c", ("a,b", "c"), id="a comma that is part of the value"),
        pytest.param(r"a\\,b", ("a\\", "b"), id="a comma after a backslash that is part of the value"),
        pytest.param(r"a\|b", ("a|b",), id="a bar"),
        pytest.param(r"a\$b", ("a$b",), id="a dollar sign"),
        pytest.param(r"a\\\,b", ("a\\,b",), id="a backslash and a comma"),
        pytest.param("a\\", ("a\\",), id="a backslash at the end"),
        pytest.param(r"a\b", ("a\\b",), id="a backslash that escapes nothing"),
    ],
)
def test_escapes(value: str, values: tuple[str, ...]) -> None:
    assert one("Patient", "name", value) == Text("Patient.name", values, "starts")
    if "|" not in value:
        assert one("Flag", "identifier", value) == Among(tuple(f"identifier#|{each}" for each in values))


def test_a_bar_that_is_part_of_the_code_is_escaped() -> None:
    assert one("Flag", "identifier", r"urn:x|a\|b") == Among(("identifier#urn:x|a|b",))
    assert one("Flag", "identifier", r"a\|b") == Among(("identifier#|a|b",))
    assert one("Flag", "identifier", "urn:x|a|b") == Among(("identifier#urn:x|a|b",))


@pytest.mark.parametrize(
    ("type", "name", "nearest"),
    [
        ("Patient", "famly", "family"),
        ("Patient", "birthDate", "birthdate"),
        ("Patient", "_lastupdated", "_lastUpdated"),
        ("Consent", "consenter", "consentor"),
        ("CarePlan", "careteam", "care-team"),
        ("Flag", "_revinclud", "_revinclude"),
        ("Flag", "has:Flag:subject:status", "_has"),
        ("Flag", "identifier.identifier", "identifier"),
        ("Patient", "identifier.identifier", "identifier"),
    ],
)
def test_an_unknown_parameter_is_answered_with_the_nearest(type: str, name: str, nearest: str) -> None:
    assert told(type, (name, "x")).endswith(f"{type} has no such search parameter. Did you mean {nearest}?")


def test_where_none_is_near_all_are_named() -> None:
    said = told("Flag", ("qqq", "x"))
    assert "It has _id, _lastUpdated, _profile, _security, _source, _tag, author, category, date, detail," in said


@pytest.mark.parametrize("name", ["_query", "_filter", "_text", "_content", "_list", "_contained", "_score"])
def test_what_is_not_served_is_not_ignored(name: str) -> None:
    """Not even where the caller is lenient: it is known, and would have narrowed."""
    assert told("Patient", (name, "x")).startswith(f"{name}: {name} is not served. ")
    with pytest.raises(InvalidParameter):
        search_query.parse("Patient", [(name, "x")], page_size=20, largest_page=100, is_lenient=True)


SECRET = "Amelia9990000018"
NAMES = (
    SECRET,
    f"patient:{SECRET}",
    f"patient.{SECRET}",
    f"{SECRET}:identifier",
    f"family:{SECRET}",
    f"_count:{SECRET}",
)


@pytest.mark.parametrize("type", search_parameters.searchable_types())
def test_neither_a_value_nor_a_strangers_name_is_repeated(type: str) -> None:
    own = [
        *search_parameters.parameters(type),
        "_id",
        "_lastUpdated",
        "_count",
        "_total",
        "_include",
        "_include:iterate",
    ]
    for name in own:
        for asked in (name, f"{name}:identifier", f"{name}:contains", f"{name}.identifier", f"{name}:{SECRET}"):
            for value in (
                f"{SECRET}/,",
                f"|{SECRET}",
                f"{systems.NHS_NUMBER}|{SECRET}",
                f"Patient:{SECRET}",
                f"xx|{SECRET},",
            ):
                _refusal_keeps_quiet(type, asked, value)
    for name in NAMES:
        for value in ("x", "", " "):
            _refusal_keeps_quiet(type, name, value)


def _refusal_keeps_quiet(type: str, name: str, value: str) -> None:
    try:
        parse(type, (name, value))
    except InvalidParameter as refused:
        told = [(issue.diagnostics, issue.expression or "") for issue in refused.issues]
        assert [texts for texts in told if SECRET in " ".join(texts)] == []


@pytest.mark.parametrize("value", ["", " ", "\t", ",", "x,", ",x", "x,,y"])
@pytest.mark.parametrize(
    "name", ["family", "identifier", "birthdate", "_id", "_lastUpdated", "_count", "_include", "gender"]
)
def test_a_blank_value_is_refused(name: str, value: str) -> None:
    assert told("Patient", (name, value)) == f"{name}: {name} has no value. Leave it out, or give it one."


@pytest.mark.parametrize("value", ["\u0301", "Am,\u0301", "\u0301,\u0302"])
def test_an_accent_alone_is_blank(value: str) -> None:
    """Every name would start with it."""
    assert "has no value" in told("Patient", ("name", value))


@pytest.mark.parametrize("name", ["family", "_id", "gender", "birthdate"])
def test_a_value_that_cannot_be_kept_is_refused(name: str) -> None:
    """PostgreSQL has no text with this character, and would fail."""
    assert told("Patient", (name, "a\0b")) == f"{name}: {name} has a character that no value has."


@pytest.mark.parametrize(
    ("type", "name", "value", "help"),
    [
        pytest.param("Patient", "gender:exact", "male", "It takes :missing, :not.", id="exact, of a code"),
        pytest.param("Patient", "gender:text", "male", "It takes :missing, :not.", id="words, of a code alone"),
        pytest.param("Patient", "family:contain", "x", "Did you mean :contains?", id="a slip"),
        pytest.param("Patient", "family:not", "x", "It takes :contains, :exact, :missing.", id="not, of a string"),
        pytest.param("Consent", "date:exact", "2026", "It takes :missing.", id="of a date"),
        pytest.param("Consent", "_lastUpdated:missing", "true", "It takes none.", id="of what everything has"),
        pytest.param("Flag", "author:Patent", "1", "Did you mean :Patient?", id="a type that it does not refer to"),
        pytest.param("Flag", "patient:Group", "1", "It takes :Patient, :identifier, :missing.", id="a group"),
        pytest.param("Consent", "status:in", "x", "It takes :missing, :not.", id="in"),
        pytest.param("Consent", "category:below", "x", "It takes :missing, :not, :text.", id="below"),
        pytest.param("Patient", "gender:of-type", "x|y|z", "It takes :missing, :not.", id="a type of no identifier"),
        pytest.param("Patient", "_count:exact", "1", "It takes none.", id="of how it is to look"),
        pytest.param("Flag", "_include:recurse", "Flag:detail", "It takes :iterate.", id="of an include"),
    ],
)
def test_a_modifier_that_is_not_served(type: str, name: str, value: str, help: str) -> None:
    base = name.partition(":")[0]
    assert told(type, (name, value)) == f"{base}: The modifier of {base} is not served here. {help}"


@pytest.mark.parametrize(
    ("type", "name", "value", "said"),
    [
        pytest.param("Flag", "author", "1", "author: Give author as Device/[id]", id="a reference of no type"),
        pytest.param("Flag", "author", "Unicorn/1", "author: Give author as Device/[id]", id="of no such type"),
        pytest.param("Consent", "status", "|", "status: Give status as", id="neither system nor code"),
        pytest.param("Flag", "date", "20th of November", "date: Give date as a date", id="no date"),
        pytest.param("Flag", "date", "2026-02-30", "date: Give date as a date", id="no day"),
        pytest.param("Flag", "date", "2026,soon", "date: Give date as a date", id="one of two dates"),
        pytest.param("Flag", "_lastUpdated", "gt", "_lastUpdated: Give _lastUpdated as a date", id="a prefix alone"),
        pytest.param("Flag", "patient:identifier", NUMBER, "patient: Give patient:identifier as", id="without system"),
        pytest.param("Flag", "patient:identifier", f"urn:x|{NUMBER}", "patient: Give patient", id="of another system"),
        pytest.param("Flag", "patient:identifier", f"{NHS[:-1]}9", "patient: This is not an NHS number", id="a slip"),
        pytest.param("Patient", "identifier", f"{NHS},urn:x|7", "identifier: Ask for NHS numbers and", id="a mixture"),
        pytest.param("Flag", "_count", "-1", "_count: _count is a whole number", id="less than none"),
        pytest.param("Flag", "_count", "1.5", "_count: _count is a whole number", id="one and a half"),
        pytest.param("Flag", "_count", "٣", "_count: _count is a whole number", id="three, in Arabic"),
        pytest.param("Flag", "_count", "9" * 5000, "_count: _count is a whole number", id="more than can be read"),
        pytest.param("Flag", "_total", "yes", "_total: _total is none", id="no kind of total"),
        pytest.param("Flag", "_include", "*", "_include: _include is [type]", id="everything"),
        pytest.param("Flag", "_include", "Flag:nothing", "_include: Flag has no such reference", id="no reference"),
        pytest.param("Flag", "_include", "Flag:date", "_include: Flag has no such reference", id="what is a date"),
        pytest.param("Flag", "_include", "Flag:detail:Task", "_include: _include names a type", id="to no such type"),
        pytest.param("Flag", "_include", "CarePlan:care-team", "_include: To follow CarePlan from", id="from elsewhere"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(type: str, name: str, value: str, said: str) -> None:
    assert told(type, (name, value)).startswith(said)


def test_of_what_is_wrong_the_first_is_told() -> None:
    assert told("Flag", ("date", "x"), ("qqq", "y")).startswith("date:")


def test_how_the_answer_is_to_look() -> None:
    plain = parse("Flag")
    assert (plain.count, plain.total, plain.includes, plain.criteria) == (20, True, (), ())
    asked = parse("Flag", ("_count", "0"), ("_total", "none"), ("_format", "json"))
    assert (asked.count, asked.total) == (0, False)
    assert parse("Flag", ("_count", "100000")).count == 100


def test_includes() -> None:
    first, further = parse("Flag", ("_include", "Flag:detail"), ("_include:iterate", "CarePlan:care-team")).includes
    assert (first.source, first.parameter.code, first.iterate) == ("Flag", "detail", False)
    assert (further.source, further.parameter.code, further.iterate) == ("CarePlan", "care-team", True)


def test_an_include_of_one_type_follows_no_other() -> None:
    (everything,) = parse("Flag", ("_include", "Flag:author")).includes
    (narrowed,) = parse("Flag", ("_include", "Flag:author:Organization")).includes
    assert len(everything.parameter.targets) > 1
    assert (everything.target, narrowed.target) == (None, "Organization")


@pytest.mark.parametrize(
    ("type", "name", "value", "names_somebody"),
    [
        ("Flag", "patient:identifier", NHS, True),
        ("Patient", "identifier", "urn:x|7", True),
        ("Patient", "family", "Example", True),
        ("CommunicationRequest", "recipient:identifier", NHS, True),
        ("Flag", "patient", "Patient/1", False),
        ("Consent", "status", "active", False),
        ("Flag", "date", "2026", False),
    ],
)
def test_a_search_that_could_identify_somebody_is_known_as_one(
    type: str, name: str, value: str, names_somebody: bool
) -> None:
    assert parse(type, (name, value)).names_a_person is names_somebody
    assert NUMBER not in repr(parse(type, (name, value))) or name == "recipient:identifier"
