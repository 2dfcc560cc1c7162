"""FHIRPath as the constraints of profiles use it, run by fhirpathpy.

https://hl7.org/fhir/R4/fhirpath.html; http://hl7.org/fhirpath/N1

fhirpathpy is loaded when the first expression is compiled, and what it cannot run is refused then: it would otherwise find
out in the middle of a request, or take half of a mistyped expression for the whole.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from app.fhir import coding, invariants_narrative, schema_terminology

Holds = Callable[[Any, dict[str, Any]], bool]
"""Of a value (a resource, or an element of it) and the resource that it is in."""


class NotFHIRPath(ValueError):
    """An expression that cannot be run here."""


def compiled(expression: str, path: str) -> Holds:
    """Whether an expression is true of a value at `path`, such as `Patient.contact`. Raises NotFHIRPath."""
    import fhirpathpy
    from fhirpathpy.engine.nodes import ResourceNode
    from fhirpathpy.models import models

    _check(expression)
    # Within select() an expression has a $this, which fhirpathpy does not give it outermost.
    # A trace() is not printed: it would put what is in somebody's record into a log.
    options = {"userInvocationTable": _FUNCTIONS, "traceFn": lambda *_: None}
    run = fhirpathpy.compile(f"select({expression})", models["r4"], options)

    def holds(value: Any, resource: dict[str, Any]) -> bool:
        whole = copy.deepcopy(resource)  # fhirpathpy writes into what it is given
        node: Any = whole
        if value is not resource or "resourceType" not in resource:  # of what says no type itself, the path is told
            node = ResourceNode(copy.deepcopy(value), path, None, None, None)  # type: ignore[no-untyped-call]  # as said
        found: list[Any] = list(run(node, {"resource": whole, "rootResource": whole}))
        return found != [] and found != [False]

    return holds


def _check(expression: str) -> None:
    """That the whole of it is FHIRPath, and that each of its functions is there."""
    from antlr4 import CommonTokenStream, InputStream
    from antlr4.error.ErrorListener import ErrorListener
    from fhirpathpy.engine.invocations import invocation_registry
    from fhirpathpy.parser import parse
    from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
    from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

    class Strict(ErrorListener):  # type: ignore[misc]  # published without types
        def syntaxError(self, recognizer: Any, symbol: Any, line: int, column: int, msg: str, e: Any) -> None:
            raise NotFHIRPath(f"at character {column}: {msg}")

    lexer = FHIRPathLexer(InputStream(expression))
    parser = FHIRPathParser(CommonTokenStream(lexer))
    for part in (lexer, parser):
        part.removeErrorListeners()
        part.addErrorListener(Strict())
    parser.expression()
    rest = parser.getCurrentToken()
    if rest.type != -1:
        raise NotFHIRPath(f"at character {rest.start}: the expression ends before this")
    for name in _functions(parse(expression)):  # type: ignore[no-untyped-call]  # likewise
        if name not in invocation_registry and name not in _FUNCTIONS:
            raise NotFHIRPath(f"the function {name} is not known here")


def _functions(node: dict[str, Any]) -> Iterator[str]:
    children = node.get("children", ())
    if node.get("type") == "Functn":
        yield children[0]["text"]
    for child in children:
        yield from _functions(child)


def _member_of(values: list[Any], value_set: str) -> list[bool]:
    """memberOf(): https://hl7.org/fhir/R4/fhirpath.html#functions. Of the codings of a concept one is enough."""
    allowed = schema_terminology.codes(value_set) or {}
    return [any(code in allowed.get(system or "", ()) for system, code in _codes(value)) for value in values]


def _codes(value: Any) -> Iterator[tuple[str | None, Any]]:
    match value:
        case {"coding": [*codings]}:
            for each in codings:
                yield from _codes(each)
        case {"code": code}:
            yield coding.canonical(str(value.get("system", ""))), code


def _html_checks(values: list[Any]) -> list[bool]:
    """htmlChecks(), which HL7 defines for the narrative alone."""
    return [invariants_narrative.is_safe(value) and invariants_narrative.has_content(value) for value in values]


_FUNCTIONS: dict[str, dict[str, Any]] = {
    "memberOf": {"fn": _member_of, "arity": {1: ["String"]}},
    "htmlChecks": {"fn": _html_checks, "arity": {0: []}},
}
