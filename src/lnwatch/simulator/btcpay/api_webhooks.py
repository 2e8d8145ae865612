"""Routes of webhooks and their deliveries."""

import secrets
from typing import Any, Final

from lnwatch.simulator.btcpay.routing import SECURE, Call, FailedError, InvalidError, Route, done, ok
from lnwatch.simulator.btcpay.webhooks import Delivery, Webhook, listed, prune
from lnwatch.simulator.kestrel import Reply


def _webhook(call: Call) -> Webhook:
    found = call.btcpay.dispatcher.webhooks[call.parameters["webhook"]]
    prune(found, call.btcpay.clock.now())
    return found


def _shown(webhook: Webhook, *, secret: bool = False) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "enabled": webhook.enabled,
        **({"secret": webhook.secret} if secret else {}),
        "automaticRedelivery": webhook.automatic_redelivery,
        "url": webhook.url,
        "authorizedEvents": {"everything": webhook.everything, "specificEvents": list(webhook.specific)},
    }


def _configure(webhook: Webhook, body: dict[str, Any]) -> Webhook:
    url = str(body.get("url") or "")
    if not url.startswith(("http://", "https://")):
        raise InvalidError([("Url", "Invalid Url")])
    events = body.get("authorizedEvents") or {}
    webhook.url = url
    webhook.enabled = bool(body.get("enabled", True))
    webhook.automatic_redelivery = bool(body.get("automaticRedelivery", True))
    webhook.everything = bool(events.get("everything", True))
    webhook.specific = tuple(events.get("specificEvents") or ())
    webhook.secret = body.get("secret") or webhook.secret
    return webhook


async def webhooks(call: Call) -> Reply:
    """Never with their secrets."""
    return ok([_shown(each) for each in call.btcpay.dispatcher.webhooks.values() if each.store == call.store.id])


async def create(call: Call) -> Reply:
    """The only answer with the secret."""
    fresh = Webhook(call.btcpay.ids.make("webhook"), call.store.id, "", secrets.token_urlsafe(20))
    made = _configure(fresh, call.document())
    call.btcpay.dispatcher.webhooks[made.id] = made
    return ok(_shown(made, secret=True))


async def webhook(call: Call) -> Reply:
    """One of them."""
    return ok(_shown(_webhook(call)))


async def change(call: Call) -> Reply:
    """Without a secret the old one stays."""
    return ok(_shown(_configure(_webhook(call), call.document())))


async def delete(call: Call) -> Reply:
    """With what was to be delivered to it."""
    await call.btcpay.dispatcher.drop(_webhook(call))
    return done()


def _delivery_shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "timestamp": int(delivery.timestamp),
        "deliveryTime": int(delivery.delivered_at),
        "httpCode": delivery.http_code,
        "errorMessage": delivery.error,
        "status": delivery.status,
    }


async def deliveries(call: Call) -> Reply:
    """The newest first; all of them without `count`."""
    return ok([_delivery_shown(each) for each in listed(_webhook(call), call.number("count"))])


def _delivery(call: Call, *, whole: bool = False) -> Delivery:
    found = next((each for each in _webhook(call).deliveries if each.id == call.parameters["delivery"]), None)
    if found is None:
        raise FailedError(404, "webhookdelivery-not-found", "The webhook delivery was not found")
    if whole and found.body is None:
        raise FailedError(409, "webhookdelivery-pruned", "This webhook delivery has been pruned")
    return found


async def delivery(call: Call) -> Reply:
    """One of them."""
    return ok(_delivery_shown(_delivery(call)))


async def delivery_request(call: Call) -> Reply:
    """What was sent."""
    return Reply.of(200, _delivery(call, whole=True).body, SECURE, kind="application/json")


async def redeliver(call: Call) -> Reply:
    """Once more; the id of the new delivery."""
    return ok(call.btcpay.dispatcher.redeliver(_webhook(call), _delivery(call, whole=True)))


_STORE: Final = "/api/v1/stores/{store}/webhooks"
_POLICY: Final = "webhooks.canmodifywebhooks"
ROUTES = (
    Route("GET", _STORE, _POLICY, webhooks),
    Route("POST", _STORE, _POLICY, create),
    *(
        route
        for base in (f"{_STORE}/{{webhook}}", "/api/v1/webhooks/{webhook}")
        for route in (
            Route("GET", base, _POLICY, webhook),
            Route("PUT", base, _POLICY, change),
            Route("DELETE", base, _POLICY, delete),
            Route("GET", f"{base}/deliveries", _POLICY, deliveries),
            Route("GET", f"{base}/deliveries/{{delivery}}", _POLICY, delivery),
            Route("GET", f"{base}/deliveries/{{delivery}}/request", _POLICY, delivery_request),
            Route("POST", f"{base}/deliveries/{{delivery}}/redeliver", _POLICY, redeliver),
        )
    ),
)
