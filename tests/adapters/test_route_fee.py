"""A second node asks what it would cost to pay the merchant: over the simulator's world and over real nodes."""

import asyncio

import pytest

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from tests.adapters.calls import EMPTY, GET_INFO, LIGHTNING, Caller, Refusal, calling, unknown
from tests.adapters.reach import Reach
from tests.adapters.test_lnd_streams import HTLCS, quiet, some

ESTIMATE = "/routerrpc.Router/EstimateRouteFee"
NO_ROUTE, INSUFFICIENT_BALANCE = 2, 5
TICKET = 10_000  # satoshis
FORTUNE = 100_000_000
UNKNOWN_INVOICE = 19
HOPELESS = 3.0  # seconds after which nobody waits any longer


def by_probe(request: str) -> sim.RouteFeeRequest:
    return sim.RouteFeeRequest(payment_request=request, timeout=10)


async def estimate(second: Caller, request: sim.RouteFeeRequest) -> sim.RouteFeeResponse:
    return await second.ask(ESTIMATE, request, sim.RouteFeeResponse)


async def test_a_merchant_who_is_reached(reached: Reach, second: Caller) -> None:
    """The fee and the height at which the money would be stuck at most; the invoice is as it was."""
    request = await reached.invoice(TICKET)
    found = await estimate(second, by_probe(request))
    assert found.failure_reason == 0
    assert 1_000 < found.routing_fee_msat < 20_000
    height = (await second.ask(GET_INFO, EMPTY, sim.GetInfoResponse)).block_height
    assert height + 80 < found.time_lock_delay < height + 400
    async with calling(reached.merchant) as merchant:
        asked = sim.ListInvoiceRequest(reversed=True, num_max_invoices=1)
        (invoice,) = (await merchant.ask(f"{LIGHTNING}ListInvoices", asked, sim.ListInvoiceResponse)).invoices
    assert (invoice.payment_request, invoice.state, list(invoice.htlcs)) == (request, 0, [])


async def test_a_probe_is_seen_at_the_merchant(reached: Reach, second: Caller) -> None:
    """Its HTLC arrives, and is given back as one that no invoice asks for."""
    request = await reached.invoice(TICKET)
    async with calling(reached.merchant) as merchant, merchant.stream(HTLCS, EMPTY, sim.HtlcEvent) as stream:
        await some(stream, 1)
        assert (await estimate(second, by_probe(request))).failure_reason == 0
        failed, final = await some(stream, 2)
        assert await quiet(stream)
    told = failed.link_fail_event
    assert (told.wire_failure, told.failure_detail, told.failure_string) == (1, UNKNOWN_INVOICE, "invoice not found")
    assert told.info.incoming_amt_msat == TICKET * 1_000
    assert (final.WhichOneof("event"), final.final_htlc_event.settled) == ("final_htlc_event", False)
    assert final.incoming_htlc_id == failed.incoming_htlc_id


async def test_by_the_graph(reached: Reach, second: Caller) -> None:
    """Asked by key it sends nothing, and finds the same fee."""
    async with calling(reached.merchant) as merchant:
        key = (await merchant.ask(GET_INFO, EMPTY, sim.GetInfoResponse)).identity_pubkey
        probed = await estimate(second, by_probe(await reached.invoice(TICKET)))
        async with merchant.stream(HTLCS, EMPTY, sim.HtlcEvent) as stream:
            await some(stream, 1)
            found = await estimate(second, sim.RouteFeeRequest(dest=bytes.fromhex(key), amt_sat=TICKET))
            assert await quiet(stream)
    assert (found.failure_reason, found.routing_fee_msat) == (0, probed.routing_fee_msat)
    assert found.time_lock_delay > 80


NONE = sim.RouteFeeResponse
NOBODY = bytes.fromhex("02" + "ab" * 32)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (sim.RouteFeeRequest(), "specify either a destination or an invoice"),
        (sim.RouteFeeRequest(amt_sat=5), "specify either a destination or an invoice"),
        (sim.RouteFeeRequest(dest=NOBODY, payment_request="x"), "specify either a destination or an invoice"),
        (sim.RouteFeeRequest(dest=b"abc", amt_sat=5), "invalid length destination key"),
        (sim.RouteFeeRequest(dest=NOBODY), "amount must be greater than 0"),
        (sim.RouteFeeRequest(dest=NOBODY, amt_sat=-5), "amount must be greater than 0"),
        (sim.RouteFeeRequest(dest=NOBODY, amt_sat=5), "unable to find a path to destination"),
        (sim.RouteFeeRequest(dest=NOBODY, amt_sat=10**9), "insufficient local balance"),
        (by_probe("x"), "invalid bech32 string length 1"),
        (by_probe("hello world"), "invalid character in string: ' '"),
        (by_probe("LnBcrt1qqqqqqqqqq"), "string not all lowercase or all uppercase"),
        (by_probe("qqqqqqqqqqqqqq"), "invalid index of 1"),
        (by_probe("lnbcrt1" + "b" * 20), "failed converting data to bytes: invalid character not part of charset: 98"),
        (by_probe("lnbcrt1" + "q" * 20), "checksum failed. Expected 5274hq, got qqqqqq."),
    ],
)
async def test_what_can_not_be_estimated(second: Caller, request_: sim.RouteFeeRequest, text: str) -> None:
    """Each is refused in LND's own words."""
    assert await second.refused(ESTIMATE, request_) == unknown(text)


async def test_requests_that_are_tampered_with(reached: Reach, second: Caller) -> None:
    """A payment request may be in capitals; over no amount, of another network or with a letter changed it is none."""
    request = await reached.invoice(TICKET)
    assert (await estimate(second, by_probe(request.upper()))).failure_reason == 0
    nothing = await second.refused(ESTIMATE, by_probe(await reached.invoice(0)))
    assert nothing == unknown("payment request amount must be greater than 0")
    last = request[-1]
    changed = request[:-1] + ("q" if last != "q" else "p")
    wrong = f"checksum failed. Expected {request[-6:]}, got {changed[-6:]}."
    assert await second.refused(ESTIMATE, by_probe(changed)) == unknown(wrong)
    elsewhere = await second.refused(ESTIMATE, by_probe(MAINNET))
    assert elsewhere == unknown("invoice not for current active network 'regtest'")


# The first example of BOLT 11.
MAINNET = (
    "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwz"
    "qfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakd"
    "yafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql"
)


async def test_who_may_ask(reached: Reach, second: Caller) -> None:
    """The stock macaroon for reading is enough, and none is too little."""
    request = by_probe(await reached.invoice(TICKET))
    assert isinstance(await second.data(ESTIMATE, request), bytes)
    assert await second.data(ESTIMATE, request, metadata=()) == unknown("expected 1 macaroon, got 0")


async def forget(second: Caller) -> None:
    """What failed before is tried again."""
    await second.ask("/routerrpc.Router/ResetMissionControl", EMPTY, sim.Empty, name="admin")


async def test_amounts(reached: Reach, second: Caller) -> None:
    """More than the asker has says nothing of the merchant; what can't come in has no route, nor soon after."""
    assert await estimate(second, by_probe(await reached.invoice(FORTUNE))) == NONE(failure_reason=INSUFFICIENT_BALANCE)
    too_much = by_probe(await reached.invoice(await reached.narrow()))
    try:
        assert await estimate(second, too_much) == NONE(failure_reason=NO_ROUTE)
        assert (await estimate(second, by_probe(await reached.invoice(TICKET)))).failure_reason == 0
    finally:
        await reached.widen()
    assert await estimate(second, too_much) == NONE(failure_reason=NO_ROUTE)  # it is remembered
    await forget(second)
    assert (await estimate(second, too_much)).failure_reason == 0


async def test_a_merchant_who_is_gone(reached: Reach, second: Caller) -> None:
    """There is no route to a node that is not there, until it is back."""
    request = by_probe(await reached.invoice(TICKET))
    await reached.take_down()
    try:
        assert await estimate(second, request) == NONE(failure_reason=NO_ROUTE)
    finally:
        await reached.bring_back()
        await forget(second)
    assert (await estimate(second, request)).failure_reason == 0


async def test_whoever_hangs_between(reached: Reach, second: Caller) -> None:
    """The call outlives its own timeout: whoever asks needs a deadline, and gets the answer once it goes on."""
    request = by_probe(await reached.invoice(TICKET))
    request.timeout = 1
    reached.freeze()
    asking = asyncio.create_task(second.data(ESTIMATE, request))
    try:
        _, waiting = await asyncio.wait({asking}, timeout=HOPELESS)
    finally:
        reached.thaw()
    assert waiting == {asking}
    assert not isinstance(await asking, Refusal)
