import pytest

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import LightningPayment, PaymentState
from lnwatch.sources.lnd.payments import PAGE, read_payment
from tests.sources.lnd.bench import Bench, Builder

S = 1_000_000_000


LATER = ln.Payment.FromString(b"\x80\x01\x63")  # a reason that a later release may give
LATER.status, LATER.creation_time_ns = ln.Payment.FAILED, 5 * S


def attempt(status: ln.HTLCAttempt.HTLCStatus, resolved: int, *hops: str) -> ln.HTLCAttempt:
    route = ln.Route(hops=[ln.Hop(pub_key=key) for key in hops])
    return ln.HTLCAttempt(status=status, resolve_time_ns=resolved, route=route)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (ln.Payment(status=ln.Payment.INITIATED, creation_time_ns=5 * S), ("in_flight", None, None, None, 0)),
        (ln.Payment(creation_time_ns=5 * S), ("in_flight", None, None, None, 0)),
        (
            ln.Payment(
                status=ln.Payment.SUCCEEDED,
                creation_time_ns=5 * S,
                htlcs=[
                    attempt(ln.HTLCAttempt.FAILED, 6 * S, "02aa", "02dd"),
                    attempt(ln.HTLCAttempt.SUCCEEDED, 7 * S, "02bb", "02dd"),
                ],
            ),
            ("succeeded", 7.0, None, "02dd", 2),
        ),
        (
            ln.Payment(status=ln.Payment.FAILED, creation_time_ns=5 * S, failure_reason=ln.FAILURE_REASON_NO_ROUTE),
            ("failed", 5.0, "no_route", None, 0),
        ),
        (
            LATER,
            ("failed", 5.0, "reason_99", None, 0),
        ),
    ],
)
def test_states(message: ln.Payment, expected: tuple[str, float | None, str | None, str | None, int]) -> None:
    """A payment's end is that of its last attempt, and its failure is told in a word."""
    read = read_payment(message)
    assert (read.state.value, read.final_at, read.failure, read.destination, read.attempts) == expected


def kept(bench: Bench) -> dict[int, PaymentState]:
    return {payment.index: payment.state for payment in bench.ledger.payments.values()}


@pytest.mark.parametrize("release", ["0.19.3", "0.21.2"])
async def test_new_and_flying(build: Builder, release: str) -> None:
    """New payments come by the cursor; those in flight are read again until they end, deleted ones too."""
    bench = await build(payments=300, release=release)
    await bench.read("payments")
    first, second, third = (bench.node.pay(1_000_000) for _ in range(3))
    await bench.read("payments")
    assert kept(bench) == dict.fromkeys((301, 302, 303), PaymentState.IN_FLIGHT)
    bench.node.payments.finish(first)
    bench.node.payments.finish(second, succeeded=False)
    bench.node.payments.delete(third.payment_index)
    await bench.read("payments")
    assert kept(bench) == {301: PaymentState.SUCCEEDED, 302: PaymentState.FAILED, 303: PaymentState.FAILED}
    told = {payment.index: payment for payment in bench.ledger.payments.values()}
    assert (told[301].fee_msat, told[302].failure, told[303].failure) == (1_000, "no_route", "deleted")
    before = bench.asked("ListPayments")
    assert (await bench.read("payments")).events == ()
    assert bench.asked("ListPayments") == before + 1


async def test_pages(bench: Bench) -> None:
    """A backlog comes page by page."""
    await bench.read("payments")
    for _ in range(2 * PAGE + 1):
        bench.node.payments.finish(bench.node.pay(1_000))
    readings = await bench.drain("payments")
    assert [len(reading.events) for reading in readings] == [PAGE, PAGE, 1]
    assert all(isinstance(event, LightningPayment) for reading in readings for event in reading.events)
