"""Payments and forwards of a node: histories reckoned from the index, like the invoices', and what came since."""

import hashlib
from collections.abc import Callable, Iterator

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim

IN_FLIGHT, SUCCEEDED, FAILED = 1, 2, 3
ATTEMPT_FLYING, ATTEMPT_SUCCEEDED, ATTEMPT_FAILED = range(3)
NO_ROUTE = 2
SPACING = 60  # seconds between two historic rows
DEFAULT_PAYMENTS = 100
DEFAULT_FORWARDS = 100
MOST_FORWARDS = 50_000
NANOSECONDS = 1_000_000_000


class PaymentBook:
    """Indices begin at 1. Historic payments succeeded, every fifth failed."""

    def __init__(self, *, seed: int, history: int, now: Callable[[], float]) -> None:
        """`history` payments were made before `now`."""
        self._seed = seed
        self._history = history
        self._now = now
        self._started = int(now())
        self._since: list[sim.Payment | None] = []
        self.on_sql = False  # LND's usual database, bbolt, has no way to leave hops out

    @property
    def last_index(self) -> int:
        """The newest index."""
        return self._history + len(self._since)

    def get(self, index: int) -> sim.Payment | None:
        """One payment; None where it was deleted."""
        if index > self._history:
            return self._since[index - self._history - 1]
        created = (self._started - (self._history - index + 1) * SPACING) * NANOSECONDS
        payment = self._made(index, created, 1_000_000 + index * 1_000)
        self._end(payment, created + NANOSECONDS, succeeded=index % 5 != 0)
        return payment

    def send(self, value_msat: int) -> sim.Payment:
        """A payment sets out."""
        payment = self._made(self.last_index + 1, int(self._now() * NANOSECONDS), value_msat)
        self._since.append(payment)
        return payment

    def finish(self, payment: sim.Payment, *, succeeded: bool = True) -> None:
        """It arrives, or fails for good."""
        self._end(payment, int(self._now() * NANOSECONDS), succeeded=succeeded)

    def delete(self, index: int) -> None:
        """Forget a payment made since."""
        self._since[index - self._history - 1] = None

    def page(self, request: sim.ListPaymentsRequest, version: tuple[int, ...]) -> sim.ListPaymentsResponse:
        """ListPayments. No number asked for means 100, and before 0.20 all."""
        wanted = request.max_payments or (DEFAULT_PAYMENTS if version >= (0, 20, 0) else self.last_index)
        found: list[sim.Payment] = []
        for index in self._walk(request.index_offset, backwards=request.reversed):
            if len(found) == wanted:
                break
            payment = self.get(index)
            if payment is not None and _matches(payment, request):
                found.append(payment)
        if request.reversed:
            found.reverse()
        answer = sim.ListPaymentsResponse(payments=found)
        if request.omit_hops and self.on_sql and version >= (0, 21, 0):
            for payment in answer.payments:
                for attempt in payment.htlcs:
                    attempt.route.ClearField("hops")
        if found:
            answer.first_index_offset, answer.last_index_offset = found[0].payment_index, found[-1].payment_index
        if request.count_total_payments:
            answer.total_num_payments = self._history + sum(payment is not None for payment in self._since)
        return answer

    def _walk(self, offset: int, *, backwards: bool) -> range:
        if not backwards:
            return range(offset + 1, self.last_index + 1)
        return range(self.last_index if offset == 0 else min(offset - 1, self.last_index), 0, -1)

    def _made(self, index: int, created_ns: int, value_msat: int) -> sim.Payment:
        digest = hashlib.sha256(f"payment {self._seed}/{index}".encode()).hexdigest()
        hops = [
            sim.Hop(chan_id=(810_000 + hop) << 40, pub_key="03" + hashlib.sha256(f"hop {hop}".encode()).hexdigest())
            for hop in range(3)
        ]
        attempt = sim.HTLCAttempt(
            status=ATTEMPT_FLYING, route=sim.Route(hops=hops), attempt_time_ns=created_ns, attempt_id=index
        )
        return sim.Payment(
            payment_hash=digest,
            value_msat=value_msat,
            value_sat=value_msat // 1_000,
            payment_request="lnbcrt" + digest * 4,
            status=IN_FLIGHT,
            creation_time_ns=created_ns,
            htlcs=[attempt],
            payment_index=index,
        )

    def _end(self, payment: sim.Payment, at_ns: int, *, succeeded: bool) -> None:
        payment.status = SUCCEEDED if succeeded else FAILED
        payment.failure_reason = 0 if succeeded else NO_ROUTE
        payment.fee_msat = payment.value_msat // 1_000 if succeeded else 0
        for attempt in payment.htlcs:
            attempt.status = ATTEMPT_SUCCEEDED if succeeded else ATTEMPT_FAILED
            attempt.resolve_time_ns = at_ns


def _matches(payment: sim.Payment, request: sim.ListPaymentsRequest) -> bool:
    if payment.status != SUCCEEDED and not request.include_incomplete:
        return False
    if payment.creation_time_ns < request.creation_date_start * NANOSECONDS:
        return False
    return not request.creation_date_end or payment.creation_time_ns <= request.creation_date_end * NANOSECONDS


class ForwardLog:
    """Forwards in the order of their time, which is their only index."""

    def __init__(self, *, seed: int, history: int, now: Callable[[], float]) -> None:
        """`history` forwards happened before `now`."""
        self._seed = seed
        self._history = history
        self._now = now
        self._started = int(now())
        self._since: list[sim.ForwardingEvent] = []

    def forward(self, amount_msat: int = 1_000_000, fee_msat: int = 1_000) -> sim.ForwardingEvent:
        """Carry a payment for others now."""
        event = self._made(self._history + len(self._since), int(self._now() * NANOSECONDS), amount_msat, fee_msat)
        self._since.append(event)
        return event

    def page(self, request: sim.ForwardingHistoryRequest, version: tuple[int, ...]) -> sim.ForwardingHistoryResponse:
        """ForwardingHistory: both ends of the window count, the offset is counted from its beginning."""
        begin = request.start_time * NANOSECONDS
        end = (request.end_time or self._now()) * NANOSECONDS
        wanted = min(request.num_max_events or DEFAULT_FORWARDS, MOST_FORWARDS)
        inside = (event for event in self._all() if begin <= event.timestamp_ns <= end)
        found = [event for position, event in enumerate(inside) if position >= request.index_offset][:wanted]
        answer = sim.ForwardingHistoryResponse(
            forwarding_events=found, last_offset_index=request.index_offset + len(found)
        )
        if version < (0, 20, 0):
            for event in answer.forwarding_events:
                event.ClearField("incoming_htlc_id")
                event.ClearField("outgoing_htlc_id")
        return answer

    def _all(self) -> Iterator[sim.ForwardingEvent]:
        for number in range(self._history):
            at = (self._started - (self._history - number) * SPACING) * NANOSECONDS
            yield self._made(number, at, 1_000_000, 1_000)
        yield from self._since

    def _made(self, number: int, at_ns: int, amount_msat: int, fee_msat: int) -> sim.ForwardingEvent:
        return sim.ForwardingEvent(
            timestamp=at_ns // NANOSECONDS,
            timestamp_ns=at_ns,
            chan_id_in=800_000 << 40,
            chan_id_out=800_001 << 40 | 1 << 16 | 1,
            amt_in_msat=amount_msat + fee_msat,
            amt_out_msat=amount_msat,
            amt_in=(amount_msat + fee_msat) // 1_000,
            amt_out=amount_msat // 1_000,
            fee=fee_msat // 1_000,
            fee_msat=fee_msat,
            incoming_htlc_id=number,
            outgoing_htlc_id=number,
        )
