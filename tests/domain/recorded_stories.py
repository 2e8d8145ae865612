"""The recorded stories of payments as the ledger would have them: each answer and webhook, through the real parser.

`told("13-paid-late")` are the stories of its invoices after the last step; `told(name, until=30.0)` after 30 seconds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    OfferedMethod,
    PaymentStatus,
    Payout,
    PullPayment,
    WebhookEvent,
)
from lnwatch.model.order import InvoiceStory, KnownPayment, Mark, Refund
from lnwatch.sources.btcpay import answers, words
from lnwatch.sources.btcpay.invoice_reading import Sight, given_methods, read_invoice
from lnwatch.sources.btcpay.payouts import read_payout, read_pull_payment
from lnwatch.sources.btcpay.webhook_events import parse_event
from lnwatch.sources.btcpay.zone import HostZone
from tests.sources.btcpay.recordings import Json, load, packed

ENDED = {InvoiceStatus.EXPIRED, InvoiceStatus.INVALID}
END_HOOKS = {"InvoiceExpired", "InvoiceInvalid"}
METHODS = re.compile(r"GET .*/invoices/(\w+)/payment-methods")
MONEY = re.compile(r"(GET|POST|DELETE) .*(payouts|pull-payments|refund)(/\w+)?")


@dataclass
class Known:
    """What was told of one invoice so far."""

    states: list[BtcpayInvoice] = field(default_factory=list)
    methods: tuple[OfferedMethod, ...] = ()
    hooks: list[WebhookEvent] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)
    mark: Mark | None = None

    def first(self, what: str, at: float) -> None:
        """Keep the earliest moment."""
        self.seen[what] = min(at, self.seen.get(what, at))


@dataclass
class Teller:
    """Follows a recording step by step."""

    invoices: dict[str, Known] = field(default_factory=dict)
    payouts: dict[str, Payout] = field(default_factory=dict)
    pulls: dict[str, PullPayment] = field(default_factory=dict)

    def step(self, step: Json, at: float) -> None:
        sight = Sight("shop", at, 0.0, HostZone())
        if "webhook" in step:
            self._hook(parse_event(packed(step["webhook"]), sight))
            return
        if step.get("action") == "status seen":
            self._looked(step, sight)
            return
        call, answer = step.get("call", ""), step.get("response")
        if not call or step["http_status"] != 200:
            return
        if asked := METHODS.fullmatch(call):
            self._methods(asked[1], answer, sight)
        elif isinstance(answer, dict) and "additionalStatus" in answer:
            if not call.endswith("/status"):  # which answers with the state of before
                self._read(answers.InvoiceAnswer.model_validate(answer), sight)
        elif MONEY.fullmatch(call) and answer:
            for item in answer if isinstance(answer, list) else [answer]:
                self._money(item, sight)

    def _looked(self, step: Json, sight: Sight) -> None:
        """A look of which only the two states were kept."""
        status, additional = words.STATUS[step["status"]], words.ADDITIONAL[step["additionalStatus"]]
        last = self.invoices[step["invoice"]].states[-1]
        self._state(replace(last, status=status, additional=additional, paid=None, seen_at=sight.at), sight)

    def _read(self, answer: answers.InvoiceAnswer, sight: Sight) -> None:
        self._state(read_invoice(answer, sight, methods=given_methods(answer), accounted_only=True), sight)

    def _state(self, state: BtcpayInvoice, sight: Sight) -> None:
        known = self.invoices.setdefault(state.id, Known())
        before = known.states[-1] if known.states else None
        known.first("first", sight.at)
        if state.status is InvoiceStatus.SETTLED:
            known.first("settled", sight.at)
        if state.status in ENDED or state.additional is AdditionalStatus.MARKED:
            known.first("ended", sight.at)
        if before is not None and before.status is InvoiceStatus.PROCESSING and state.status is InvoiceStatus.NEW:
            known.first("regressed", sight.at)
        if state.additional is AdditionalStatus.MARKED and known.mark is None and before is not None:
            at = min([sight.at, *(float(hook.at) for hook in known.hooks if hook.manually_marked)])
            known.mark = Mark(at, before.status, before.additional, before.paid)
        known.states.append(state)

    def _methods(self, name: str, answer: Json, sight: Sight) -> None:
        known = self.invoices[name]
        single = answers.InvoiceAnswer.model_validate(_shell(known.states[-1], answer))
        known.methods = read_invoice(single, sight, methods=given_methods(single), accounted_only=False).methods or ()
        if any(pay.status is PaymentStatus.INVALID for each in known.methods for pay in each.payments):
            known.first("regressed", sight.at)

    def _hook(self, event: WebhookEvent) -> None:
        known = self.invoices.get(event.invoice_id or "")
        if known is None:
            return
        known.hooks.append(event)
        known.first("first", float(event.at))
        if event.type == "InvoiceSettled" and not event.manually_marked:
            known.first("settled", float(event.at))
        if event.type in END_HOOKS or event.manually_marked:
            known.first("ended", float(event.at))

    def _money(self, item: Json, sight: Sight) -> None:
        if "state" in item:
            payout = read_payout(answers.PayoutAnswer.model_validate(item), sight)
            before = self.payouts.get(payout.id)
            if before is None or before.state is not payout.state:
                self.payouts[payout.id] = payout
        elif "startsAt" in item:
            pull = read_pull_payment(answers.PullPaymentAnswer.model_validate(item), sight)
            self.pulls[pull.key] = pull

    def stories(self) -> Iterator[InvoiceStory]:
        for name, known in self.invoices.items():
            payments = [payment for method in known.methods for payment in method.payments]
            yield InvoiceStory(
                invoice=replace(known.states[-1], methods=known.methods),
                source="btcpay",
                history=False,
                first_seen_at=known.seen["first"],
                settled_seen_at=known.seen.get("settled"),
                ended_seen_at=known.seen.get("ended"),
                regressed_at=known.seen.get("regressed"),
                gone_at=None,
                mark=known.mark,
                payments=tuple(
                    KnownPayment(pay, pay.status is not PaymentStatus.INVALID, pay.received_at, pay.received_at)
                    for pay in payments
                ),
                hooks=tuple(known.hooks),
                node={},
                chain={},
                refunds=tuple(
                    Refund(
                        pull, tuple(pay for pay in self.payouts.values() if pay.pull_payment == pull.key), proven=True
                    )
                    for pull in self.pulls.values()
                    if pull.refund_of == name
                ),
                repaid={},
            )


def _shell(state: BtcpayInvoice, methods: Json) -> Json:
    """The least that an answer needs to carry these methods."""
    return {
        "id": state.id,
        "status": "New",
        "currency": state.currency,
        "createdTime": state.created_at,
        "expirationTime": state.expires_at,
        "monitoringExpiration": state.monitored_until,
        "paymentMethods": methods,
    }


def told(name: str, until: float = float("inf")) -> tuple[InvoiceStory, ...]:
    """The stories of a recording's invoices as they stood `until` seconds after it began."""
    steps = load(f"stories/{name}")["steps"]
    begin = next(
        step["response"]["createdTime"] + Decimal("0.95") - step["t"]  # the second in which it was made is all but over
        for step in steps
        if isinstance(step.get("response"), dict) and "additionalStatus" in step["response"]
    )
    teller = Teller()
    for step in steps:
        if step["t"] <= until:
            teller.step(step, float(begin + step["t"]))
    return tuple(teller.stories())
