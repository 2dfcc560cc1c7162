"""What a type can be searched by is what is written down: HL7's parameters, ours, and those that are left out with a reason.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.fhir import schema_definitions, search_parameters, search_query
from app.fhir.errors import InvalidParameter

PAGE = (Path(__file__).parents[2] / "docs" / "api" / "search.md").read_text("utf-8")
_OF_A_TYPE = re.compile(r"([A-Z][A-Za-z]+) ((?:`[a-zA-Z-]+`(?:, )?)+)")


def left_out() -> Iterator[tuple[str, str]]:
    """The type and the code of each parameter that the page says is left out."""
    _, _, table = PAGE.partition("**Search parameters of R4 that are left out**")
    for type, codes in _OF_A_TYPE.findall(table):
        yield from ((type, code) for code in re.findall(r"`([^`]+)`", codes))


def test_what_the_page_says_is_left_out_is_refused() -> None:
    listed = list(left_out())
    assert len(listed) > 40
    for type, code in listed:
        assert code not in search_parameters.parameters(type), (type, code)
        with pytest.raises(InvalidParameter):
            search_query.parse(type, [(code, "1")], page_size=1, largest_page=1)


@pytest.mark.parametrize("type", search_parameters.searchable_types())
def test_each_parameter_is_its_type_s_own(type: str) -> None:
    known = {*schema_definitions.resource_types()}
    for code, parameter in search_parameters.parameters(type).items():
        assert (parameter.base, parameter.code) == (type, code)
        assert {*parameter.targets} <= known, parameter.key
        assert bool(parameter.targets) is (parameter.type == "reference"), parameter.key


def test_every_type_that_is_written_has_parameters_and_a_profile() -> None:
    assert len(search_parameters.written_types()) == 19
    for type in search_parameters.written_types():
        assert search_parameters.parameters(type)
