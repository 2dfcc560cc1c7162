"""The words of the OpenAPI document: who uses which types, and what each interaction, header and answer is called.

https://spec.openapis.org/oas/v3.1.0#tag-object
"""

from dataclasses import dataclass

from app.child_protection import gate


@dataclass(frozen=True, slots=True)
class Group:
    """Who uses these types, and for what."""

    name: str
    description: str
    types: tuple[str, ...]


GROUPS = (
    Group(
        "Emergency departments and local authorities: child protection",
        "The lookup is `Flag?patient:identifier=`; plan and team come with it. Local authorities upload the three.",
        ("Flag", "CarePlan", "CareTeam"),
    ),
    Group(
        "Families and those who write down what they say: consent",
        "What a family agreed to and what it refused. A refusal is taken with next to nothing.",
        ("Consent",),
    ),
    Group(
        "Health and early-years services: people",
        "The child, the parents, and who has parental responsibility.",
        ("Patient", "RelatedPerson"),
    ),
    Group(
        "Health and early-years services: births and reviews",
        "What was found, with whom, and what was written about it.",
        ("Encounter", "Observation", "QuestionnaireResponse", "DocumentReference"),
    ),
    Group(
        "Everybody: asking and telling",
        "Requests to contact a family, notices, and what is to be done.",
        ("CommunicationRequest", "Communication", "Task"),
    ),
    Group(
        "Everybody: directory",
        "Organisations and the people in them.",
        ("Organization", "Practitioner", "PractitionerRole"),
    ),
    Group(
        "Auditors and information governance: who saw what",
        "The audit is read, never written; Provenance says where a record comes from.",
        ("AuditEvent", "Provenance"),
    ),
    Group("Integration engineers", "The whole system, subscriptions and groups.", ("", "Subscription", "Group")),
)

SUMMARIES = {
    "search-type": "Search for {type}",
    "create": "Record a new {type}",
    "read": "Read a {type}",
    "vread": "Read one version of a {type}",
    "update": "Change a {type}",
    "patch": "Change a part of a {type}",
    "delete": "Say that a {type} was recorded in error",
    "history-instance": "All versions of a {type}",
    "history-type": "What changed among {type}",
    "history-system": "What changed, of every type",
    "batch": "Many requests, each for itself",
    "transaction": "Many requests, all or none (batch: each for itself)",
    "$validate": "Find everything that is wrong with a {type}",
    "$everything": "All that may be seen about a {type}",
    "$match": "Find who is meant",
    "$merge": "Make two records of one person one",
    "$unmerge": "Tell two merged records apart again",
}
STATUS = {"create": "201", "delete": "204"}
HEADERS = {
    "read": ("If-None-Match", "If-Modified-Since"),
    "vread": ("If-None-Match", "If-Modified-Since"),
    "create": ("If-None-Exist", "Idempotency-Key", "Prefer"),
    "update": ("If-Match", "Prefer"),
    "patch": ("If-Match", "Prefer"),
    "delete": ("If-Match", "Prefer"),
    "search-type": ("Prefer",),
    "transaction": ("Prefer",),
    "batch": ("Prefer",),
}
QUERIES = {
    "history-instance": ("_since", "_at", "_count"),
    "history-type": ("_since", "_at", "_count"),
    "history-system": ("_since", "_at", "_count"),
    "$validate": ("mode", "profile"),
    "$everything": ("_since", "_type", "_count", "start", "end"),
}
SHARED_HEADERS = {
    "X-Request-ID": "A UUID of yours, given back and kept in the audit",
    "X-Correlation-ID": "Given back as it came",
    "NHSD-End-User-Organisation-ODS": "The caller's organisation, where a platform states it; it has to be the registered one",
    "If-Match": 'The version that you have seen: W/"2"',
    "If-None-Match": "Answered with 304 where that is the version still",
    "If-Modified-Since": "Answered with 304 where nothing changed since",
    "If-None-Exist": "A search: nothing is created where it finds something",
    "Idempotency-Key": "Yours for this request: sent again with it within a day, it is answered again and done once",
    "Prefer": "return=minimal, representation or OperationOutcome; handling=strict or lenient",
    gate.HEADER: "Of a child-protection lookup: false for a look that leaves no trace with the authority",
}
SEARCH_RESULT = (
    *("_id", "_lastUpdated", "_tag", "_security", "_profile", "_source", "_count", "_total", "_sort", "_summary"),
    *("_elements", "_include", "_include:iterate", "_revinclude", "_revinclude:iterate", "_has"),
)
