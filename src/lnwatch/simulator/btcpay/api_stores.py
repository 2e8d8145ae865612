"""Routes of a store: settings, payment methods, rates, its wallet, its node, and its payout processors."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

from lnwatch.simulator.btcpay.answers import node_invoice_shown, node_payment_shown
from lnwatch.simulator.btcpay.encoding import plain, to_coins
from lnwatch.simulator.btcpay.keys import STORE
from lnwatch.simulator.btcpay.routing import Call, FailedError, InvalidError, Route, ok
from lnwatch.simulator.btcpay.store import Processor
from lnwatch.simulator.btcpay.wallet import Coin, Lightning
from lnwatch.simulator.kestrel import Reply

_WALLET: Final = "/api/v1/stores/{store}/payment-methods/BTC-CHAIN/wallet"
_NODE: Final = "/api/v1/stores/{store}/lightning/BTC"
_PROCESSORS: Final = "/api/v1/stores/{store}/payout-processors"
_SENDERS: Final = {
    "BTC-LN": ("LightningAutomatedPayoutSenderFactory", "Automated Lightning Sender"),
    "BTC-CHAIN": ("OnChainAutomatedPayoutSenderFactory", "Automated Bitcoin Sender"),
}
_BALANCE_CACHED: Final = 300  # seconds
_LNURL: Final = {"useBech32Scheme": True, "lud12Enabled": True, "lud21Enabled": True}


async def stores(call: Call) -> Reply:
    """Those that the key may see."""
    seen = [each for each in call.btcpay.stores.values() if call.key.may(f"{STORE}canviewstoresettings", each.id)]
    return ok([each.shown() for each in seen])


async def store(call: Call) -> Reply:
    """One of them."""
    return ok(call.store.shown())


async def payment_methods(call: Call) -> Reply:
    """What is set up; the configuration to those who may change it."""
    shown: list[dict[str, Any]] = []
    may_see = call.key.may(f"{STORE}canmodifystoresettings", call.store.id)
    for method, enabled in call.store.methods.items():
        if not enabled and call.flag("onlyEnabled"):
            continue
        entry: dict[str, Any] = {"enabled": enabled}
        if call.flag("includeConfig") and may_see:
            entry["config"] = _config(call, method)
        shown.append(entry | {"paymentMethodId": method})
    return ok(shown)


def _config(call: Call, method: str) -> dict[str, Any]:
    if method == "BTC-CHAIN":
        account = call.store.account
        key = {"rootFingerprint": "82a6cf0b", "accountKeyPath": "84'/1'/0'", "signerUserId": None}
        return {
            "source": "NBXplorerGenerated",
            "isHotWallet": True,
            "accountDerivation": account,
            "accountOriginal": account,
            "accountKeySettings": [key | {"accountKey": account}],
            "label": call.store.wallet_label,
            "isMultiSigOnServer": False,
            "defaultIncludeNonWitnessUtxo": False,
        }
    if method == "BTC-LN":
        path = "type=clightning;server=unix:///run/lightning/lightning-rpc"
        return {"connectionString": path, "internalNodeRef": None}
    return dict(_LNURL)


async def set_payment_method(call: Call) -> Reply:
    """Switch a method on or off. What LNURL is told of its options it does not mind, as seen in 2.4.1."""
    method, body = call.parameters["method"], call.document()
    if method not in ("BTC-LN", "BTC-CHAIN", "BTC-LNURL"):
        raise FailedError(404, "paymentmethod-not-found", "The payment method was not found")
    call.store.methods[method] = bool(body.get("enabled"))
    answer: dict[str, Any] = {"enabled": call.store.methods[method]}
    if body.get("config") is not None:
        answer["config"] = _config(call, method)
    return ok(answer | {"paymentMethodId": method})


async def rates(call: Call) -> Reply:
    """What each pair costs now; only those that are asked for."""
    answer: list[dict[str, Any]] = []
    for pair in call.request.query.get("currencyPair", ()):
        coin, _, currency = pair.partition("_")
        if coin != "BTC" or not currency:
            raise InvalidError([("currencyPair", f"Invalid currency pair '{pair}'")])
        rate = call.store.rate(currency)
        errors = [] if rate is not None else [call.store.rate_error(pair)]
        answer.append({"currencyPair": pair, "rate": None if rate is None else plain(rate), "errors": errors})
    return ok(answer)


async def rate_configuration(call: Call) -> Reply:
    """Where the rates come from."""
    if call.parameters["source"] == "fallback" and not call.store.fallback:
        raise FailedError(404, "fallback-disabled", "The fallback rates are disabled")
    if call.parameters["source"] not in ("primary", "fallback"):
        return Reply(404)
    value = {"spread": 0.0, "isCustomScript": True, "effectiveScript": call.store.script, "preferredSource": None}
    return ok(value)


# -- the wallet -----------------------------------------------------------------------------------------------


def _coins(call: Call) -> list[Coin]:
    """What still counts, oldest first."""
    return [each for each in call.store.coins.seen() if not each.replaced]


async def balance(call: Call) -> Reply:
    """As it was up to five minutes ago. Without a name for the wallet its label is the account's key."""
    now, cached = call.btcpay.clock.now(), call.store.balance
    if cached is None or now >= cached[0] + _BALANCE_CACHED:
        cached = call.store.balance = (now, _balance(call))
    return ok(cached[1])


def _balance(call: Call) -> dict[str, Any]:
    coins, height = _coins(call), call.store.coins.height
    confirmed = sum((each.satoshis for each in coins if each.confirmations(height)), 0)
    waiting = sum((each.satoshis for each in coins if not each.confirmations(height)), 0)
    return {
        "balance": plain(to_coins(confirmed + waiting)),
        "unconfirmedBalance": plain(to_coins(waiting)),
        "confirmedBalance": plain(to_coins(confirmed)),
        "label": call.store.wallet_label or call.store.account,
    }


async def fee_rate(call: Call) -> Reply:
    """Satoshis per virtual byte, a JSON number."""
    return ok({"feeRate": float(await call.store.coins.fee_rate(call.number("blockTarget") or 1))})


def _labels(call: Call, coin: Coin) -> dict[str, Any]:
    tracked = call.btcpay.prompted.get(coin.address)
    if tracked is None:
        return {}
    return {"invoice": {"ref": tracked[0], "type": "invoice", "text": "invoice"}}


async def transactions(call: Call) -> Reply:
    """The newest first. Without a filter `skip` is applied twice, as seen in 2.4.1."""
    height = call.store.coins.height
    rows = [_transaction(call, each, height) for each in reversed(list(call.store.coins.seen()))]
    skip, limit = call.number("skip") or 0, call.number("limit")
    wanted = call.request.query.get("statusFilter", [])
    if wanted or call.first("labelFilter"):
        label = call.first("labelFilter")
        rows = [each for each in rows if (not wanted or each["status"] in wanted)]
        rows = [each for each in rows if label is None or label in each["labels"]]
        return ok(rows[skip:][:limit])
    return ok([each for each in rows if each["status"] != "Replaced"][skip:][:limit][skip:])


def _transaction(call: Call, coin: Coin, height: int) -> dict[str, Any]:
    depth = coin.confirmations(height)
    return {
        "transactionHash": coin.txid,
        "comment": "",
        "labels": _labels(call, coin),
        "amount": plain(to_coins(coin.satoshis)),
        "blockHash": coin.block if depth else None,
        "blockHeight": coin.height if depth else None,
        "confirmations": depth,
        "timestamp": coin.seen_at,
        "status": "Replaced" if coin.replaced else "Confirmed" if depth else "Unconfirmed",
    }


async def utxos(call: Call) -> Reply:
    """The coins; payouts of the simulated wallet spend none of them whole."""
    answer: list[dict[str, Any]] = []
    for coin in _coins(call):
        tracked = call.btcpay.prompted.get(coin.address)
        invoice = call.btcpay.invoices.get(tracked[0]) if tracked is not None else None
        prompt = invoice.prompt("BTC-CHAIN") if invoice is not None else None
        if coin.satoshis > 0:
            answer.append(
                {
                    "comment": "",
                    "amount": plain(to_coins(coin.satoshis)),
                    "outpoint": coin.outpoint,
                    "link": f"https://mempool.space/testnet/tx/{coin.txid}",
                    "labels": _labels(call, coin),
                    "timestamp": coin.seen_at,
                    "keyPath": prompt.details["keyPath"] if prompt is not None else None,
                    "address": coin.address,
                    "confirmations": coin.confirmations(call.store.coins.height),
                }
            )
    return ok(answer)


# -- the node -------------------------------------------------------------------------------------------------

_Ask = Callable[[Lightning], Awaitable[Any]]


async def _of_node(call: Call, ask: _Ask) -> Any:  # noqa: ANN401 - what the node says
    """Any trouble with the node is a 503 that names the exception."""
    node = call.store.lightning
    if node is None:
        raise FailedError(404, "lightning-not-configured", "The lightning node is not set up")
    try:
        return await ask(node)
    except OSError as error:
        text = f"The lightning node is unavailable (SocketException: {error})"
        raise FailedError(503, "lightning-node-unavailable", text) from error


async def node_info(call: Call) -> Reply:
    """Who it is."""
    return ok(await _of_node(call, lambda node: node.info()))


async def node_balance(call: Call) -> Reply:
    """What it has."""
    return ok(await _of_node(call, lambda node: node.balance()))


async def node_channels(call: Call) -> Reply:
    """Where it has it."""
    return ok(await _of_node(call, lambda node: node.channels()))


async def node_payments(call: Call) -> Reply:
    """What it sent."""
    return ok([node_payment_shown(each) for each in await _of_node(call, lambda node: node.payments())])


async def node_invoices(call: Call) -> Reply:
    """What it was asked to receive."""
    now = call.btcpay.clock.now()
    shown = [node_invoice_shown(each, now) for each in await _of_node(call, lambda node: node.invoices())]
    return ok([each for each in shown if each["status"] == "Unpaid" or not call.flag("pendingOnly")])


async def node_invoice(call: Call) -> Reply:
    """One of them, by its id."""
    for each in await _of_node(call, lambda node: node.invoices()):
        if each.id == call.parameters["node_invoice"]:
            return ok(node_invoice_shown(each, call.btcpay.clock.now()))
    raise FailedError(404, "invoice-not-found", "Impossible to find a lightning invoice with this id")


# -- processors -----------------------------------------------------------------------------------------------


async def processors(call: Call) -> Reply:
    """Those that are set up."""
    value = [
        {"name": _SENDERS[each][0], "friendlyName": _SENDERS[each][1], "payoutMethods": [each]}
        for each in call.store.processors
    ]
    return ok(value)


def _processor_shown(processor: Processor) -> dict[str, Any]:
    shown: dict[str, Any] = {"payoutMethodId": processor.method, "intervalSeconds": processor.interval}
    if processor.method == "BTC-CHAIN":
        shown |= {"feeBlockTarget": processor.fee_target, "threshold": float(processor.threshold)}
    return shown | {"processNewPayoutsInstantly": processor.instantly}


def _configure(method: str) -> Callable[[Call], Awaitable[Reply]]:
    async def configure(call: Call) -> Reply:
        body = call.document()
        interval = int(body.get("intervalSeconds", 3600))
        if not 60 <= interval <= 86_400:
            raise InvalidError([("IntervalSeconds", "The minimum interval is 60 seconds, the maximum 86400 seconds.")])
        made = Processor(
            method,
            interval,
            bool(body.get("processNewPayoutsInstantly")),
            int(body.get("feeBlockTarget", 1)),
            Decimal(str(body.get("threshold", "0.0"))),
        )
        call.store.processors[method] = made
        call.services.payouts.process(call.store, made)
        return ok(_processor_shown(made))

    return configure


def _configured(method: str) -> Callable[[Call], Awaitable[Reply]]:
    async def configured(call: Call) -> Reply:
        found = call.store.processors.get(method)
        return ok([_processor_shown(found)] if found is not None else [])

    return configured


ROUTES = (
    Route("GET", "/api/v1/stores", "canviewstoresettings", stores),
    Route("GET", "/api/v1/stores/{store}", "canviewstoresettings", store),
    Route("GET", "/api/v1/stores/{store}/payment-methods", "canviewstoresettings", payment_methods),
    Route("PUT", "/api/v1/stores/{store}/payment-methods/{method}", "canmodifystoresettings", set_payment_method),
    Route("GET", "/api/v1/stores/{store}/rates", "canviewstoresettings", rates),
    Route("GET", "/api/v1/stores/{store}/rates/configuration/{source}", "canviewstoresettings", rate_configuration),
    Route("GET", _WALLET, "canviewwallet", balance),
    Route("GET", f"{_WALLET}/feerate", "canviewwallet", fee_rate),
    Route("GET", f"{_WALLET}/transactions", "canviewwallet", transactions),
    Route("GET", f"{_WALLET}/utxos", "canviewwallet", utxos),
    Route("GET", f"{_NODE}/info", "canuselightningnode", node_info),
    Route("GET", f"{_NODE}/balance", "canuselightningnode", node_balance),
    Route("GET", f"{_NODE}/channels", "canuselightningnode", node_channels),
    Route("GET", f"{_NODE}/payments", "canuselightningnode", node_payments),
    Route("GET", f"{_NODE}/invoices", "canviewlightninginvoice", node_invoices),
    Route("GET", f"{_NODE}/invoices/{{node_invoice}}", "canviewlightninginvoice", node_invoice),
    Route("GET", _PROCESSORS, "canviewstoresettings", processors),
    *(
        route
        for method, (name, _) in _SENDERS.items()
        for path in (f"{_PROCESSORS}/{name}", f"{_PROCESSORS}/{name}/{method}")
        for route in (
            Route("GET", path, "canviewstoresettings", _configured(method)),
            Route("PUT", path, "canmodifystoresettings", _configure(method)),
        )
    ),
)
