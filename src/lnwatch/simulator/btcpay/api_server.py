"""Routes of the server itself: health, info, the key, permissions, and the pages that customers see."""

import json
from decimal import Decimal
from typing import Any, Final

from lnwatch.simulator.btcpay.invoice import LNURL, Invoice
from lnwatch.simulator.btcpay.invoicing import pay_request, scan
from lnwatch.simulator.btcpay.keys import PERMISSIONS
from lnwatch.simulator.btcpay.routing import ANY_KEY, SECURE, Call, FailedError, Route, done, ok
from lnwatch.simulator.kestrel import Reply

_HTML: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Referrer-Policy": "origin",
    "Content-Security-Policy": "script-src 'self' 'unsafe-eval'",
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
}
_PAGE: Final = "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{body}</body></html>\n"
_SOURCES: Final = [
    "Bare Bitcoin",
    "Binance",
    "Bitbank",
    "Bitcoin.co.ke",
    "Bitfinex",
    "Bitflyer",
    "Bitmynt",
    "Bitnob",
    "Bitpay",
    "BtcTurk",
    "Buda",
    "Bull Bitcoin",
    "CoinDCX",
    "Coinbase Pro",
    "Coinmate",
    "CryptoMarket",
    "Desiboard",
    "Free Currency Rates",
    "HitBTC",
    "Kraken",
    "Luno",
    "NDAX",
    "OKEx",
    "Poloniex",
    "Ripio",
    "Yadio",
]
_SOURCE_IDS: Final = {"Bitcoin.co.ke": "bitcoinkenya", "Bull Bitcoin": "bylls"}


async def health(call: Call) -> Reply:
    """Always 200 while the process answers, by what was seen of NBXplorer last."""
    return ok({"synchronized": call.btcpay.synchronized})


async def info(call: Call) -> Reply:
    """500 without a body where NBXplorer was not reached at the last look."""
    seen = call.btcpay.summary
    if seen is None:
        return Reply(500)
    core = seen["bitcoinStatus"]
    node = None if core is None else {name: core[name] for name in ("headers", "blocks", "verificationProgress")}
    chain = {
        "chainHeight": seen["chainHeight"],
        "syncHeight": seen["syncHeight"],
        "nodeInformation": node,
        "paymentMethodId": "BTC-CHAIN",
        "available": seen["isFullySynched"],
    }
    value = {
        "syncStatus": [chain],
        "version": call.btcpay.version,
        "onion": None,
        "supportedPaymentMethods": ["BTC-CHAIN", "BTC-LN", "BTC-LNURL"],
        "fullySynched": seen["isFullySynched"],
    }
    return ok(value)


async def current_key(call: Call) -> Reply:
    """The key itself is in it."""
    key = call.key
    return ok({"apiKey": key.secret, "label": key.label, "permissions": list(key.permissions)})


async def revoke_current_key(call: Call) -> Reply:
    """Its last call."""
    call.btcpay.credentials.keys.pop(call.key.secret, None)
    return done()


async def notifications(call: Call) -> Reply:
    """What the owner was told, the newest first."""
    seen, skip, take = call.first("seen"), call.number("skip") or 0, call.number("take")
    shown = [
        each for each in reversed(call.btcpay.notifications) if seen is None or each["seen"] == (seen.lower() == "true")
    ]
    return ok(shown[skip:] if take is None else shown[skip : skip + take])


async def permissions(_: Call) -> Reply:
    """The tree, spelled out."""
    return ok([{"name": name, "included": sorted(inner)} for name, inner in sorted(PERMISSIONS.items())])


async def rate_sources(_: Call) -> Reply:
    """Exchanges by name."""
    ids = (_SOURCE_IDS.get(each) or each.replace(" ", "").lower() for each in _SOURCES)
    return ok([{"id": each, "name": name} for each, name in zip(ids, _SOURCES, strict=True)])


async def checkout(call: Call) -> Reply:
    """The page where a customer pays."""
    invoice = call.btcpay.invoices.get(call.parameters["page"])
    if invoice is None:
        return _page(404, "Page not found", "The page you are looking for does not exist.")
    return _page(200, "BTCPay Invoice", f"<div id='Checkout-v2' data-invoice='{invoice.id}'></div>")


async def lnurl_pay(call: Call) -> Reply:
    """First what a wallet may pay, then, with an amount, the BOLT11 for it."""
    invoice = call.btcpay.invoices.get(call.parameters["page"])
    prompt = invoice.prompt(LNURL) if invoice is not None else None
    if invoice is None or prompt is None or invoice.status != "New":
        return _lnurl_error(404, "Invoice not in a valid payable state")
    store = call.btcpay.stores[invoice.store]
    asked = pay_request(call.btcpay, store, invoice, prompt)
    amount = call.first("amount")
    if amount is None:
        return ok(asked)
    if not amount.isdecimal() or Decimal(amount) != asked["minSendable"]:
        return _lnurl_error(400, "Amount is out of bounds.")
    try:
        text = await scan(call.btcpay, store, invoice, prompt, int(amount))
    except OSError:
        return _lnurl_error(400, "Lightning node could not generate invoice")
    return ok(_offer(call, invoice, text, str(prompt.details["paymentHash"])))


def _offer(call: Call, invoice: Invoice, text: str, payment_hash: str) -> dict[str, Any]:
    thanks = {
        "description": "Thank you for your purchase. Here is your receipt",
        "url": f"{call.btcpay.url}/i/{invoice.id}/receipt",
        "tag": "url",
    }
    verify = f"{call.btcpay.url}/lnurlp/verify/{payment_hash}"
    return {"pr": text, "routes": [], "disposable": True, "successAction": thanks, "verify": verify}


def _lnurl_error(status: int, reason: str) -> Reply:
    body = json.dumps({"status": "ERROR", "reason": reason}).encode()
    return Reply(status, body, {"Content-Type": "application/json; charset=utf-8", **SECURE})


def _page(status: int, title: str, body: str) -> Reply:
    return Reply(status, _PAGE.format(title=title, body=body).encode(), _HTML)


async def internal_node(_: Call) -> Reply:
    """There is none."""
    raise FailedError(404, "lightning-not-configured", "The internal lightning node is not set up")


ROUTES = (
    Route("GET", "/api/v1/health", None, health),
    Route("GET", "/api/v1/server/info", ANY_KEY, info),
    Route("GET", "/api/v1/api-keys/current", ANY_KEY, current_key),
    Route("DELETE", "/api/v1/api-keys/current", ANY_KEY, revoke_current_key),
    Route("GET", "/api/v1/users/me/notifications", "btcpay.user.canviewnotificationsforuser", notifications),
    Route("GET", "/misc/permissions", ANY_KEY, permissions),
    Route("GET", "/misc/rate-sources", ANY_KEY, rate_sources),
    *(
        Route("GET", f"/api/v1/server/lightning/BTC/{what}", "btcpay.server.canuseinternallightningnode", internal_node)
        for what in ("info", "balance", "channels", "payments")
    ),
    Route("GET", "/i/{page}", None, checkout),
    Route("GET", "/BTC/UILNURL/pay/i/{page}", None, lnurl_pay),
)
