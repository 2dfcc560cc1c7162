"""A batch or transaction as it was sent: read strictly, each entry a request that may be made.

https://hl7.org/fhir/R4/http.html#transaction; https://hl7.org/fhir/R4/bundle.html

What is wrong with the Bundle itself refuses the whole of it, with its place. What is wrong with what an entry asks for is
the entry's own answer. A resource in an entry is not looked at here: the interaction holds it to its profile.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from app.fhir import outcome, validation
from app.fhir.errors import Issue, Malformed, TooLarge

_TYPES = ("batch", "transaction")
_OF_BUNDLE = ("resourceType", "id", "meta", "identifier", "type", "timestamp", "entry")
_OF_ENTRY = ("fullUrl", "resource", "request")
_SENDS = ("POST", "PUT", "PATCH")
_HEADERS = {
    "ifMatch": ("if-match", ("PUT", "PATCH", "DELETE")),
    "ifNoneExist": ("if-none-exist", ("POST",)),
    "ifNoneMatch": ("if-none-match", ("GET", "HEAD")),
    "ifModifiedSince": ("if-modified-since", ("GET", "HEAD")),
}
_SEGMENT = r"(?!\.{1,2}(?:[/?]|$))[A-Za-z0-9\-._$]{1,64}"
_URL = re.compile(rf"({_SEGMENT}(?:/{_SEGMENT}){{0,4}})?(?:\?([!$-~]*))?")  # "#" and blanks have no place in it
_PRINTABLE = re.compile(r"[ -~]+")


@dataclass(frozen=True, slots=True)
class Requested:
    """One entry. `path` is below [base]; `headers` are those of `Bundle.entry.request`, by their HTTP names."""

    index: int
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    full_url: str | None
    resource: dict[str, Any] | None

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.index}]"

    @property
    def is_search(self) -> bool:
        return self.method == "POST" and self.path.rpartition("/")[2] == "_search"

    @property
    def is_operation(self) -> bool:
        return "$" in self.path

    @property
    def creates(self) -> bool:
        """Whether it is a create, or an update by condition, which may become one."""
        return "/" not in self.path and (self.method == "POST" or (self.method == "PUT" and bool(self.query)))

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, so that it does not matter what runs beside it."""
        return self.method in ("GET", "HEAD") or self.is_search


def read(bundle: dict[str, Any], most: int) -> tuple[str, list[Requested]]:
    """The type and the entries. Raises Malformed, with the place of each fault, and TooLarge for more than `most`."""
    entries = bundle.get("entry", ())
    if isinstance(entries, list) and len(entries) > most:
        raise TooLarge(f"A Bundle may have {most} entries.", expression="Bundle.entry")
    if bundle.get("type") not in _TYPES:
        raise Malformed("Send a Bundle of type batch or transaction here.", expression="Bundle.type")
    if issues := list(_without_request(entries)):
        raise Malformed("The Bundle is not valid.", issues=tuple(issues))
    if found := validation.base_faults(_without_resources(bundle)):
        raise Malformed("The Bundle is not valid.", issues=outcome.issues(found))
    if issues := [*_unknown(bundle, _OF_BUNDLE, "Bundle"), *_repeated(entries)]:
        raise Malformed("The Bundle is not valid.", issues=tuple(issues))
    read = [_entry(index, entry) for index, entry in enumerate(entries)]
    if issues := [issue for each in read if isinstance(each, list) for issue in each]:
        raise Malformed("The Bundle is not valid.", issues=tuple(issues))
    return bundle["type"], [each for each in read if isinstance(each, Requested)]


def _without_resources(bundle: dict[str, Any]) -> dict[str, Any]:
    """The Bundle alone, since a fault in one entry's resource must not refuse the others."""
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return bundle
    return bundle | {"entry": [_without_resource(entry) if isinstance(entry, dict) else entry for entry in entries]}


def _without_request(entries: Any) -> Iterator[Issue]:
    for index, entry in enumerate(entries):
        if isinstance(entry, dict) and "request" not in entry:
            yield Issue("required", "Say what this entry asks for.", f"Bundle.entry[{index}].request")


def _without_resource(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "resource"}


def _unknown(value: dict[str, Any], known: tuple[str, ...], place: str) -> Iterator[Issue]:
    for name in value:
        if name not in known:
            yield Issue("not-supported", f"Leave this out: only {', '.join(known)} are read here.", f"{place}.{name}")


def _repeated(entries: Any) -> Iterator[Issue]:
    """https://hl7.org/fhir/R4/bundle.html#invs (bdl-7), and no meta.versionId makes two of one here."""
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        url = entry.get("fullUrl")
        if url is not None and url in seen:
            yield Issue("duplicate", "Another entry has the same fullUrl.", f"Bundle.entry[{index}].fullUrl")
        seen.add(url)


def _entry(index: int, entry: dict[str, Any]) -> Requested | list[Issue]:
    place = f"Bundle.entry[{index}]"
    request, resource = entry["request"], entry.get("resource")
    method, url = request["method"], _URL.fullmatch(request["url"])
    issues = [
        *_unknown(entry, _OF_ENTRY, place),
        *_unknown(request, ("method", "url", *_HEADERS), f"{place}.request"),
        *_url_issues(method, url, f"{place}.request.url"),
        *_header_issues(method, request, f"{place}.request"),
    ]
    if url:
        issues += _resource_issues(method, url[1] or "", resource, f"{place}.resource")
    if issues or url is None:
        return issues
    headers = tuple((_HEADERS[name][0], _header(name, request[name])) for name in _HEADERS if name in request)
    return Requested(index, method, url[1] or "", url[2] or "", headers, entry.get("fullUrl"), resource)


def _url_issues(method: str, url: re.Match[str] | None, place: str) -> Iterator[Issue]:
    if url is None:
        say = "A URL here is relative to [base], without a slash at its start: Patient/[id], Patient?identifier=..."
        yield Issue("value", say, place)
    elif not url[1] and (method != "GET" or not url[2]):
        yield Issue("value", "Name a type: a Bundle inside a Bundle is not taken.", place)


def _header_issues(method: str, request: dict[str, Any], place: str) -> Iterator[Issue]:
    for name, (_, methods) in _HEADERS.items():
        if name in request and method not in methods:
            yield Issue("value", f"This goes with {' or '.join(methods)}.", f"{place}.{name}")
        elif name in request and not _PRINTABLE.fullmatch(request[name]):
            yield Issue("value", "Printable ASCII alone; encode anything else as in a URL.", f"{place}.{name}")


def _resource_issues(method: str, path: str, resource: object, place: str) -> Iterator[Issue]:
    sends = method in _SENDS and not path.endswith("/_search")
    if sends and resource is None and "$" not in path:
        yield Issue("required", f"A {method} sends a resource.", place)
    elif not sends and resource is not None:
        yield Issue("structure", "This request has no use for a resource.", place)
    elif resource is not None and not isinstance(resource, dict):
        yield Issue("structure", "A resource is a JSON object.", place)
    elif isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
        yield Issue("not-supported", "A Bundle inside a Bundle is not taken.", place)


def _header(name: str, value: str) -> str:
    if name != "ifModifiedSince":
        return value
    return format_datetime(datetime.fromisoformat(value).astimezone(UTC), usegmt=True)
