"""The second wall: a statement that reads a protected table without a decision in it does not run.

The first wall is `visible`, which renders the predicate wherever such a table is read. This one looks at the finished SQL,
at the driver, in tests and in production alike. What the service reads for itself (to compile consents, to update) says
why in a comment at its start. Versions, the audit and the access history are added to and never changed, by anyone.
"""

import re
from functools import lru_cache

PROTECTED = ("resource", "resource_version", "audit_event", "child_protection_access")
APPEND_ONLY = ("resource_version", "audit_event", "child_protection_access")
VISIBLE = "/* visible */"
_SELF = re.compile(r"/\* for the service itself: [^*]+ \*/")
_FAN_OUT = re.compile(r"/\* fan-out: [^*]+ \*/")
_GAP = r"(?:[\s(]|/\*.*?\*/)*"  # SQLAlchemy puts a prefix between UPDATE and the table
# As a table or a partition of it, not before a column.
_NAME = rf'(?:\bONLY\b{_GAP})?(?:"?\w+"?\.)?"?\b({"|".join(PROTECTED)})(?:_default|_\d{{4}}_\d\d)?\b(?!"?\.)'
_READ = re.compile(rf"(?:\b(?:FROM|JOIN|USING|TABLE|COPY)\b|,){_GAP}{_NAME}", re.IGNORECASE | re.DOTALL)
_CHANGE = re.compile(
    rf"\b(?:UPDATE|DELETE\b{_GAP}FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?)\b{_GAP}{_NAME}", re.IGNORECASE | re.DOTALL
)
_BUCKET = re.compile(r"\bbucket\s*(?:=\s*(?:\$|ANY\b)|IN\b)", re.IGNORECASE)  # given, not taken from another row
_SCHEMA = re.compile(
    r"\s*(?:CREATE|ALTER|DROP|GRANT|REVOKE|COMMENT|VACUUM|ANALYZE)\b(?!.*\bAS[\s(]+(?:SELECT|TABLE|WITH)\b)",
    re.IGNORECASE | re.DOTALL,
)


class UnguardedStatement(RuntimeError):
    """A defect of ours: says which table, never the statement's values."""


@lru_cache(maxsize=512)  # the statements are few, since values are bound, and reading one takes a millisecond
def check(sql: str) -> str:
    """The same SQL. Raises UnguardedStatement where it could read a row without asking."""
    if _SCHEMA.match(sql):
        return sql
    reads, changes = _READ.findall(sql), _CHANGE.findall(sql)
    if not reads and not changes:
        return sql
    if kept := [table for table in changes if table in APPEND_ONLY]:
        raise UnguardedStatement(f"{kept[0]} is only ever added to.")
    if not _SELF.search(sql):
        if changes:
            raise UnguardedStatement(f"{changes[0]} is changed without saying why.")
        if len(reads) != sql.count(VISIBLE):
            raise UnguardedStatement(f"{reads[0]} is read without a predicate.")
    if not _BUCKET.search(sql) and not _FAN_OUT.search(sql):
        raise UnguardedStatement(f"{(reads + changes)[0]} is read in every bucket without saying why.")
    return sql


def for_itself(reason: str) -> str:
    """The comment at the start of a statement by which the service reads for itself."""
    return f"/* for the service itself: {reason} */"


def fan_out(reason: str) -> str:
    """The comment of a statement that must ask every bucket."""
    return f"/* fan-out: {reason} */"
