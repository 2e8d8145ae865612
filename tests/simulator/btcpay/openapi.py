"""A small validator over the part of JSON Schema that BTCPay's OpenAPI document uses, relaxed where it is wrong."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lnwatch.simulator.btcpay import Exchange

Json = Any  # what JSON can hold

# Lies beside the repository, where the reference does; it is BTCPay's own and no part of this one.
DOCUMENT = Path(__file__).parents[4] / "shared" / "reference" / "btcpay-greenfield-2.4.1.openapi.json"

# Where BTCPay 2.4.1 does not answer as its own document says; each was seen in a recording, none is idle.
NOT_NULLABLE = frozenset(
    {"defaultPaymentMethod", "destination", "errorMessage", "id", "onion", "paymentProof", "preferredSource", "rate"}
)
OTHER_TYPE = frozenset(
    {
        ("BOLT11Expiration", "string", "int"),
        ("amount", "string", "float"),
        ("blockHeight", "string", "int"),
        ("confirmations", "string", "int"),
        ("date", "string", "int"),
        ("invoiceAmount", "string", "float"),
        ("labels", "array", "dict"),
        ("paymentAmountNow", "string", "float"),
        ("paymentAmountThen", "string", "float"),
        ("paymentMethodCriteria", "object", "list"),
        ("spread", "string", "float"),
        ("threshold", "string", "float"),
    }
)
# Its answer is a list, which the document calls an object.
OTHERWISE = frozenset({"/api/v1/users/me/notifications"})
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


class Document:
    """The OpenAPI document of one version. `excused` is what was used of the two lists above."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.excused: set[Any] = set()
        self._schemas = document
        aliases: dict[str, str] = document.get("x-nested-aliases") or document["info"].get("x-nested-aliases") or {}
        paths = document["paths"] | {nested: document["paths"][flat] for nested, flat in aliases.items()}
        self._paths = [
            (re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)), item)
            for path, item in sorted(paths.items(), key=lambda each: each[0].count("{"))
        ]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """What the document says of a call; None where it says nothing."""
        for pattern, item in self._paths:
            if pattern.fullmatch(path) and method.lower() in item and path not in OTHERWISE:
                found: dict[str, Any] = item[method.lower()]
                return found
        return None

    def faults(self, exchange: Exchange) -> list[str]:
        """What is not as documented of one request and its answer."""
        operation = self.operation(exchange.method, exchange.path)
        if operation is None:
            return []
        found: list[str] = []
        where = f"{exchange.method} {exchange.path} {exchange.status}"
        body = self._content(operation.get("requestBody"))
        if body is not None and exchange.sent and exchange.status < 400:
            found += self._check(body, json.loads(exchange.sent), f"{where} request", "")
        answer = self._content(operation.get("responses", {}).get(str(exchange.status)))
        if answer is not None and exchange.answered is not None and exchange.status < 400:
            found += self._check(answer, exchange.answered, f"{where} answer", "")
        return found

    def _content(self, part: Json) -> dict[str, Any] | None:
        if part is None:
            return None
        content = self._resolve(part).get("content", {}).get("application/json")
        return None if content is None else content.get("schema")

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self._schemas
            for name in schema["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            schema = found
        return schema

    def _check(self, schema: dict[str, Any], value: Json, where: str, name: str) -> Iterable[str]:
        schema = self._resolve(schema)
        if value is None:
            if not schema.get("nullable") and "type" in schema:
                yield from self._unless(name, NOT_NULLABLE, f"{where}: null")
            return
        for part in schema.get("allOf", ()):
            yield from self._check(part, value, where, name)
        for kind in ("oneOf", "anyOf"):
            options = schema.get(kind)
            if options and not any(not list(self._check(each, value, where, name)) for each in options):
                yield f"{where}: none of {kind}"
        wanted = schema.get("type")
        if wanted is not None and not _is(wanted, value):
            excuse = (name, wanted, type(value).__name__)
            yield from self._unless(excuse, OTHER_TYPE, f"{where}: {value!r:.80} is no {wanted}")
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is none of {schema['enum']}"
        if schema.get("format") == "decimal" and isinstance(value, str) and not _decimal(value):
            yield f"{where}: {value!r} is no decimal"
        yield from self._inside(schema, value, where, name)

    def _unless(self, excuse: Json, excuses: frozenset[Any], fault: str) -> Iterable[str]:
        if excuse in excuses:
            self.excused.add(excuse)
        else:
            yield fault

    def _inside(self, schema: dict[str, Any], value: Json, where: str, name: str) -> Iterable[str]:
        if isinstance(value, dict):
            for needed in schema.get("required", ()):
                if needed not in value:
                    yield f"{where}: {needed} is missing"
            for field, part in schema.get("properties", {}).items():
                if field in value:
                    yield from self._check(part, value[field], f"{where}.{field}", field)
        if isinstance(value, list) and "items" in schema:
            for at, each in enumerate(value):
                yield from self._check(schema["items"], each, f"{where}[{at}]", "")


def _is(kind: str, value: Json) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _decimal(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True


@cache
def _loaded() -> Document | None:
    return Document(json.loads(DOCUMENT.read_text())) if DOCUMENT.exists() else None


def document() -> Document:
    """The document, where it is at hand; the test is skipped where it is not."""
    found = _loaded()
    if found is None:
        pytest.skip(f"{DOCUMENT.name} is not at hand")
    return found


def undocumented(exchanges: Iterable[Exchange]) -> None:
    """Fail for each request and answer that is not as documented, where the document is at hand."""
    found = _loaded()
    faults = [fault for each in exchanges for fault in found.faults(each)] if found is not None else []
    if faults:
        pytest.fail("\n".join(dict.fromkeys(faults)), pytrace=False)
