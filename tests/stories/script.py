"""A recording as what lnwatch would have been told: each answer and each webhook, through the parsers of the source."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lnwatch.model.merchant import OPEN_STATUSES, BtcpayInvoice
from lnwatch.model.snapshot import Event
from lnwatch.sources.btcpay import answers
from lnwatch.sources.btcpay.invoice_reading import Sight, given_methods, read_invoice
from lnwatch.sources.btcpay.parsing import decode
from lnwatch.sources.btcpay.payouts import read_payout, read_pull_payment, read_request
from lnwatch.sources.btcpay.webhook_events import parse_event
from lnwatch.sources.btcpay.zone import HostZone
from tests.sources.btcpay.recordings import packed

Json = Any  # what JSON holds
STORE = "shop"
_METHODS = re.compile(r"GET .*/invoices/(\w+)/payment-methods")


@dataclass(frozen=True)
class Told:
    """What came at `at`: by a poll, or else by a webhook."""

    at: float
    polled: bool
    events: tuple[Event, ...]


@dataclass
class Script:
    """One recording, read from its first step to its last. `invoices` and `methods` are the last that was said of each,
    as it came, `payments` those that webhooks spoke of since, by invoice, method and id."""

    told: list[Told] = field(default_factory=list)
    invoices: dict[str, Json] = field(default_factory=dict)
    methods: dict[str, Json] = field(default_factory=dict)
    payments: dict[str, dict[str, dict[str, Json]]] = field(default_factory=dict)
    zone: HostZone = field(default_factory=HostZone)

    @classmethod
    def read(cls, path: Path) -> "Script":
        """The file at `path`."""
        steps = decode(path.read_bytes())["steps"]
        script, base = cls(), began(steps)
        for step in steps:
            script._step(step, base + float(step["t"]))
        return script

    def _sight(self, at: float) -> Sight:
        return Sight(STORE, at, 0.0, self.zone)

    def _step(self, step: Mapping[str, Json], at: float) -> None:
        if "webhook" in step:
            self._note_payment(step["webhook"])
            self.told.append(Told(at, False, (parse_event(packed(step["webhook"]), self._sight(at)),)))
        elif step.get("action") == "status seen":
            self._look(step, at)
        elif step.get("http_status") == 200 and (events := tuple(self._answer(step, at))):
            self.told.append(Told(at, True, events))

    def _note_payment(self, hook: Mapping[str, Json]) -> None:
        if (payment := hook.get("payment")) is not None:
            heard = self.payments.setdefault(hook["invoiceId"], {}).setdefault(hook["paymentMethodId"], {})
            heard[payment["id"]] = payment

    def _look(self, step: Mapping[str, Json], at: float) -> None:
        """An answer of which only the two states were recorded: its payments are those that BTCPay had told by then."""
        name = step["invoice"]
        if name in self.invoices:
            states = {"status": step["status"], "additionalStatus": step["additionalStatus"], "paidAmount": None}
            self.invoices[name] = {**self.invoices[name], **states}
            self.told.append(Told(at, True, (self.invoice(name, at),)))

    def _answer(self, step: Mapping[str, Json], at: float) -> Iterator[Event]:
        call, answer = step.get("call", ""), step.get("response")
        if not call or call.endswith("/status"):
            return  # a mark by hand is answered with the state of before
        if (asked := _METHODS.fullmatch(call)) is not None:
            if asked[1] in self.invoices:
                self._name_methods(asked[1], answer)
                yield self.invoice(asked[1], at)
            return
        for item in answer if isinstance(answer, list) else [answer]:
            if isinstance(item, dict) and "id" in item:
                yield from self._item(call, item, self._sight(at))

    def _item(self, call: str, item: dict[str, Json], sight: Sight) -> Iterator[Event]:
        """What a list, or an answer by itself, tells of one thing."""
        if "additionalStatus" in item:
            self.invoices[item["id"]] = item
            if item.get("paymentMethods"):
                self._name_methods(item["id"], item["paymentMethods"])
            bare = answers.InvoiceAnswer.model_validate(item)
            yield read_invoice(bare, sight, methods=given_methods(bare), accounted_only=True)
        elif "payoutMethodId" in item:
            yield read_payout(answers.PayoutAnswer.model_validate(item), sight)
        elif "autoApproveClaims" in item:
            yield read_pull_payment(answers.PullPaymentAnswer.model_validate(item), sight)
        elif "payment-requests" in call:
            yield read_request(answers.PaymentRequestAnswer.model_validate(item), sight)

    def _name_methods(self, name: str, methods: Json) -> None:
        self.methods[name] = methods
        self.payments.pop(name, None)  # what was heard before is in there, or no more

    def _methods_now(self, name: str) -> list[Json]:
        """As they were last told, with the payments that came since."""
        since = self.payments.get(name, {})
        return [
            {**each, "payments": [*({pay["id"]: pay for pay in each["payments"]} | heard).values()]}
            for each in self.methods.get(name, ())
            for heard in (since.get(each["paymentMethodId"], {}),)
        ]

    def invoice(self, name: str, at: float) -> BtcpayInvoice:
        """An invoice as it was last told, with its payments as far as they are known, as if told so again at `at`."""
        whole = answers.InvoiceAnswer.model_validate({**self.invoices[name], "paymentMethods": self._methods_now(name)})
        return read_invoice(whole, self._sight(at), methods=given_methods(whole), accounted_only=False)


def began(steps: Sequence[Mapping[str, Json]]) -> float:
    """When the recording began, by BTCPay's clock: the steps are in seconds since then."""
    for step in steps:
        if "webhook" in step:
            return float(step["webhook"]["timestamp"]) - float(step["t"])
        answer = step.get("response")
        if isinstance(answer, dict) and "createdTime" in answer:
            return float(answer["createdTime"]) - float(step["t"])
    return 1_795_556_000.0


def watermark(told: Sequence[Told]) -> float | None:
    """Up to when all invoices were read, once all of this was told; None before the first."""
    last: dict[str, BtcpayInvoice] = {}
    polls = [each for each in told if each.polled]
    for each in polls:
        last |= {event.id: event for event in each.events if isinstance(event, BtcpayInvoice)}
    still_open = [invoice.seen_at for invoice in last.values() if invoice.status in OPEN_STATUSES]
    return min([polls[-1].at, *still_open]) if last else None
