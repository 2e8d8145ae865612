"""One customer's way from the checkout to a paid order, or away from it."""

import math
from typing import Final

from lnwatch.simulator.world.chain import Transaction
from lnwatch.simulator.world.customer import Customer
from lnwatch.simulator.world.events import (
    Bought,
    CoinsSent,
    CoinsTakenBack,
    HtlcsAdded,
    HtlcsFailed,
    HtlcsSettled,
    InvoiceMade,
    Left,
    LightningFailed,
    OrderPlaced,
    Parts,
    RefundDue,
)
from lnwatch.simulator.world.scene import Scene
from lnwatch.simulator.world.spec import EXPIRY, StoreSpec
from lnwatch.simulator.world.timetable import HOUR, MINUTE, SECOND

_MPP_TIMEOUT: Final = 60 * SECOND  # LND's own
_HELD: Final = (math.log(700), 0.6)  # milliseconds until a payment settles
_SAME_LUCK: Final = 0.75  # tries that go the way of the first one
_INCOMPLETE: Final = 0.015  # of payments in parts: one does not come
_SHORT: Final = 0.0006  # wallets that send too little
_FEE_SIZE: Final = 100  # virtual bytes
_SWITCHES: Final = 0.35  # of those who could not pay over Lightning
_TOPS_UP: Final = 0.5  # of those who paid too little
_COMES_BACK: Final = 0.3


class Purchase:
    """An order and those of its invoices that the customer still looks at."""

    def __init__(self, scene: Scene, store: StoreSpec, order: str, about: str, customer: Customer) -> None:
        """Nothing has happened yet."""
        self.order, self.about, self.customer = order, about, customer
        self._scene, self._store = scene, store
        self._rng = scene.rng(f"purchase/{order}")
        self._tries = 0
        self._invoices = 0
        self._invoice = ""
        self._msat = 0
        self._expires = 0
        self._methods: tuple[str, ...] = ()
        self._due = 0  # on-chain, what is not on its way yet
        self._network_fee = 0  # what BTCPay asks for a further payment on-chain
        self._sent: list[Transaction] = []
        self._over = False

    # -- the checkout -----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The customer comes to the checkout."""
        self._scene.tell(OrderPlaced(self.order, self._store.name, self.customer.kind, self.about, self.customer.cents))
        self._ask()

    def _ask(self) -> None:
        scene, causes = self._scene, self._scene.causes
        offered = [self.customer.method] if causes.known and causes.node else []
        offered += ["BTC-CHAIN"] if causes.indexer else []
        if not (causes.shop and causes.checkout and offered):
            self._leave("no checkout")
            return
        if self.customer.method != "BTC-LN" and offered[0] == self.customer.method:
            offered.insert(0, "BTC-LN")
        self._invoices += 1
        self._invoice = f"{self.order}/{self._invoices}"
        self._methods = tuple(offered)
        self._msat = scene.worth(self.customer.cents or self._rng.choice((500, 1_000, 2_100, 5_000)))
        self._expires = scene.timetable.now + EXPIRY * SECOND
        # Fees have two digits, so that this is whole but for what floats lose: 2.55 times 100 is 254.999….
        self._network_fee = round(scene.market.next_block * _FEE_SIZE) * 1_000
        cents = self.customer.cents
        msat = self._msat if cents else 0
        scene.tell(
            InvoiceMade(
                *(self._invoice, self.order, self._store.name, self.customer.kind, self.about),
                *(cents, msat, self._expires, self._methods),
            )
        )
        if self.customer.leaves:
            self._leave("only looked")
        else:
            scene.timetable.after(self.customer.thinks, self._pay)

    def _leave(self, why: str) -> None:
        if not self._over:
            self._over = True
            self._scene.tell(Left(self.order, self._store.name, why))

    def _buy(self, rail: str) -> None:
        if self._over:
            return
        self._over = True
        self._scene.tell(Bought(self.order, self._store.name, rail))
        if self.customer.refund_after is not None:
            due = RefundDue(self.order, self._invoice, self._msat)
            self._scene.timetable.after(self.customer.refund_after, lambda: self._scene.tell(due))

    def _pay(self) -> None:
        if not self._scene.causes.page:
            self._leave("no page")
        elif self.customer.lightning and self.customer.method in self._methods:
            self._try_lightning()
        elif "BTC-CHAIN" in self._methods:
            self._send_coins()
        else:
            self._leave("method missing")

    # -- Lightning --------------------------------------------------------------------------------------------

    def _try_lightning(self) -> None:
        scene = self._scene
        if scene.timetable.now >= self._expires:
            self._give_up("expired")
            return
        first = self._tries == 0 or self._rng.random() < _SAME_LUCK
        luck = self.customer.luck if first else self._rng.random()
        parts = scene.network.route(self._msat, self._rng, split=self.customer.splits)
        why = "node away" if not scene.causes.node else "upstream" if scene.dies_upstream(luck, self._msat) else ""
        if why or parts is None:
            scene.tell(LightningFailed(self.order, self._invoice, self._msat, why or "no inbound"))
            self._again()
        elif len(parts) > 1 and self._rng.random() < _INCOMPLETE:
            self._arrive_incomplete(parts[:-1])
        elif self._rng.random() < _SHORT:
            number, msat = parts[0]
            short: Parts = ((number, msat // 2),)
            scene.network.add(short)
            scene.network.resolve(short, settled=False)
            scene.tell(HtlcsFailed(self._invoice, short, "underpaid"))
            self._again()
        else:
            self._arrive(parts)

    def _arrive(self, parts: Parts) -> None:
        scene, invoice, method = self._scene, self._invoice, self.customer.method
        scene.network.add(parts)
        scene.tell(HtlcsAdded(invoice, parts, whole=True, method=method))

        def settle() -> None:
            scene.network.resolve(parts, settled=True)
            scene.books.lightning += sum(msat for _, msat in parts)
            scene.tell(HtlcsSettled(invoice, parts, method))
            self._buy("lightning")
            if self.customer.quirk == "twice" and "BTC-CHAIN" in self._methods:
                self._send(self._msat)

        scene.timetable.after(self._rng.lognormvariate(*_HELD), settle)

    def _arrive_incomplete(self, parts: Parts) -> None:
        scene, invoice = self._scene, self._invoice
        scene.network.add(parts)
        scene.tell(HtlcsAdded(invoice, parts, whole=False, method=self.customer.method))

        def time_out() -> None:
            scene.network.resolve(parts, settled=False)
            scene.tell(HtlcsFailed(invoice, parts, "mpp timeout"))
            self._again()

        scene.timetable.after(_MPP_TIMEOUT, time_out)

    def _again(self) -> None:
        """After a failed try: once more, on-chain, later with a new invoice, or away."""
        self._tries += 1
        if self._tries <= self.customer.stubborn:
            self._scene.timetable.after(self._rng.uniform(10, 70) * SECOND, self._try_lightning)
        elif "BTC-CHAIN" in self._methods and self._rng.random() < _SWITCHES:
            self._scene.timetable.after(self._rng.uniform(20, 120) * SECOND, self._send_coins)
        else:
            self._give_up("payment failed")

    def _give_up(self, why: str) -> None:
        if self._invoices < 2 and self._rng.random() < _COMES_BACK:
            self._scene.timetable.after(self._rng.uniform(2, 25) * MINUTE, self._ask)
        else:
            self._leave(why)

    # -- on-chain ---------------------------------------------------------------------------------------------

    def _send_coins(self) -> None:
        now, quirk, wave = self._scene.timetable.now, self.customer.quirk, self._scene.causes.underpaid
        if wave and self._rng.random() < wave:
            quirk = "under"
        if quirk == "late" and now < self._expires:
            wait = self._expires - now + self._rng.uniform(0.02, 5) * HOUR
            self._scene.timetable.after(wait, self._send_coins)
            return
        if quirk != "late" and now >= self._expires:
            self._give_up("expired")
            return
        share = {"under": self._rng.uniform(0.85, 0.995), "over": self._rng.uniform(1.01, 1.2)}.get(quirk, 1.0)
        whole = -(-self._msat // 1_000) * 1_000
        sent = int(whole * share) // 1_000 * 1_000
        self._due = max(0, whole - sent)
        if quirk == "late":
            self._leave("paid late")
        self._send(sent)
        if self._due and self._rng.random() < _TOPS_UP:
            self._scene.timetable.after(self._rng.uniform(1, 8) * MINUTE, self._send_rest)
        elif self._due:
            self._leave("underpaid")

    def _send_rest(self) -> None:
        """The customer saw that something is missing."""
        if self._scene.timetable.now < self._expires:
            due, self._due = self._due, 0
            self._send(due + self._network_fee)
        else:
            self._leave("underpaid")

    def _send(self, msat: int, replaces: Transaction | None = None) -> None:
        scene, customer = self._scene, self.customer
        fee = scene.market.next_block * (customer.fee if replaces is None else 1.3)
        cheats = customer.quirk == "cheats"
        fee, replaceable = round(max(1.0, fee), 2), customer.replaces or cheats
        made = Transaction(scene.transaction_id(), msat, fee, replaceable, self._invoice, self._confirmed)
        scene.market.send(made)
        self._sent.append(made)
        replaced = replaces.id if replaces is not None else ""
        scene.tell(CoinsSent(made.id, made.invoice, msat, made.fee_rate, made.replaceable, replaced))
        if cheats:
            scene.timetable.after(self._rng.uniform(1, 6) * MINUTE, lambda: self._take_back(made))
        elif customer.replaces and replaces is None:
            scene.timetable.after(self._rng.uniform(8, 60) * MINUTE, lambda: self._replace(made))

    def _replace(self, transaction: Transaction) -> None:
        if transaction.height is None and not transaction.gone:
            self._scene.market.drop(transaction)
            self._send(transaction.msat, transaction)

    def _take_back(self, transaction: Transaction) -> None:
        if transaction.height is None and not transaction.gone:
            self._scene.market.drop(transaction)
            self._scene.tell(CoinsTakenBack(transaction.id))
            self._leave("took it back")

    def _confirmed(self) -> None:
        """One of the transactions is in a block."""
        arrived = sum(each.msat for each in self._sent if each.height is not None and not each.gone)
        if arrived >= self._msat:
            self._buy("onchain")
