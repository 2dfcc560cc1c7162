"""Which media types are read and written: FHIR's JSON, R4, in UTF-8, however a client names it.

https://hl7.org/fhir/R4/http.html#mime-type; https://www.rfc-editor.org/rfc/rfc9110#name-accept
"""

from functools import lru_cache

FHIR_JSON = "application/fhir+json"
FORM = "application/x-www-form-urlencoded"
_JSON = (FHIR_JSON, "application/json", "text/json")
_RANGES = frozenset({"*/*", "application/*", "text/*", *_JSON})
_SHORT = "json"
_READ = {"charset": ("utf-8", "utf8"), "fhirversion": ("4.0", "4.0.1")}


@lru_cache(maxsize=256)  # clients send the same few
def accepts_json(accept: str) -> bool:
    """Whether an Accept header takes FHIR R4 in JSON. The range that says most of a media type decides."""
    qualities: dict[str, float] = {}
    for each in accept.split(","):
        name, parameters = _parted(each)
        quality = _quality(parameters.pop("q", "1"))
        if name in _RANGES and _is_read(parameters):
            qualities[name] = max(quality, qualities.get(name, 0))
    return any(_of(media_type, qualities) > 0 for media_type in _JSON)


@lru_cache(maxsize=256)
def is_format(value: str) -> bool:
    """Whether a `_format` asks for JSON. A plus sign in a URL is read as a space."""
    name, parameters = _parted(value.replace(" ", "+", 1) if value.startswith("application/fhir ") else value)
    return name in (*_JSON, _SHORT) and _is_read(parameters)


@lru_cache(maxsize=256)
def is_json(content_type: str) -> bool:
    """Whether a body of this Content-Type is FHIR R4 in JSON and UTF-8."""
    return _is(content_type, _JSON)


@lru_cache(maxsize=256)
def is_form(content_type: str) -> bool:
    """Whether a body of this Content-Type is a form in UTF-8."""
    return _is(content_type, (FORM,))


def _is(content_type: str, names: tuple[str, ...]) -> bool:
    name, parameters = _parted(content_type)
    return name in names and _is_read(parameters)


def _of(media_type: str, qualities: dict[str, float]) -> float:
    kind = media_type.partition("/")[0]
    for name in (media_type, f"{kind}/*", "*/*"):
        if name in qualities:
            return qualities[name]
    return 0


def _parted(text: str) -> tuple[str, dict[str, str]]:
    """A media type in lower case and its parameters."""
    name, *rest = text.split(";")
    pairs = (each.partition("=") for each in rest if each.strip())
    return name.strip().lower(), {key.strip().lower(): value.strip().strip('"').lower() for key, _, value in pairs}


def _is_read(parameters: dict[str, str]) -> bool:
    return all(value in _READ[name] for name, value in parameters.items() if name in _READ)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0
