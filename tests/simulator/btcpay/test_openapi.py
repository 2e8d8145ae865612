"""The recordings themselves against BTCPay's OpenAPI document, by the validator that also holds the double to it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lnwatch.simulator.btcpay import Exchange
from tests.simulator.btcpay.openapi import NOT_NULLABLE, OTHER_TYPE, Json, document
from tests.simulator.btcpay.world import RECORDED


def _recorded() -> Iterator[tuple[str, Exchange]]:
    for path in sorted(RECORDED.glob("*.json")):
        found = json.loads(path.read_text())
        if isinstance(found, dict) and "request" in found:
            request = found["request"]
            yield path.name, _exchange(request["method"], request["path"], request.get("body"), found)
    for path in sorted((RECORDED / "stories").iterdir()):
        for step in json.loads(path.read_text())["steps"]:
            if "call" in step:
                method, where = step["call"].split(" ")
                yield f"{path.name} {step['t']}", _exchange(method, where, step.get("body"), step)


def _exchange(method: str, path: str, body: Json, found: dict[str, Any]) -> Exchange:
    sent = b"" if body is None or isinstance(body, str) else json.dumps(body).encode()
    return Exchange(method, path, {}, sent, found["http_status"], found["response"] or None)


def test_the_recordings_are_as_documented() -> None:
    """What a real BTCPay answered passes, so that what the validator holds against the double is the double's."""
    documented = document()
    documented.excused.clear()
    faults = [f"{name}: {fault}" for name, each in _recorded() for fault in documented.faults(each)]
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)
    assert documented.excused == NOT_NULLABLE | OTHER_TYPE


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "Paid"), ("amount", "ten"), ("createdTime", "now"), ("archived", None), ("storeId", 7)],
)
def test_a_wrong_answer_is_seen(field: str, value: object) -> None:
    """A value of another type or of no documented kind is named."""
    step = json.loads((RECORDED / "stories" / "01-lightning-paid.json").read_text())["steps"][0]
    method, where = step["call"].split(" ")
    wrong = _exchange(method, where, step["body"], step | {"response": step["response"] | {field: value}})
    assert [field in fault for fault in document().faults(wrong)] == [True]
