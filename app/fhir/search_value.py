"""The values of search parameters, read strictly.

https://hl7.org/fhir/R4/search.html#ptypes

An error names the parameter as far as it is one of ours, and never repeats a value.
"""

import re
from decimal import Decimal
from typing import get_args

from app.fhir import coding, time
from app.fhir.errors import InvalidParameter
from app.fhir.nhs_number import NHSNumber
from app.fhir.search_criteria import Prefix, Range
from app.fhir.search_parameters import SearchParameter

_LISTED = "eq ne lt gt le ge sa eb or ap"
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\,|$])")
_NO_SECONDS = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?")


def alternatives(value: str) -> list[str]:
    """What stands between the commas, any of which will do. Each keeps its backslashes."""
    return _split(value, ",")


def nhs_number(name: str, text: str) -> str:
    """The ten digits."""
    try:
        return NHSNumber.parse(text).value
    except ValueError as error:
        raise InvalidParameter(str(error), expression=base(name)) from None


def token(parameter: SearchParameter, name: str, text: str) -> str:
    """As `search_index.Indexed` has it: `status#|active`."""
    if parameter.type == "uri":
        return f"{parameter.code}#|{unescaped(text)}"
    system, code = parts(text)
    if not code and not system:
        raise InvalidParameter(f"Give {name} as [system]|[code], [code], [system]| or |[code].", expression=base(name))
    if system and system in parameter.implied_systems:
        return f"{parameter.code}#|{code}" if code else f"{parameter.code}#"
    if system == "":
        return f"{parameter.code}#||{code}"
    return f"{parameter.code}#{system or ''}|{code}"


def parts(text: str) -> tuple[str | None, str]:
    """`system|code` in its two parts, the system in its one spelling; without a bar it is None, which is any."""
    first, *rest = _split(text, "|")
    return (coding.canonical(unescaped(first)), unescaped("|".join(rest))) if rest else (None, unescaped(first))


def reference(parameter: SearchParameter, name: str, modifier: str, text: str) -> str:
    """As `search_index.Indexed` has it: `detail#CarePlan/[id]`."""
    if parameter.is_canonical:
        return f"{parameter.code}#|{unescaped(text)}"
    type, _, id = text.rpartition("/")
    type = type.rpartition("/")[2] or modifier or (parameter.targets[0] if len(parameter.targets) == 1 else "")
    if type not in parameter.targets:
        wanted = " or ".join(f"{target}/[id]" for target in parameter.targets[:3])
        raise InvalidParameter(f"Give {name} as {wanted}, or use {parameter.code}:identifier.", expression=base(name))
    return f"{parameter.code}#{type}/{id}"


def of_type(parameter: SearchParameter, name: str, text: str) -> str:
    """As `search_index.Indexed` has it: `identifier:of-type#system|code|value`."""
    match [unescaped(each) for each in _split(text, "|")]:
        case [system, code, value] if system and code and value:
            return f"{parameter.code}:of-type#{coding.canonical(system)}|{code}|{value}"
        case _:
            raise InvalidParameter(f"Give {name} as [system]|[code]|[value].", expression=base(name))


def patient_id(name: str, text: str) -> str:
    """Of `Patient/[id]`, with or without type and server."""
    before, slash, id = text.rpartition("/")
    if slash and before.rpartition("/")[2] != "Patient":
        raise InvalidParameter(f"Give {name} as Patient/[id], or use {base(name)}:identifier.", expression=base(name))
    return id


def yes_or_no(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidParameter(f"{base(name)}:missing is true or false.", expression=base(name))
    return text == "true"


def quantity(name: str, text: str) -> Range:
    """`ge5.4|http://unitsofmeasure.org|kg`: what its digits may mean, in a unit or in any."""
    prefix, text = _prefixed(text)
    number, *unit = (unescaped(each) for each in _split(text, "|"))
    if not _NUMBER.fullmatch(number) or len(unit) not in (0, 2):
        raise InvalidParameter(
            f"Give {base(name)} as [number] or as [number]|[system]|[code], after {_LISTED}.", expression=base(name)
        )
    value = Decimal(number)
    half = Decimal(5).scaleb(int(value.as_tuple().exponent) - 1)
    system, code = unit or ("", "")
    return Range(prefix, value - half, value + half, system or None, code or None)


def date(name: str, text: str) -> tuple[Prefix, time.Span]:
    """The prefix, `eq` where there is none, and the span that the rest may mean."""
    prefix, text = _prefixed(text)
    span = time.span(_complete(text))
    if span is None:
        raise InvalidParameter(
            f"Give {name} as a date (2026-11-20) or a time with zone, after {_LISTED}.",
            expression=name,
        )
    return prefix, span


def unescaped(text: str) -> str:
    """https://hl7.org/fhir/R4/search.html#escaping"""
    return _ESCAPED.sub(r"\1", text)


def base(name: str) -> str:
    """A parameter's name without modifier or chain, which a stranger may have filled with anything."""
    return name.partition(":")[0].partition(".")[0]


def _prefixed(text: str) -> tuple[Prefix, str]:
    """https://hl7.org/fhir/R4/search.html#prefix"""
    for prefix in get_args(Prefix):
        if text.startswith(prefix):
            return prefix, text[len(prefix) :]
    return "eq", text


def _split(text: str, separator: str) -> list[str]:
    """Cut at each separator that no backslash escapes. The parts keep their backslashes."""
    plain = _ESCAPE.sub("..", text)  # of the same length
    cuts = [place for place, character in enumerate(plain) if character == separator]
    return [text[start:end] for start, end in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(text)], strict=True)]


def _complete(text: str) -> str:
    """R4's search allows a time without seconds or zone, which is then the server's."""
    match = _NO_SECONDS.fullmatch(text)
    return f"{match[1]}{match[2] or ':00'}{match[3] or 'Z'}" if match else text
