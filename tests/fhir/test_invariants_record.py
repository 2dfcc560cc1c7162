"""Our rules on records of care and on Subscriptions, at their edges.

https://hl7.org/fhir/R4/subscription.html; https://www.rfc-editor.org/rfc/rfc6890 (addresses that are not public)
"""

import json
from typing import Any

import pytest

from app.fhir import invariants_record, validation
from app.fhir.schema_definitions import FOLDER

Json = dict[str, Any]


def example(name: str, **changed: Any) -> Json:
    content: Json = json.loads((FOLDER / "examples" / f"{name}.json").read_text("utf-8"))
    return content | changed


def told(resource: Json) -> set[str]:
    return {fault.expression for fault in validation.faults(resource)}


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param("https://hooks.rx999.example/fhir", True, id="a public name"),
        pytest.param("https://hooks.rx999.example:8443/a?b=c", True, id="with a port and a query"),
        pytest.param("https://hooks.rx999.example", True, id="with no path"),
        pytest.param("https://93.184.215.14/fhir", False, id="a number, though a public one"),
        pytest.param("https://[2606:4700::6810:84e5]/", False, id="a number of IPv6"),
        pytest.param("http://hooks.rx999.example/fhir", False, id="in the open"),
        pytest.param("ftp://hooks.rx999.example/fhir", False, id="another scheme"),
        pytest.param("https://user@hooks.rx999.example/", False, id="a user"),
        pytest.param("https://hooks.rx999.example\\@10.0.0.1/", False, id="a user behind a backslash"),
        pytest.param("https://hooks.rx999.example/#x", False, id="a fragment"),
        pytest.param("https://hooks.rx999.example:999999/", False, id="no port at all"),
        pytest.param("https://localhost/", False, id="this machine"),
        pytest.param("https://api.localhost./", False, id="this machine with a full stop"),
        pytest.param("https://printer.local/", False, id="the office"),
        pytest.param("https://metadata.google.internal/", False, id="the data centre"),
        pytest.param("https://intranet/", False, id="a name without a domain"),
        pytest.param("https://127.0.0.1/", False, id="loopback"),
        pytest.param("https://127.1/", False, id="loopback in short"),
        pytest.param("https://2130706433/", False, id="loopback as one number"),
        pytest.param("https://0x7f.0x0.0x0.0x1/", False, id="loopback in hexadecimal"),
        pytest.param("https://10.1.2.3/", False, id="a private number"),
        pytest.param("https://169.254.169.254/latest", False, id="the cloud's own address"),
        pytest.param("https://[::1]/", False, id="loopback of IPv6"),
        pytest.param("https://[fe80::1]/", False, id="the same wire"),
        pytest.param("https://[::ffff:127.0.0.1]/", False, id="loopback mapped"),
        pytest.param("https:///fhir", False, id="nowhere"),
        pytest.param("https://[::1/", False, id="what cannot be read"),
    ],
)
def test_where_a_subscription_may_lead(endpoint: str, expected: bool) -> None:
    whole = example("subscription-to-own-tasks")
    whole["channel"]["endpoint"] = endpoint
    assert ("Subscription.channel.endpoint" not in told(whole)) is expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("observation-birth-weight", {"valueQuantity": 99}, False),
        ("observation-birth-weight", {"valueQuantity": 100}, True),
        ("observation-birth-weight", {"valueQuantity": 9999}, True),
        ("observation-birth-weight", {"valueQuantity": 10000}, False),
        ("observation-gestation", {"valueQuantity": 14}, False),
        ("observation-gestation", {"valueQuantity": 46}, True),
        ("observation-number-of-fetuses", {"valueInteger": 9}, True),
        ("observation-number-of-fetuses", {"valueInteger": 10}, False),
        ("observation-development-communication", {"valueInteger": 0}, True),
        ("observation-development-communication", {"valueInteger": 60}, True),
        ("observation-development-communication", {"valueInteger": 42}, False),
        ("observation-development-communication", {"valueInteger": -5}, False),
    ],
)
def test_a_number_is_one_that_can_be_so(name: str, value: Json, expected: bool) -> None:
    whole = example(name)
    if "valueQuantity" in value:
        whole["valueQuantity"]["value"] = value["valueQuantity"]
    else:
        whole |= value
    assert (told(whole) == set()) is expected


def test_a_document_inside_is_small() -> None:
    whole = example("document-reference-development-letter")
    whole["content"][0]["attachment"]["data"] = "A" * invariants_record.MOST_DATA
    assert told(whole) == set()
    whole["content"][0]["attachment"]["data"] += "AAAA"
    assert told(whole) == {"DocumentReference.content[0].attachment.data"}
