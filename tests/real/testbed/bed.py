"""The whole bed: a merchant's stack, a well-connected peer and a customer, with channels between them."""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from tests.real.testbed.bitcoin import Bitcoind
from tests.real.testbed.fees import EVERYBODYS, teach_fees
from tests.real.testbed.lnd import PEERS_HOST, Json, Lnd
from tests.real.testbed.ports import free_port
from tests.real.testbed.waiting import until

CONFIRMATIONS = 6  # announced from here on
LONGEST = 30  # blocks until everything of a force close must be swept


@dataclass(frozen=True, slots=True)
class HoldInvoice:
    """A hold invoice: its secrets and what to pay. Hexadecimal."""

    preimage: str
    payment_hash: str
    request: str


class Bed:
    """bitcoind and three LND nodes on one regtest chain. `folder` holds every file and log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bitcoind = Bitcoind(folder / "bitcoind")
        self.merchant = Lnd(folder / "merchant", self.bitcoind, flags=("--wtclient.active",))
        self.tower = f"{PEERS_HOST}:{free_port()}"
        self.hub = Lnd(
            folder / "hub", self.bitcoind, flags=("--watchtower.active", f"--watchtower.listen={self.tower}")
        )
        self.customer = Lnd(folder / "customer", self.bitcoind)
        self.nodes = (self.merchant, self.hub, self.customer)
        self.start_seconds = 0.0
        self._ripe = ""  # hash of a block whose reward everybody may spend

    def start(self) -> None:
        """Start everything, fund the wallets, open the channels, wait until a payment finds its way."""
        begun = time.monotonic()
        self.bitcoind.start()
        (self._ripe,) = self.bitcoind.mine(1, EVERYBODYS)  # without a block of today LND waits for the chain
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.ready()
        for node in self.nodes:
            self.bitcoind.mine(2, node.new_address())
        self.bitcoind.mine(101)
        for node in self.nodes:
            until(f"{node.name} has money", partial(self.balance, node))
        self.introduce(self.hub, self.merchant)
        self.introduce(self.hub, self.customer)
        self.merchant.add_tower(self.hub.tower_key(), self.tower)
        self.hub.open_channel(self.merchant, 5_000_000)
        self.merchant.open_channel(self.hub, 2_000_000)
        self.customer.open_channel(self.hub, 5_000_000)
        self.confirm()
        self.channels_active(self.merchant, 2)
        self.channels_active(self.hub, 3)
        self.channels_active(self.customer, 1)
        until("the customer sees the way to the merchant", self.customer_knows_merchant, timeout=40)
        self.start_seconds = time.monotonic() - begun

    def introduce(self, one: Lnd, other: Lnd) -> None:
        """Connect two nodes, and wait until both know it: until then neither opens a channel."""
        one.connect(other)
        for node, peer in ((one, other), (other, one)):
            until(f"{node.name} knows {peer.name}", partial(node.knows, peer))

    def balance(self, node: Lnd) -> int:
        """Confirmed satoshis of a wallet."""
        return int(node.get("/v1/balance/blockchain")["confirmed_balance"])

    def customer_knows_merchant(self) -> bool:
        """Whether gossip has brought both directions of a channel of the merchant to the customer."""
        edges = self.customer.get("/v1/graph")["edges"]
        ends = ((self.merchant.key, self.hub.key), (self.hub.key, self.merchant.key))
        ours = [edge for edge in edges if (edge["node1_pub"], edge["node2_pub"]) in ends]
        return any(edge["node1_policy"] and edge["node2_policy"] for edge in ours)

    def mine(self, blocks: int = 1) -> None:
        """Mine, and wait until every node that runs stands at the tip."""
        self.bitcoind.mine(blocks)
        self.in_step()

    def mine_until(self, reached: Callable[[], bool]) -> None:
        """Mine block by block, with a moment in between for sweeps to be published, until it is reached."""
        for _ in range(LONGEST):
            if reached():
                return
            self.mine(1)
            time.sleep(0.5)
        assert reached()

    def mine_for(self, *nodes: Lnd) -> None:
        """Mine a block, and wait for these nodes alone."""
        self.bitcoind.mine(1)
        self.in_step(*nodes)

    def teach_fees(self) -> None:
        """Have bitcoind see enough transactions to estimate a fee, which it then does for every node of the bed."""
        if "feerate" not in self.bitcoind.ask("estimatesmartfee", 2):
            teach_fees(self.bitcoind, self._ripe)
            self.in_step()

    def in_step(self, *nodes: Lnd) -> None:
        """Wait until these nodes, or else every node that runs, stand at bitcoind's tip."""
        tip = self.bitcoind.ask("getbestblockhash")
        for node in nodes or self.nodes:
            if node.process.running:
                until(f"{node.name} at {tip}", partial(node.stands_at, tip))

    def confirm(self) -> None:
        """Bury what waits in the mempool deep enough for a channel to be announced."""
        until("something waits in the mempool", lambda: self.bitcoind.ask("getrawmempool"))
        self.mine(CONFIRMATIONS)

    def channels_active(self, node: Lnd, count: int, timeout: float = 40) -> None:
        """Wait until a node has exactly so many active channels."""
        until(
            f"{node.name} has {count} active channels",
            lambda: sum(channel["active"] for channel in node.channels()) == count,
            timeout=timeout,
        )

    def whole(self) -> None:
        """Wait until everything that a test may have broken is mended: every channel of every node active."""
        for node in self.nodes:
            until(f"{node.name} is whole", partial(self._all_active, node), timeout=60)

    def _all_active(self, node: Lnd) -> bool:
        self.hub.connect(self.merchant)  # a node that came back may leave it to the other to call
        self.customer.connect(self.hub)
        return all(channel["active"] for channel in node.channels())

    def pay(self, request: str, payer: Lnd | None = None) -> None:
        """Pay an invoice as the customer (or somebody else); it must succeed."""
        payment = (payer or self.customer).pay(request)
        assert payment["status"] == "SUCCEEDED", payment.get("failure_reason")

    def hold_invoice(self, satoshis: int, *, expiry: int = 3600, blocks: int = 80) -> HoldInvoice:
        """A hold invoice of the merchant with a fresh preimage; a payment is locked for at least so many blocks."""
        preimage = secrets.token_bytes(32)
        payment_hash = sha256(preimage).hexdigest()
        request = self.merchant.hold_invoice(payment_hash, satoshis, expiry=expiry, blocks=blocks)
        return HoldInvoice(preimage.hex(), payment_hash, request)

    @contextmanager
    def paying(self, request: str, payer: Lnd | None = None, timeout: int = 60) -> Iterator[Future[Json]]:
        """Pay in the background as the customer (or somebody else); the payment has ended when the block is left."""
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit((payer or self.customer).pay, request, timeout=timeout)

    def accepted(self, held: HoldInvoice) -> None:
        """Wait until a hold invoice holds its money."""
        until("the invoice is held", lambda: self.merchant.invoice(held.payment_hash)["state"] == "ACCEPTED")

    def reorganise(self, depth: int) -> None:
        """Take back the newest blocks and mine one more than there were, all empty: what was in them waits again."""
        first = self.bitcoind.ask("getblockhash", self.bitcoind.height - depth + 1)
        self.bitcoind.ask("invalidateblock", first)
        self.bitcoind.mine_empty(depth + 1)
        self.in_step()

    def secrets(self) -> list[str]:
        """What must never be seen in a log: macaroons, the cookie, invoices."""
        macaroons = [node.macaroon(name).read_bytes().hex() for node in self.nodes for name in ("admin", "readonly")]
        return [*macaroons, self.bitcoind.cookie.read_text().split(":")[1], "lnbcrt"]

    def close(self) -> None:
        """Stop everything: the nodes before the chain that they stand on."""
        for node in self.nodes:
            node.close()
        self.bitcoind.close()
