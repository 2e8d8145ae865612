"""Blocks at random, a market of fees with calm and storms, and those transactions in it that are the merchant's."""

import math
import random
from dataclasses import dataclass
from typing import Final

from lnwatch.simulator.world.timetable import DAY, HOUR, MINUTE, Job, Timetable

_BLOCK: Final = 10 * MINUTE
_PULL: Final = 0.08  # how much of the way back to its mean the logarithm of the fee goes in a block
_SWING: Final = 0.13
_LEAST_FEE: Final = 1.0
_ORPHANED: Final = 1 / 2_500  # blocks
_STORM: Final = (2.0, 0.45)  # logarithm of how much dearer, its spread
_VSIZE: Final = 141


@dataclass(slots=True)
class Transaction:
    """One that pays the merchant; `confirmed` is called when it is in a block."""

    id: str
    msat: int
    fee_rate: float
    replaceable: bool
    invoice: str
    confirmed: Job
    height: int | None = None
    gone: bool = False


class Market:
    """The chain as the merchant meets it. Whoever hears of blocks is told by `mined` and `undone`."""

    def __init__(self, timetable: Timetable, rng: random.Random, *, height: int, fee: float, storms: float) -> None:
        """Calm, with an empty mempool."""
        self.height = height
        self.next_block = fee
        self.waiting: dict[str, Transaction] = {}
        self.recent: list[tuple[int, list[Transaction]]] = []  # newest last
        self.quiet_until = 0  # nobody finds a block before
        self._timetable = timetable
        self._rng = rng
        self._calm = math.log(fee)
        self._level = self._calm
        self._storm = 0.0
        self._storms = storms

    @property
    def crowd(self) -> int:
        """How many transactions of others wait."""
        return int(900 * max(1.0, self.next_block) ** 1.1)

    def wait(self, tell: Job) -> None:
        """Have the next block mined by `tell` when its time comes."""
        wait = self._rng.expovariate(1 / _BLOCK)
        self._timetable.after(wait, lambda: self._find(tell))

    def _find(self, tell: Job) -> None:
        if self._timetable.now < self.quiet_until:
            self._timetable.at(self.quiet_until, tell)
        else:
            tell()

    def weather(self) -> None:
        """Storms come by themselves."""
        self._timetable.after(self._rng.expovariate(self._storms / DAY) if self._storms else 1e15, self._break_out)

    def _break_out(self) -> None:
        self.storm(self._rng.lognormvariate(*_STORM), self._rng.lognormvariate(math.log(9 * HOUR), 0.7))
        self.weather()

    def storm(self, factor: float, lasts: float) -> None:
        """Fees are so much dearer for so many milliseconds."""
        self._storm = math.log(factor)
        self._level += self._storm * 0.7

        def calm_down() -> None:
            self._storm = 0.0

        self._timetable.after(lasts, calm_down)

    def send(self, transaction: Transaction) -> None:
        """It waits to be mined."""
        self.waiting[transaction.id] = transaction

    def drop(self, transaction: Transaction) -> None:
        """It will never be mined."""
        transaction.gone = True
        self.waiting.pop(transaction.id, None)

    def mine(self) -> list[Transaction]:
        """The next block: those that pay enough are in it."""
        self.height += 1
        asked = self.next_block * self._rng.uniform(0.5, 1.05)
        taken = [each for each in self.waiting.values() if each.fee_rate >= min(asked, self.next_block)]
        for each in taken:
            each.height = self.height
            del self.waiting[each.id]
        self.recent.append((self.height, taken))
        del self.recent[:-12]
        mean = self._calm + self._storm
        self._level += (mean - self._level) * _PULL + self._rng.gauss(0, _SWING)
        self.next_block = round(max(_LEAST_FEE, math.exp(self._level)), 2)
        return taken

    def orphans(self) -> bool:
        """Whether the newest block loses against another."""
        return len(self.recent) > 1 and self._rng.random() < _ORPHANED

    def undo(self, depth: int) -> list[Transaction]:
        """The newest blocks are gone; what they held waits again."""
        back = []
        for _ in range(min(depth, len(self.recent))):
            _, held = self.recent.pop()
            self.height -= 1
            back += held
        for each in back:
            each.height = None
            self.waiting[each.id] = each
        return back
