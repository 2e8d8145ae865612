"""What BTCPay tells: proved, stored, answered, counted, and passed on once."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.errors import FailureReason
from lnwatch.web.hooks import MOST_BYTES, Result, signed
from tests.sources.btcpay.recordings import FOLDER
from tests.web.hooks import METRIC, PATH, SECRET, STORE, Porch, body_of, signature
from tests.web.test_server import serving

BODY = body_of()
NEW_TYPE = body_of(type="InvoiceTeleported", deliveryId="D2", originalDeliveryId="D2", somethingNew={"x": [1.5]})


@pytest.mark.parametrize(
    ("body", "sent", "status", "result"),
    [
        (BODY, None, 200, "accepted"),
        (BODY.replace(b"\n", b"\r\n"), None, 200, "accepted"),
        (NEW_TYPE, None, 200, "unknown_type"),
        (BODY, "", 401, "bad_signature"),
        (BODY, "sha256=", 401, "bad_signature"),
        (BODY, "sha256=" + "0" * 64, 401, "bad_signature"),
        (BODY, signature(BODY, "another"), 401, "bad_signature"),
        (BODY, signature(BODY).removeprefix("sha256="), 401, "bad_signature"),
        (BODY, signature(BODY).replace("sha256", "sha1"), 401, "bad_signature"),
        (BODY, signature(BODY) + "00", 401, "bad_signature"),
        (BODY, "sha256=é" + "0" * 63, 401, "bad_signature"),
        (BODY, signature(BODY + b" "), 401, "bad_signature"),
        (b"", None, 400, "malformed"),
        (b"not JSON", None, 400, "malformed"),
        (b"[]", None, 400, "malformed"),
        (b'{"a": 1e999999999}', None, 400, "malformed"),
        (b"[" * 100_000, None, 400, "malformed"),
        (b"\xff\xfe{}", None, 400, "malformed"),
        (body_of(deliveryId=None), None, 400, "malformed"),
        (body_of(type=None), None, 400, "malformed"),
        (body_of(timestamp="soon"), None, 400, "malformed"),
        (body_of(storeId="AnotherStore"), None, 404, "foreign_store"),
        (body_of(storeId=None), None, 404, "foreign_store"),
    ],
)
async def test_each_is_answered_for_what_it_is(body: bytes, sent: str | None, status: int, result: str) -> None:
    """One status, one result; only what is proved, readable and ours is stored, as it came."""
    porch = Porch()
    answer = await porch.send(body, None if sent is None else sent)
    assert (answer.status_code, porch.counted()) == (status, {result: 1})
    assert list(porch.rack.bodies.values()) == ([body] if status == 200 else [])
    assert len(porch.heard) == (status == 200)


async def test_whether_webhooks_can_be_proved_is_told() -> None:
    """A wrong secret and a stranger look alike until one was proved; neither calls somebody as a refused key does."""
    porch = Porch()
    await porch.send(BODY, signature(BODY, "another"))
    (first,) = porch.proved
    assert first is not None
    assert first.reason is FailureReason.FAILED
    assert "none was proved since lnwatch was started, so that polls alone tell what happens" in first.message
    await porch.send(BODY)
    await porch.send(body_of(storeId="AnotherStore"))
    await porch.send(b"not JSON")
    assert porch.proved[1:] == [None, None, None]
    await porch.send(BODY, "sha256=" + "0" * 64)
    last = porch.proved[-1]
    assert last is not None
    assert "the last that was proved came at 2027-" in last.message


async def test_a_secret_that_can_not_be_read_is_our_own_fault(tmp_path: Path) -> None:
    """Its reason is that of every credential file that is gone."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    porch = Porch(folder=tmp_path, webhook_secret_file="secret")
    file.unlink()
    assert (await porch.send(BODY)).status_code == 503
    (told,) = porch.proved
    assert told is not None
    assert told.reason is FailureReason.CREDENTIAL_UNREADABLE


def recorded() -> list[bytes]:
    """Every webhook of the stories, as BTCPay would write it."""
    steps = [step for path in sorted(FOLDER.glob("stories/*.json")) for step in json.loads(path.read_text())["steps"]]
    return [json.dumps(step["webhook"], indent=2, ensure_ascii=False).encode() for step in steps if "webhook" in step]


async def test_everything_that_was_recorded_is_taken() -> None:
    """Each webhook that a real BTCPay sent in the stories is accepted once, of a type that is known."""
    porch, told = Porch(), recorded()
    assert len(told) > 100
    for body in told:
        assert (await porch.send(body)).status_code == 200
    assert set(porch.counted()) == {"accepted"}
    assert len(porch.heard) == len(told)


AGAIN = {"deliveryId": "D9", "isRedelivery": True}
SECOND = {"deliveryId": "E1", "originalDeliveryId": "E1", "webhookId": "W2"}


@pytest.mark.parametrize(
    ("second", "results"),
    [
        ({}, {"accepted": 1, "duplicate": 1}),
        (AGAIN, {"accepted": 1, "duplicate": 1}),
        (SECOND, {"accepted": 1, "duplicate": 1}),
        (SECOND | AGAIN, {"accepted": 1, "duplicate": 1}),
        (SECOND | {"webhookId": "W1"}, {"accepted": 2}),
        (SECOND | {"timestamp": 1_795_556_810}, {"accepted": 2}),
        (SECOND | {"invoiceId": "AnotherInvoice"}, {"accepted": 2}),
        (SECOND | {"type": "InvoiceProcessing"}, {"accepted": 2}),
    ],
)
@pytest.mark.parametrize("together", [False, True])
async def test_what_was_told_before_is_known(
    second: dict[str, object], results: dict[str, float], *, together: bool
) -> None:
    """The same delivery, another try of it and a second webhook's tell nothing new; one that repeats itself does."""
    porch = Porch()
    sent = (BODY, body_of(**second))
    answers = await asyncio.gather(*map(porch.send, sent)) if together else [await porch.send(body) for body in sent]
    assert {answer.status_code for answer in answers} == {200}
    assert porch.counted() == results
    assert len(porch.heard) == results["accepted"]


async def test_two_payments_of_one_second_are_two() -> None:
    """What differs in the payment alone is told apart."""
    porch = Porch()
    payment = {"receivedDate": 1_795_556_809, "value": "0.0001", "fee": "0", "status": "Settled", "destination": "x"}
    for number in ("a", "b"):
        ids = {"deliveryId": number, "originalDeliveryId": number, "webhookId": number}
        told = {"type": "InvoicePaymentSettled", "paymentMethodId": "BTC-LN", "payment": {**payment, "id": number}}
        assert (await porch.send(body_of(**told, **ids))).status_code == 200
    assert porch.counted() == {"accepted": 2}


async def test_every_result_counts_from_zero() -> None:
    """A rate can be taken from the first scrape on."""
    porch = Porch()
    labels = {"site": "main", "name": "pay"}
    for result in Result:
        assert porch.registry.get_sample_value(METRIC, {**labels, "result": result.value}) == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PATH, 405),
        ("PUT", PATH, 405),
        ("DELETE", PATH, 405),
        ("POST", "/hooks/btcpay/main/other", 404),
        ("POST", "/hooks/btcpay/other/pay", 404),
        ("POST", "/hooks/btcpay/main", 404),
        ("POST", "/hooks/slack/main/pay", 404),
        ("POST", "/hooks/btcpay/main/pay/more", 404),
        ("POST", "/hooks/../readyz", 401),
    ],
)
async def test_only_what_is_configured_is_there(method: str, path: str, status: int) -> None:
    """Another method or name is refused, and counts nowhere; the hooks' open door leads to nothing else."""
    porch = Porch()
    answer = await porch.send(BODY, path=path, method=method)
    assert answer.status_code == status
    assert not porch.counted()
    assert not porch.rack.bodies


@pytest.mark.parametrize(
    ("size", "status", "result"),
    [
        (MOST_BYTES, 200, "accepted"),
        (MOST_BYTES + 1, 413, "too_large"),
        (3 * MOST_BYTES, 413, "too_large"),
        (20 * MOST_BYTES, 413, "too_large"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_has_a_limit(size: int, status: int, result: str, *, chunked: bool) -> None:
    """One MiB is taken; what is larger is refused and not kept, over a real connection, announced or not."""
    porch, body = Porch(), BODY + b" " * (size - len(BODY))

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 60_000):
            yield body[start : start + 60_000]

    async with serving(porch.app) as url, httpx.AsyncClient() as client:
        sent = {"BTCPay-Sig": signature(body)}
        try:
            answer = await client.post(url + PATH, content=chunks() if chunked else body, headers=sent)
            assert answer.status_code == status
        except httpx.TransportError:  # far over the limit nobody reads to the end
            assert size > 8 * MOST_BYTES
    assert porch.counted() == {result: 1}
    assert len(porch.rack.bodies) == (status == 200)


async def test_one_who_hangs_up_leaves_nothing() -> None:
    """A body that breaks off is no webhook, and the next one is taken."""
    porch = Porch()
    async with serving(porch.app) as url, httpx.AsyncClient() as client:
        host, port = url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\nBTCPay-Sig: {signature(BODY)}\r\n\r\n"
        )
        writer.write(head.encode() + BODY[:50])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        answer = await client.post(url + PATH, content=BODY, headers={"BTCPay-Sig": signature(BODY)})
        assert answer.status_code == 200
    assert porch.counted() == {"accepted": 1}


async def test_two_signatures_are_none() -> None:
    """Which of two would count is not for the sender to choose."""
    porch = Porch()
    transport = httpx.ASGITransport(porch.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as client:
        twice = [("BTCPay-Sig", signature(BODY)), ("BTCPay-Sig", "sha256=0")]
        assert (await client.post(PATH, content=BODY, headers=twice)).status_code == 401


async def test_a_new_secret_holds_at_once(tmp_path: Path) -> None:
    """The file is read anew when it changes; without one, or with an empty one, BTCPay is asked to try again."""
    file = tmp_path / "webhook.secret"
    porch = Porch(folder=tmp_path, webhook_secret_file="webhook.secret")
    assert (await porch.send(BODY)).status_code == 503
    file.write_text("\n")
    assert (await porch.send(BODY, signature(BODY, ""))).status_code == 503
    file.write_text(f"{SECRET}\n")
    assert (await porch.send(BODY)).status_code == 200
    file.write_text("another, and longer\n")
    os.utime(file, (1, 1))
    assert (await porch.send(BODY)).status_code == 401
    assert (await porch.send(BODY, signature(BODY, "another, and longer"))).status_code == 200
    assert porch.counted() == {"no_secret": 2, "accepted": 1, "bad_signature": 1, "duplicate": 1}
    assert str(tmp_path) not in (await porch.send(BODY)).text


async def test_what_can_t_be_stored_is_not_taken() -> None:
    """While the ledger is full BTCPay is asked to try again, and then it is no duplicate."""
    porch = Porch()
    porch.rack.broken = True
    assert (await porch.send(BODY)).status_code == 503
    assert not porch.heard
    porch.rack.broken = False
    assert (await porch.send(BODY)).status_code == 200
    assert porch.counted() == {"not_stored": 1, "accepted": 1}


SECRETS = st.text(min_size=1, max_size=80)


@given(SECRETS, st.binary(max_size=300), st.data())
@settings(max_examples=300, deadline=None)
def test_only_the_very_bytes_and_the_very_secret(secret: str, body: bytes, data: st.DataObject) -> None:
    """Any byte of the body, any character of the signature, any other secret: it proves nothing."""
    shown = signature(body, secret.encode("utf-8", "replace").decode())
    secret = secret.encode("utf-8", "replace").decode()
    assert signed(secret, shown, body)
    other = data.draw(st.binary(max_size=300).filter(lambda each: each != body))
    assert not signed(secret, shown, other)
    strange = data.draw(
        SECRETS.map(lambda text: text.encode("utf-8", "replace").decode()).filter(lambda text: text != secret)
    )
    assert not signed(strange, shown, body)
    place = data.draw(st.integers(0, len(shown) - 1))
    wrong = data.draw(st.characters().filter(lambda each: each != shown[place]))
    assert not signed(secret, shown[:place] + wrong + shown[place + 1 :], body)
    assert not signed(secret, data.draw(st.text(max_size=80).filter(lambda text: text != shown)), body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.binary(max_size=400)
    | st.builds(
        body_of,
        metadata=JSON,
        payment=JSON,
        timestamp=JSON,
        type=JSON,
        invoiceId=JSON,
        storeId=JSON | st.just(STORE),
    )
)
@settings(max_examples=200, deadline=None)
def test_nothing_that_is_rightly_signed_breaks_it(body: bytes) -> None:
    """Whatever comes, it is either stored whole and answered 200, or refused; never a fault of ours."""

    async def run() -> None:
        porch = Porch()
        answer = await porch.send(body)
        assert answer.status_code in {200, 400, 404}
        assert list(porch.rack.bodies.values()) == ([body] if answer.status_code == 200 else [])

    asyncio.run(run())
