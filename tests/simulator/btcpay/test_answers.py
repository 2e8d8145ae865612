"""Single answers and refusals of the double against the recorded ones."""

import base64
import re

import httpx
import pytest

from tests.simulator.btcpay.likeness import Likeness
from tests.simulator.btcpay.openapi import Json
from tests.simulator.btcpay.world import RECORDED, World, recording, world

REFUSALS = sorted(path.stem for path in RECORDED.glob("error-*.json"))
# What a fresh server answers, without an invoice in it.
ANSWERS = [
    "api-keys-current",
    "health",
    "invoices-empty",
    "lightning-balance",
    "lightning-channels",
    "lightning-info",
    "misc-permissions",
    "misc-permissions-no-auth",
    "misc-rate-sources",
    "payment-methods",
    "payment-methods-config-owner",
    "payment-methods-only-enabled",
    "payment-requests-empty",
    "payout-processors-empty",
    "payouts-empty",
    "pull-payments-empty",
    "rates",
    "rates-configuration",
    "rates-configuration-fallback",
    "rates-no-source",
    "rates-two",
    "server-info",
    "store",
    "stores",
    "wallet",
    "wallet-feerate",
    "wallet-feerate-6",
    "wallet-transactions-empty",
    "wallet-utxos-empty",
    "webhooks-empty",
]
OWN, FOREIGN = "C8H1yvN6ZamjevMuWkHJcPvnWH8RsCHegqKu1oZRy3ES", "CYvXnr66SLVQCqVgnU65zGabszcpCLTBAzCiEz8B5q1j"
WEBHOOK = "PW4YjC3FhFYGbLADA7vMwL"
_MOMENT = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d")
_PASSWORD = base64.b64encode(b"admin@example.com:password").decode()


def _who(world: World, name: str, authorization: str | None) -> str | None:
    """The header of whoever asked when it was recorded."""
    if authorization is None or authorization.startswith("Basic"):
        return authorization and f"Basic {_PASSWORD}"
    if name in ("error-bad-key", "error-key-deleted"):
        return "token 0123456789012345678901234567890123456789"
    if "missing-permission" in name:
        return f"token {world.btcpay.add_key(world.store, 'canviewinvoices', label='narrow').secret}"
    strong = "create", "webhook", "wrong-method", "-owner", "not-found", "lightning-info", "lightning-b", "lightning-c"
    monitoring = "monitor" in name or not any(each in name for each in strong)
    return "monitor" if monitoring else "owner"


async def _ask(world: World, name: str, likeness: Likeness) -> httpx.Response:
    request = recording(name)["request"]
    body = request.get("body")
    sent = body.encode() if isinstance(body, str) else body
    who = _who(world, name, request["authorization"])
    path = likeness.translate(request["path"])
    return await world.call(request["method"], path, sent, request.get("query"), who)


def _same(recorded: Json, answer: httpx.Response, likeness: Likeness) -> None:
    assert answer.status_code == recorded["http_status"], answer.text
    missing = recorded.get("headers", {}).keys() - answer.headers.keys()
    assert not missing
    for header in recorded.get("headers", {}).keys() - {"location"}:
        assert answer.headers[header] == recorded["headers"][header]
    ours = answer.json() if answer.content else ""
    if isinstance(ours, dict) and "message" in ours:
        assert _MOMENT.sub("", ours.pop("message")) == _MOMENT.sub("", recorded["response"].pop("message"))
    likeness.compare(recorded["response"], ours)


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_recorded_refusal_comes_in_the_same_words(name: str) -> None:
    """Status, headers, code and sentence are BTCPay's own."""
    async with world() as made:
        other = made.btcpay.add_store("other")
        other.lightning = None
        likeness = Likeness(0, 0)
        likeness.bind(OWN, made.store.id)
        likeness.bind(FOREIGN, other.id)
        likeness.bind(WEBHOOK, await made.register())
        _same(recording(name), await _ask(made, name, likeness), likeness)


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_fresh_server_answers_as_recorded(name: str) -> None:
    """Values, names and order of fields are BTCPay's own."""
    recorded = recording(name)
    async with world() as made:
        likeness = Likeness(0, 0)
        likeness.bind(OWN, made.store.id)
        if "label" in (found := recorded["response"]) and found["label"].startswith("tpub"):
            likeness.bind(found["label"], made.store.account)
        answer = await _ask(made, name, likeness)
        _same(recorded, answer, likeness)


def _shape(value: Json) -> Json:
    """Names and kinds; of a list its first element."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    return [_shape(each) for each in value[:1]] if isinstance(value, list) else type(value).__name__


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("wallet-funded", "payment-methods/BTC-CHAIN/wallet"),
        ("wallet-transactions", "payment-methods/BTC-CHAIN/wallet/transactions"),
        ("wallet-utxos", "payment-methods/BTC-CHAIN/wallet/utxos"),
        ("lightning-invoices", "lightning/BTC/invoices"),
        ("lightning-payments", "lightning/BTC/payments"),
        ("payment-requests", "payment-requests"),
        ("payout-processors", "payout-processors"),
        ("webhooks", "webhooks"),
        ("notifications-after", "../../users/me/notifications"),
        ("webhook-deliveries-count-3", "webhooks/{hook}/deliveries"),
    ],
)
async def test_a_server_in_use_answers_in_the_recorded_form(name: str, path: str) -> None:
    """Names, order and kinds of fields are those of the recording."""
    async with world() as made:
        hook = await made.register()
        made.btcpay.pay_over_lightning(await made.create())
        made.btcpay.pay_on_chain(await made.create())
        made.coins.mine()
        await made.node.pay(made.node.elsewhere(5_000_000))
        await made.call("POST", f"{made.base}/payment-requests", {"amount": "10", "title": "Invoice 17"})
        await made.call(
            "PUT",
            f"{made.base}/payout-processors/LightningAutomatedPayoutSenderFactory/BTC-LN",
            {"intervalSeconds": 60},
        )
        await made.btcpay.settle()
        where = f"{made.base}/{path.format(hook=hook)}".replace(f"stores/{made.store.id}/../../", "")
        answer = (await made.call("GET", where, authorization=f"Basic {_PASSWORD}")).json()
    recorded = recording(name)["response"]
    assert _shape(answer) == _shape(recorded)
    ours, theirs = (each[0] if isinstance(each, list) else each for each in (answer, recorded))
    assert list(ours) == list(theirs)


async def test_the_checkout_page_is_there_as_long_as_its_invoice() -> None:
    """200 with BTCPay's title for an invoice, 404 for what is none; nobody has to log in."""
    async with world() as made:
        invoice = await made.create()
        found = await made.call("GET", f"/i/{invoice.id}", authorization=None)
        unknown = await made.call("GET", "/i/nosuch", authorization=None)
    recorded = recording("checkout-page")
    assert (found.status_code, unknown.status_code) == (200, 404)
    assert recorded["title"] in found.text
    assert found.headers["content-type"] == recorded["headers"]["content-type"]
    assert found.headers["server"] == "Kestrel"


async def test_a_key_does_no_more_than_its_user_and_its_scope() -> None:
    """A revoked store is 403, a list of stores holds what is left, a deleted key is 401."""
    async with world() as made:
        other = made.btcpay.add_store("other")
        wide = made.btcpay.core.credentials.key(
            "w" * 40, made.btcpay.owner, "wide", "btcpay.store.canviewstoresettings"
        )
        both = await made.call("GET", "/api/v1/stores", authorization=f"token {wide.secret}")
        made.btcpay.owner.stores.remove(other.id)
        one = await made.call("GET", "/api/v1/stores", authorization=f"Bearer {wide.secret}")
        revoked = await made.call("GET", f"/api/v1/stores/{other.id}/invoices", authorization=f"token {wide.secret}")
        await made.call("DELETE", "/api/v1/api-keys/current", authorization=f"token {wide.secret}")
        gone = await made.call("GET", "/api/v1/stores", authorization=f"token {wide.secret}")
    assert [len(both.json()), len(one.json())] == [2, 1]
    assert (revoked.status_code, revoked.json()["code"]) == (403, "missing-permission")
    assert gone.status_code == 401


@pytest.mark.parametrize(("flat", "status"), [(False, 403), (True, 200)])
async def test_an_invoice_is_found_in_its_own_store_alone(flat: bool, status: int) -> None:
    """By the flat route a key sees it, by the route of another store it is 403 as if it did not exist."""
    async with world() as made:
        other, invoice = made.btcpay.add_store("other"), await made.create()
        base = "/api/v1" if flat else f"/api/v1/stores/{other.id}"
        answer = await made.call("GET", f"{base}/invoices/{invoice.id}", authorization=f"Basic {_PASSWORD}")
    assert answer.status_code == status
