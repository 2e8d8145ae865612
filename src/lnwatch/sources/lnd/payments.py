"""Outgoing payments: new ones by a cursor, those in flight read again until they are final."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import LightningPayment, PaymentState
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.chunks import in_chunks
from lnwatch.sources.lnd.collector import Node, Pace, Polled, Turn
from lnwatch.sources.lnd.methods import LIST_PAYMENTS
from lnwatch.sources.lnd.ranges import Pages, Range, cover, gone

INDEX = "payments.index"  # cursor: everything up to it was read
PAGE = 100  # each brings all its attempts and their routes
FLYING_PAGES = 5  # of one run, for payments in flight
FLYING_LIMIT = 5_000

_STATES: Final = {ln.Payment.SUCCEEDED: PaymentState.SUCCEEDED, ln.Payment.FAILED: PaymentState.FAILED}


def read_payment(payment: ln.Payment) -> LightningPayment:
    """One payment. It is final when its last attempt was; one without attempts failed as it began."""
    state = _STATES.get(payment.status, PaymentState.IN_FLIGHT)
    created_at = payment.creation_time_ns / 1e9
    resolved = max((attempt.resolve_time_ns for attempt in payment.htlcs), default=0)
    hops = next((attempt.route.hops for attempt in payment.htlcs if attempt.route.hops), ())
    return LightningPayment(
        payment_hash=payment.payment_hash,
        index=payment.payment_index,
        state=state,
        value_msat=Msat(payment.value_msat),
        fee_msat=Msat(payment.fee_msat),
        created_at=created_at,
        final_at=None if state is PaymentState.IN_FLIGHT else max(resolved / 1e9, created_at),
        failure=_failure(payment.failure_reason) if state is PaymentState.FAILED else None,
        destination=(hops[-1].pub_key or None) if hops else None,
        attempts=len(payment.htlcs),
    )


def _failure(reason: ln.PaymentFailureReason) -> str:
    try:
        return ln.PaymentFailureReason.Name(reason).removeprefix("FAILURE_REASON_").lower()
    except ValueError:
        return f"reason_{reason}"  # of a later release


def _deleted(payment: LightningPayment, now: float) -> LightningPayment:
    """What became of one that LND no longer has: it was final, how is lost."""
    return replace(payment, state=PaymentState.FAILED, final_at=now, failure="deleted")


class PaymentsCollector(Polled):
    """ListPayments from the cursor on, incomplete ones included, and again those that were in flight."""

    def __init__(self, name: str, node: Node, pace: Pace) -> None:
        """Begin with full pages."""
        super().__init__(name, node, pace)
        self._pages = Pages(PAGE)

    async def read(self, memory: Memory, turn: Turn) -> Reading:
        """New payments, and what became of those in flight."""
        stored = await memory.cursor(INDEX)
        if stored is None:
            return await self._begin(turn)
        cursor = int(stored)
        flying = {payment.index: payment for payment in await memory.open_payments(FLYING_LIMIT)}
        found: dict[int, LightningPayment] = {}
        page = Range(cursor, self._pages.size)
        rows = await self._take(turn, page, flying, found, paced=True)
        behind = [index for index in flying if index <= cursor]
        for again in cover(behind, self._pages.size, FLYING_PAGES):
            await self._take(turn, again, flying, found, paced=False)
        cursor = max((cursor, *found))
        return Reading(events=tuple(found.values()), cursors={INDEX: str(cursor)}, more=rows == page.size)

    async def _take(
        self,
        turn: Turn,
        page: Range,
        flying: Mapping[int, LightningPayment],
        found: dict[int, LightningPayment],
        *,
        paced: bool,
    ) -> int:
        """Read one page into `found`; how many rows it had."""
        request = ln.ListPaymentsRequest(include_incomplete=True, index_offset=page.offset, max_payments=page.size)
        answer = await self._pages.ask(turn, LIST_PAYMENTS, request, paced=paced)
        payments = await in_chunks(answer.payments, read_payment)
        present = [payment.index for payment in payments]
        found.update((index, _deleted(flying[index], self.node.clock.now())) for index in gone(flying, page, present))
        found.update((payment.index, payment) for payment in payments)
        return len(present)

    async def _begin(self, turn: Turn) -> Reading:
        """The site's birth: what is there already is history, newest first."""
        request = ln.ListPaymentsRequest(include_incomplete=True, max_payments=1, reversed=True)
        last = (await turn.call(LIST_PAYMENTS, request)).last_index_offset
        cursors = {INDEX: str(last), "payment_history.index": str(last + 1), "payment_history.birth": str(last + 1)}
        return Reading(cursors=cursors, wakes=self.node.hints.wake("payment_history"))
