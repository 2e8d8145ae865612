"""BTCPay Server can't tell the shop of payments, or tells it late: customers have paid and their orders wait."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from lnwatch.domain.limits import require_positive
from lnwatch.domain.stores import store_facts, stores_of, unread
from lnwatch.domain.wording import duration, moment
from lnwatch.model.btcpay import Webhook, Webhooks
from lnwatch.model.merchant import DeliveryStatus, WebhookDelivery
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View

_GRANT = "give its key btcpay.store.webhooks.canmodifywebhooks, and say so with `deliveries = true`"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`deliveries`: found when that many of the newest deliveries of a webhook in a row failed or were late.
    `late_seconds`: one is late that took longer (told by BTCPay Server from 2.3.4 on)."""

    deliveries: int = 2
    late_seconds: float = 60.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(deliveries=self.deliveries, late_seconds=self.late_seconds)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each store; of its webhooks the one that has gone wrong for longest is told."""
    if target is None:
        return
    for store in stores_of(target):
        subject = f"store:{store}"
        facts = store_facts(target, Webhooks, store, view.at)
        if facts is None:
            yield Unknown(unread(target, Webhooks, store), subject)
        elif facts.webhooks is None:
            yield Unknown(f"{target.slug} does not show the deliveries of {subject} to this key: {_GRANT}", subject)
        else:
            wrong = [(webhook, _wrong(webhook, thresholds)) for webhook in facts.webhooks if webhook.enabled]
            wrong = [(webhook, tries) for webhook, tries in wrong if len(tries) >= thresholds.deliveries]
            if wrong:
                yield _finding(subject, *max(wrong, key=lambda each: len(each[1])), thresholds)


def _wrong(webhook: Webhook, thresholds: Thresholds) -> list[WebhookDelivery]:
    """The newest deliveries up to the last that went well."""
    return list(takewhile(lambda each: _failed(each) or _seconds(each) > thresholds.late_seconds, webhook.newest))


def _failed(delivery: WebhookDelivery) -> bool:
    return delivery.status in (DeliveryStatus.FAILED, DeliveryStatus.HTTP_ERROR)


def _seconds(delivery: WebhookDelivery) -> float:
    return 0.0 if delivery.delivered_at is None else delivery.delivered_at - delivery.listed_at


def _finding(subject: str, webhook: Webhook, tries: list[WebhookDelivery], thresholds: Thresholds) -> Finding:
    newest, since = tries[0], moment(tries[-1].listed_at)
    if _failed(newest):
        answer = f"HTTP {newest.http_code}" if newest.http_code is not None else "no answer"
        again = "tries some of them again" if webhook.redelivers else "does not try again"
        how = f"failed or were late since {since} ({answer}), and BTCPay {again}"
    else:
        how = f"failed or were late since {since}, the last by {duration(_seconds(newest))}"
    limit = f"limit {thresholds.deliveries} in a row"
    words = f"the last {len(tries)} deliveries to the webhook at {webhook.host} {how} ({limit})"
    return Finding(
        subject,
        f"{subject} is not told of payments as it should: {words}.",
        facts={
            "webhook": webhook.id,
            "host": webhook.host,
            "since": since,
            "newest": newest.status.value,
            "redelivers": "yes" if webhook.redelivers else "no",
        },
        evidence=f"{webhook.id} {newest.http_code}",
    )


RULE = Rule(
    id="shop_webhooks_failing",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    after=300,
    kinds=("btcpay",),
    grant=f"configure a source of kind `btcpay`; {_GRANT}",
)
