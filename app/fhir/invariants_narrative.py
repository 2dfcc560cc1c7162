"""The narrative's XHTML: what may stand in it without being able to act in a reader's browser.

https://hl7.org/fhir/R4/narrative.html#xhtml

Judged by a list of what is allowed, on well-formed XML without comments, CDATA or a DOCTYPE: those are where an XML
parser and a browser read differently, which is how a script would get past.
"""

import re
from xml.parsers import expat

_XHTML = "http://www.w3.org/1999/xhtml "
_ELEMENT_NAMES = """
    a abbr acronym address b big blockquote br caption cite code col colgroup dd del dfn div dl dt em h1 h2 h3 h4 h5 h6 hr
    i img ins kbd li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var
"""
_ATTRIBUTE_NAMES = """
    abbr align alt axis bgcolor border cellpadding cellspacing char charoff class colspan compact datetime dir frame
    headers height hreflang hspace id lang name noshade nowrap rel rev rowspan rules scope shape span start summary title
    type valign value vspace width
"""
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_XML_ATTRIBUTES = frozenset({"http://www.w3.org/XML/1998/namespace lang"})
_LINK = re.compile(r"(https?://|mailto:|tel:|#|[A-Za-z0-9_.~/-]+(\?|#|$))", re.IGNORECASE)
_IMAGE = re.compile(r"(data:image/(png|gif|jpeg);base64,[A-Za-z0-9+/=\s]+|#[A-Za-z0-9.-]+)", re.IGNORECASE)
# A style that could fetch, run or cover the page.
_STYLE = re.compile(r"url|expression|import|script|behavio|binding|position|\\|/\*|<", re.IGNORECASE)


class _Unsafe(Exception):
    """Something that is not on the list."""


def is_safe(div: str) -> bool:
    """txt-1, and well-formed: formatting, links and embedded pictures only."""
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        element = name.removeprefix(_XHTML)
        if element == name or element not in _ELEMENTS or (depth == 0 and element != "div"):
            raise _Unsafe
        for attribute, value in attributes.items():
            if not _attribute_is_safe(element, attribute, value):
                raise _Unsafe
        depth += 1

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    if "<!" in div or "<?" in div:
        return False
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(div, True)
    except (expat.ExpatError, _Unsafe):
        return False
    return True


def has_content(div: str) -> bool:
    """txt-2: some text that is not blank, or a picture."""
    return "<img" in div or bool(re.sub(r"<[^>]*>", "", div).strip())


def _attribute_is_safe(element: str, name: str, value: str) -> bool:
    match name:
        case "href" | "cite" | "longdesc":
            return _LINK.match(value) is not None or value == ""
        case "src":
            return element == "img" and _IMAGE.fullmatch(value) is not None
        case "style":
            return _STYLE.search(value) is None
        case _:
            return name in _ATTRIBUTES or name in _XML_ATTRIBUTES
