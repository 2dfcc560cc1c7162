"""What a caller is told of a search that is not served: which parameter, and the nearest name that there is.

https://hl7.org/fhir/R4/search.html#errors

A value is never repeated, nor is the name of a parameter that is not ours: a stranger's could be anything, a person's too.
"""

import difflib
from collections.abc import Iterable

from app.fhir import search_parameters, search_value
from app.fhir.errors import InvalidParameter

NOT_SERVED = {
    "_text": "There is no search in narratives. Ask by the parameters of the type.",
    "_content": "There is no search in whole texts. Ask by the parameters of the type.",
    "_filter": "There are no filter expressions. Ask by parameters, each of which narrows.",
    "_list": "There are no lists. Ask by _id.",
    "_query": "There are no named queries. Ask by the parameters of the type.",
    "_contained": "What is contained in a resource is not searched.",
    "_containedType": "What is contained in a resource is not searched.",
    "_score": "Results have no score.",
}


def of(type: str, name: str, said: str) -> InvalidParameter:
    """`said` follows the name of the parameter."""
    known = where(type, name)
    return InvalidParameter(f"{known} {said}", expression=known) if known else unknown(type, name)


def blank(type: str, name: str) -> InvalidParameter:
    return of(type, name, "has no value. Leave it out, or give it one.")


def unknown(type: str, name: str) -> InvalidParameter:
    """A parameter that the type does not have."""
    base = name.partition(":")[0]
    if base in NOT_SERVED:
        return InvalidParameter(f"{base} is not served. {NOT_SERVED[base]}", expression=base)
    own = search_parameters.searched_by(type)
    known = [*own, *search_parameters.RESULT, "_has"]
    near = nearest(name, known) or nearest(base, known)
    said = f" Did you mean {near}?" if near else f" It has {', '.join(sorted(own))}."
    return InvalidParameter(f"{type} has no such search parameter.{said}", expression=where(type, name))


def modifier(type: str, name: str, served: Iterable[str]) -> InvalidParameter:
    """A modifier that the parameter does not take."""
    asked = name.partition(":")[2]
    takes = sorted(f":{each}" for each in served)
    near = nearest(asked, [each[1:] for each in takes])
    known = where(type, name)
    said = f"Did you mean :{near}?" if near else f"It takes {', '.join(takes)}." if takes else "It takes none."
    return InvalidParameter(f"The modifier of {known or 'this'} is not served here. {said}", expression=known)


def type_of(asked: str, served: Iterable[str], expression: str) -> InvalidParameter:
    """A resource type that does not stand there."""
    types = sorted(served)
    near = nearest(asked, types)
    said = f"Did you mean {near}?" if near else f"There are {', '.join(types)}."
    return InvalidParameter(f"{expression} names a type that is not served there. {said}", expression=expression)


def where(type: str, name: str) -> str | None:
    """The parameter's own name where it is one of ours."""
    base = search_value.base(name)
    known = {*search_parameters.searched_by(type), *search_parameters.RESULT, *NOT_SERVED, "_has"}
    return base if base in known else None


def nearest(name: str, known: Iterable[str]) -> str | None:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None
