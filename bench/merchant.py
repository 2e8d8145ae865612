"""The stand-in for BTCPay Server, as a process: lnwatch's own double, with years of invoices behind what it sells now.

    python -m bench.merchant FOLDER --stores N --open N --past N [--hook URL] [--latency SECONDS]

Writes `up.json` into FOLDER when it is up. `GET /bench/counts` tells what was asked of it, and how much it sent;
`/bench/sell` sells something over Lightning at once and answers with the invoice's id; `/bench/twice` lets a customer
pay two open invoices of one order, SECONDS_BETWEEN apart, and answers with the epoch second of the second payment.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bench.past import Past
from lnwatch.clock import SystemClock
from lnwatch.simulator.bitcoind import Chain
from lnwatch.simulator.btcpay import BtcpayDouble, Invoice, Store
from lnwatch.simulator.btcpay.invoicing import create, order_of
from lnwatch.simulator.btcpay.webhooks import Webhook
from lnwatch.simulator.kestrel import JSON, Reply, Request
from lnwatch.simulator.nbxplorer import Indexer

SECRET = "of-the-bench-alone"  # noqa: S105 - nobody else has it
SECONDS_BETWEEN = 1.0  # slower than Slack's own pace, so that nothing waits for it
_HEIGHT = 116
_RIGHTS = ("canviewstoresettings", "canviewwallet", "canviewlightninginvoice")
_AGE = 120  # seconds between the newest past invoice and the start


class Merchant(BtcpayDouble):
    """The double, with a past in its first store."""

    def __init__(self, stores: int, past: int) -> None:
        """Nothing listens yet."""
        clock = SystemClock()
        chain = Chain(clock)
        chain.mine(_HEIGHT)
        super().__init__(clock, Indexer(clock, chain))
        self.shops = [self.add_store(f"shop{number}") for number in range(stores)]
        self.past = Past(self.shops[0].id, past, int(time.time()) - _AGE)
        self.opened: list[Invoice] = []
        self.calls: Counter[str] = Counter()
        self.sent_bytes = 0
        scopes = [f"btcpay.store.{right}:{shop.id}" for shop in self.shops for right in _RIGHTS]
        self.key = self.core.credentials.key("0" * 40, self.owner, "monitor", *scopes)

    async def answer(self, request: Request) -> Reply:
        """As the double, which keeps of it all nothing but counts."""
        if request.path == "/bench/counts":
            return Reply.of(200, {"calls": self.calls, "sent_bytes": self.sent_bytes})
        if request.path == "/bench/sell":
            return Reply.of(200, await self.sell())
        if request.path == "/bench/twice":
            return Reply.of(200, await self.sell_twice())
        listed = request.path == f"/api/v1/stores/{self.past.store}/invoices" and self.past.count
        reply = await self._list(request) if listed else await super().answer(request)
        self.exchanges.clear()
        self.calls[request.path] += 1
        self.sent_bytes += len(reply.body)
        return reply

    async def _list(self, request: Request) -> Reply:
        """A page of what is sold now, and then of the past."""
        asked = {name: int(values[0]) for name, values in request.query.items() if values[0].isdecimal()}
        skip, take = asked.pop("skip", 0), asked.pop("take", None)
        query = {name: values for name, values in request.query.items() if name not in {"skip", "take"}}
        reply = await super().answer(replace(request, query=query))
        if reply.status != 200:
            return reply
        old = range(0) if "status" in query else self.past.within(asked.get("startDate"), asked.get("endDate"))
        end = None if take is None else skip + take
        now = [json.dumps(each) for each in reply.value[skip:end]]
        before = len(reply.value)
        past = old[max(0, skip - before) : None if end is None else max(0, end - before)]
        body = ",".join([*now, *self.past.listed(past)])
        return Reply(200, f"[{body}]".encode(), {"Content-Type": JSON})

    async def open(self, shop: Store) -> Invoice:
        """An invoice that somebody looks at; two in a row are of one order."""
        about = {"orderId": f"live-{len(self.core.invoices) // 2}", "itemDesc": "one thing"}
        order = order_of(shop, price=Decimal(10), metadata=about)
        return await create(self.core, self._detection, shop, order)

    async def sell(self) -> str:
        """An invoice, paid at once."""
        invoice = await self.open(self.shops[0])
        self.pay_over_lightning(invoice)
        return invoice.id

    async def sell_twice(self) -> float:
        """The next two open invoices, which are of one order, both paid."""
        first, second = self.opened.pop(), self.opened.pop()
        self.pay_over_lightning(first)
        await asyncio.sleep(SECONDS_BETWEEN)
        at = time.time()
        self.pay_over_lightning(second)
        return at


async def serve(folder: Path, merchant: Merchant, opened: int, hook: str | None) -> None:
    """Serve until killed."""
    await merchant.start()
    for shop in merchant.shops:
        merchant.opened += [await merchant.open(shop) for _ in range(opened)]
        if hook is not None:
            webhook = Webhook(f"W{shop.id}", shop.id, hook, SECRET)
            merchant.core.dispatcher.webhooks[webhook.id] = webhook
    stores = {shop.name: shop.id for shop in merchant.shops}
    (folder / "up.json").write_text(json.dumps({"url": merchant.url, "key": merchant.key.secret, "stores": stores}))
    await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stores", type=int, default=1)
    parser.add_argument("--open", type=int, required=True)
    parser.add_argument("--past", type=int, default=0)
    parser.add_argument("--hook")
    parser.add_argument("--latency", type=float, default=0.0)
    given = parser.parse_args()
    merchant = Merchant(given.stores, given.past)
    merchant.faults.latency = given.latency
    asyncio.run(serve(given.folder, merchant, given.open, given.hook))


if __name__ == "__main__":
    main()
