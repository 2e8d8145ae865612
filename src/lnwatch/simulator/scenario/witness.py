"""What a world brought about by itself, as it was heard: customers who pay wrongly, coins that do not arrive, peers;
and what was paid in time, but not while BTCPay could hear of it."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lnwatch.simulator.world.events import (
    BlockMined,
    CoinsSent,
    CoinsTakenBack,
    Event,
    HtlcsAdded,
    HtlcsFailed,
    InvoiceMade,
    PeerWent,
    Reorganised,
    line,
)
from lnwatch.simulator.world.stage import Stage

_MINUTE: Final = 60_000
_AWAY: Final = 9 * _MINUTE  # a peer that was away for so long was away for longer than a rule waits
_LOOK: Final = 20_000  # what is judged may have been read so long before
_FLAPS: Final = 8  # comings and goings within an hour
_HAIR: Final = 0.001  # of an amount: what rounding makes
_TWICE: Final = 1.5  # as much as was asked for
_HTLCS: Final = "htlcs/"  # how what comes over Lightning is named, where nobody sees a transaction
_MONITORED: Final = 1_440 * _MINUTE  # after it expired BTCPay waits for so long until a coin is in a block


@dataclass(slots=True)
class _Bill:
    """An invoice of the world: what was asked for, and what came for it, by transaction or payment."""

    made: InvoiceMade
    came: dict[str, tuple[int, int]] = field(default_factory=dict)  # moment and amount
    shaken: bool = False  # coins of it were replaced, spent elsewhere, fell out of the chain, or came in too late
    waiting: set[str] = field(default_factory=set)  # coins of it that no block has

    @property
    def share(self) -> float:
        """How much of what was asked for came."""
        return sum(msat for _, msat in self.came.values()) / (self.made.msat or 1)


class Witness:
    """Hears all events of a stage's world from when it is made."""

    def __init__(self, stage: Stage, begin: float) -> None:
        """`begin` is from when on events go into the `digest`."""
        self._stage = stage
        self._begin = int(begin * 1_000)
        self._log = hashlib.sha256()
        self._bills: dict[str, _Bill] = {}
        self._of_tx: dict[str, str] = {}
        self._moves: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)  # of peers: moment, and online
        self._explains: Mapping[str, Callable[[str, int], bool]] = {
            "paid_late": lambda subject, _: any(_late(bill) or self._missed(bill) for bill in self._named(subject)),
            "paid_partial": lambda subject, _: any(map(_partial, self._named(subject))),
            "paid_over": lambda subject, _: any(bill.share > 1 + _HAIR for bill in self._named(subject)),
            "paid_twice": lambda subject, _: sum(bill.share for bill in self._named(subject)) > _TWICE,
            "invoice_regressed": lambda subject, _: any(bill.shaken or bill.waiting for bill in self._named(subject)),
            "channel_inactive": self._away,
            "peer_flapping": self._flapping,
        }
        stage.listeners.append(self.hear)

    @property
    def digest(self) -> str:
        """Of the event log since the beginning."""
        return self._log.hexdigest()

    def explains(self, rule: str, subject: str, at: float) -> bool:
        """Whether a case of `rule` about `subject` that opened then follows from what happened by itself."""
        explain = self._explains.get(rule)
        return explain is not None and explain(subject, int(at * 1_000))

    def hear(self, at: int, event: Event) -> None:
        """Take note."""
        if at >= self._begin:
            self._log.update(line(at, event).encode() + b"\n")
        match event:
            case InvoiceMade():
                self._bills[event.invoice] = _Bill(event)
            case HtlcsAdded():
                self._bills[event.invoice].came[f"{_HTLCS}{at}"] = (at, sum(msat for _, msat in event.parts))
            case HtlcsFailed():
                came = self._bills[event.invoice].came
                for name in [name for name in came if name.startswith(_HTLCS)]:
                    del came[name]
            case CoinsSent():
                self._sent(at, event)
            case CoinsTakenBack() | Reorganised() | BlockMined():
                self._moved(at, event)
            case PeerWent():
                self._moves[event.peer].append((at, event.online))

    def _sent(self, at: int, event: CoinsSent) -> None:
        bill = self._bills[event.invoice]
        if event.replaces:
            bill.came.pop(event.replaces, None)
            bill.waiting.discard(event.replaces)
            bill.shaken = True
        bill.came[event.tx] = (at, event.msat)
        bill.waiting.add(event.tx)
        self._of_tx[event.tx] = event.invoice

    def _moved(self, at: int, event: CoinsTakenBack | Reorganised | BlockMined) -> None:
        for tx in (event.tx,) if isinstance(event, CoinsTakenBack) else event.txs:
            if (invoice := self._of_tx.get(tx)) is None:
                continue
            bill = self._bills[invoice]
            if isinstance(event, BlockMined):
                bill.waiting.discard(tx)
                bill.shaken |= at > bill.made.expires + _MONITORED
            else:
                bill.shaken = True
            if isinstance(event, CoinsTakenBack):
                bill.waiting.discard(tx)

    def _named(self, subject: str) -> list[_Bill]:
        """The bills of an invoice, or of an order that the shop gave a name."""
        kind, _, name = subject.partition(":")
        if kind == "order":
            store, _, name = name.partition("/")
            named = [bill for bill in self._bills.values() if (bill.made.store, bill.made.about) == (store, name)]
            if named:
                return named
        made = self._stage.play.invoices
        return [self._bills[world] for world, invoice in made.items() if invoice.id == name and world in self._bills]

    def _missed(self, bill: _Bill) -> bool:
        """Whether BTCPay, away when it was paid, calls it late: it learnt of it when it was over."""
        made = self._stage.play.invoices.get(bill.made.invoice)
        return made is not None and made.additional == "PaidLate"

    def _away(self, subject: str, at: int) -> bool:
        """Whether the channel's peer was away for long, or goes and comes, at that time."""
        keys = {each.channel_point: each.remote_pubkey for each in self._stage.node.channels}
        keys |= {each.channel_point: each.remote_pubkey for each in self._stage.node.closed}
        moves = self._of_key(keys.get(subject.removeprefix("channel:"), ""))
        return any(_gone(moves, then) for then in (at, at - _LOOK))

    def _flapping(self, subject: str, at: int) -> bool:
        moves = self._of_key(subject.removeprefix("peer:"))
        return sum(at - 60 * _MINUTE <= moment <= at for moment, _ in moves) >= _FLAPS

    def _of_key(self, key: str) -> list[tuple[int, bool]]:
        return next((moves for peer, moves in self._moves.items() if self._stage.side.key(peer) == key), [])


def _gone(moves: Sequence[tuple[int, bool]], at: int) -> bool:
    before = [(moment, online) for moment, online in moves if moment <= at]
    return bool(before) and not before[-1][1] and at - before[-1][0] >= _AWAY


def _late(bill: _Bill) -> bool:
    return any(moment >= bill.made.expires for moment, _ in bill.came.values())


def _partial(bill: _Bill) -> bool:
    """Too little came; or it came in several transactions, for each further of which BTCPay asks for a network fee."""
    coins = sum(not name.startswith(_HTLCS) for name in bill.came)
    return bool(bill.came) and (bill.share < 1 - _HAIR or bill.shaken or coins > 1)
