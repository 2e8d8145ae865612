"""The world: stores' customers, the node's days and blocks, on one timetable."""

import random
from typing import Final

from lnwatch.simulator.world.causes import Causes
from lnwatch.simulator.world.chain import Market
from lnwatch.simulator.world.channels import Network
from lnwatch.simulator.world.customer import draw
from lnwatch.simulator.world.demand import Demand
from lnwatch.simulator.world.events import BlockMined, Event, FeesMoved, Listener, Parts, Probed, RefundDue, Reorganised
from lnwatch.simulator.world.money import Books
from lnwatch.simulator.world.purchase import Purchase
from lnwatch.simulator.world.scene import Scene
from lnwatch.simulator.world.spec import StoreSpec, WorldSpec
from lnwatch.simulator.world.timetable import DAY, MINUTE, Timetable
from lnwatch.simulator.world.upkeep import Upkeep

_DRAWN_FOR: Final = 15 * MINUTE
_PROBED_EVERY: Final = 15 * MINUTE
_PROBED_FOR: Final = 50_000_000  # millisatoshis
_SECOND_INSTALMENT: Final = (0.5, 4.0)  # days later


class Shop:
    """A store and how many customers it had."""

    def __init__(self, spec: StoreSpec, scene: Scene) -> None:
        """Nobody came yet."""
        self.spec = spec
        self.demand = Demand(spec, scene.spec.begin, scene.rng(f"demand/{spec.name}"))
        self.orders = 0


class World:
    """One site from `spec.begin` on. Whatever happens is told to `listener`, with its moment."""

    def __init__(self, spec: WorldSpec, listener: Listener) -> None:
        """Nothing has happened yet."""
        timetable, network = Timetable(spec.begin), Network(spec.peers)
        wallet, chance = spec.wallet * 1_000, random.Random(f"{spec.seed}/chain")
        self.scene = Scene(
            spec=spec,
            listener=self._heard,
            timetable=timetable,
            network=network,
            market=Market(timetable, chance, height=spec.height, fee=spec.fee, storms=spec.storms),
            books=Books(wallet, began=wallet + network.local),
        )
        self.upkeep = Upkeep(self.scene)
        self.shops = {each.name: Shop(each, self.scene) for each in spec.stores}
        self._listener = listener
        self.scene.begin()
        self.upkeep.begin()
        self.scene.market.weather()
        self.scene.market.wait(self._mine)
        for shop in self.shops.values():
            self._await_customer(shop)
        if spec.second_node:
            self._await_probe(self.scene.rng("probe"))

    @property
    def causes(self) -> Causes:
        """What stands in the way."""
        return self.scene.causes

    @property
    def now(self) -> int:
        """Milliseconds of the epoch."""
        return self.scene.timetable.now

    @property
    def missing(self) -> int:
        """Millisatoshis that got lost: 0, or the world is wrong."""
        return self.scene.books.missing(self.scene.network)

    def run(self, until: int) -> None:
        """Let it happen."""
        self.scene.timetable.run(until)

    def _heard(self, at: int, event: Event) -> None:
        self._listener(at, event)
        if isinstance(event, RefundDue):
            self.upkeep.refund(event.msat)

    def receive(self, msat: int) -> Parts:
        """Somebody from outside pays the node, at once. Raises LookupError where nothing can come in."""
        network = self.scene.network
        parts = network.route(msat, self.scene.rng(f"receive/{self.now}"), split=True)
        if parts is None:
            raise LookupError("there is no inbound for it")
        network.add(parts)
        network.resolve(parts, settled=True)
        self.scene.books.lightning += msat
        return parts

    # -- customers --------------------------------------------------------------------------------------------

    def _await_customer(self, shop: Shop) -> None:
        limit = self.now + _DRAWN_FOR
        moment = shop.demand.next_after(self.now, limit)

        def come() -> None:
            self._await_customer(shop)
            self.serve(shop)

        self.scene.timetable.at(moment or limit, come if moment is not None else lambda: self._await_customer(shop))

    def serve(self, shop: Shop) -> None:
        """A customer comes to a store."""
        shop.orders += 1
        name = f"{shop.spec.name}-{shop.orders:06}"
        rng = self.scene.rng(f"customer/{name}")
        customer = draw(shop.spec, rng, staying=self.causes.staying, ticket=self.causes.ticket)
        about = "" if customer.kind == "donation" else name
        if customer.kind == "sale" and shop.orders > 1 and rng.random() < shop.spec.reused:
            about = f"{shop.spec.name}-{rng.randrange(1, shop.orders):06}"
        if customer.kind == "request":
            about = f"PAY_REQUEST_{name}"
            wait = rng.uniform(*_SECOND_INSTALMENT) * DAY
            second = Purchase(self.scene, shop.spec, f"{name}b", about, customer)
            self.scene.timetable.after(wait, second.begin)
        Purchase(self.scene, shop.spec, name, about, customer).begin()

    def _await_probe(self, rng: random.Random) -> None:
        def probe() -> None:
            dies = self.scene.dies_upstream(rng.random(), _PROBED_FOR)
            receivable = self.causes.node and self.scene.network.inbound >= _PROBED_FOR
            self.scene.tell(Probed(_PROBED_FOR, receivable and not dies))
            self._await_probe(rng)

        self.scene.timetable.after(_PROBED_EVERY, probe)

    # -- the chain --------------------------------------------------------------------------------------------

    def _mine(self) -> None:
        market = self.scene.market
        if market.orphans():
            self.reorganise(1)
        else:
            self.mine()
        market.wait(self._mine)

    def mine(self) -> None:
        """One block."""
        market, books = self.scene.market, self.scene.books
        taken = market.mine()
        books.onchain += sum(each.msat for each in taken)
        books.wallet += sum(each.msat for each in taken)
        self.scene.tell(BlockMined(market.height, tuple(each.id for each in taken)))
        self.scene.tell(FeesMoved(market.next_block, market.crowd))
        for each in taken:
            each.confirmed()

    def reorganise(self, depth: int) -> None:
        """The newest blocks lose against a branch that is longer by one."""
        back = self.scene.market.undo(depth)
        lost = sum(each.msat for each in back)
        self.scene.books.onchain -= lost
        self.scene.books.wallet -= lost
        self.scene.tell(Reorganised(depth, tuple(each.id for each in back)))
        for _ in range(depth + 1):
            self.mine()
