"""What everybody in the world shares: its time, its money, its network and chain, and whoever is told of it."""

import hashlib
import math
import random
from dataclasses import dataclass, field
from typing import Final

from lnwatch.simulator.world.causes import Causes
from lnwatch.simulator.world.chain import Market
from lnwatch.simulator.world.channels import Network
from lnwatch.simulator.world.events import Event, Listener, RateMoved
from lnwatch.simulator.world.money import Books
from lnwatch.simulator.world.spec import WorldSpec
from lnwatch.simulator.world.timetable import MINUTE, Timetable

_RATE_EVERY: Final = 2 * MINUTE
_RATE_SWING: Final = 0.0009  # of its logarithm, each time: 2.4 % a day
_WEATHER_EVERY: Final = 20 * MINUTE
_WEATHER: Final = (0.9, 0.25)  # how much of the network's weather stays, and its swing
SATOSHIS: Final = 100_000_000


@dataclass(slots=True)
class Scene:
    """One site's surroundings. `rate` is what a bitcoin costs, in hundredths of every store's currency."""

    spec: WorldSpec
    listener: Listener
    timetable: Timetable
    network: Network
    market: Market
    books: Books
    causes: Causes = field(default_factory=Causes)
    rate: int = 0
    _weather: float = 0.0
    _made: int = 0

    def tell(self, event: Event) -> None:
        """It happened now."""
        self.listener(self.timetable.now, event)

    def rng(self, name: str) -> random.Random:
        """Chance of one thing's own."""
        return random.Random(f"{self.spec.seed}/{name}")

    def transaction_id(self) -> str:
        """One that nobody had yet."""
        self._made += 1
        return hashlib.sha256(f"{self.spec.seed}/tx/{self._made}".encode()).hexdigest()

    def worth(self, cents: int) -> int:
        """A price in millisatoshis, rounded up."""
        return -(-cents * SATOSHIS * 1_000 // self.rate)

    def dies_upstream(self, luck: float, msat: int) -> bool:
        """Whether a payment with this luck dies before it reaches the node; large ones do more often."""
        size = 1 + max(0.0, math.log10(msat / 50_000_000 + 1e-9)) if msat else 1.0
        usual = min(0.9, self.spec.upstream * size * math.exp(self._weather))
        return luck < usual + (1 - usual) * self.causes.upstream

    def begin(self) -> None:
        """Let rate and weather move."""
        self.rate = self.spec.rate
        self._move_rate(self.rng("rate"))
        self._turn_weather(self.rng("weather"))

    def _move_rate(self, rng: random.Random) -> None:
        currencies = dict.fromkeys(each.currency for each in self.spec.stores)
        self.rate = max(1, round(self.rate * math.exp(rng.gauss(0, _RATE_SWING))))
        for currency in currencies:
            self.tell(RateMoved(currency, self.rate))
        self.timetable.after(_RATE_EVERY, lambda: self._move_rate(rng))

    def _turn_weather(self, rng: random.Random) -> None:
        stays, swing = _WEATHER
        self._weather = self._weather * stays + rng.gauss(0, swing)
        self.timetable.after(_WEATHER_EVERY, lambda: self._turn_weather(rng))
