"""Inbound suffices in all but lies in the wrong channels: move some by a circular payment. That never adds any."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest

from lnwatch.domain.kept import Kept
from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import unseen
from lnwatch.model.action import UNKNOWN, Action, Automation, Nothing, Offer, Proposal
from lnwatch.model.lightning import Channel, Channels, NodeStatus
from lnwatch.model.liquidity import ChannelLiquidity, NodeLiquidity
from lnwatch.model.money import MSAT_PER_SAT, Msat, format_msat, msat
from lnwatch.model.view import TargetView, View

FILLED = 60  # per cent of a channel: more inbound than this no channel is meant to have
CHOICE = 50  # channels at either end among which the best pair is sought
STEP = msat(50_000)  # amounts are multiples of it, so that a payment more or less does not make another proposal
NEVER_ADDS = "A circular payment never adds inbound, it only moves it"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`ticket_sat`: the largest payment that customers usually make: each channel is to take it twice.

    `least_sat`, `most_sat`: between these a move lies; `fee_ppm`: what one may cost, in millionths.
    """

    ticket_sat: int = 250_000
    least_sat: int = 50_000
    most_sat: int = 1_000_000
    fee_ppm: int = 500

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(ticket_sat=self.ticket_sat, least_sat=self.least_sat, fee_ppm=self.fee_ppm)
        if msat(self.least_sat) < STEP:
            raise ValueError(f"`least_sat` is at least {STEP // MSAT_PER_SAT}, found {self.least_sat}")
        if self.most_sat < self.least_sat:
            raise ValueError(f"`most_sat` must not be below `least_sat` ({self.least_sat}), found {self.most_sat}")


@dataclass(frozen=True, slots=True)
class Standing:
    """A channel that can be used, and how much inbound it is wanted to have."""

    channel: Channel
    liquidity: ChannelLiquidity
    wanted: int
    lacking: int  # in msat, below 0 what it has to spare


@dataclass(frozen=True, slots=True)
class Spread:
    """All channels that can be used, in columns: with thousands, an object for each would take the most time."""

    usable: Sequence[tuple[Channel, ChannelLiquidity]]
    wanted: Sequence[int]
    lacking: Sequence[int]

    def at(self, places: Iterable[int]) -> list[Standing]:
        """Some of them."""
        return [Standing(*self.usable[place], self.wanted[place], self.lacking[place]) for place in places]


@dataclass(frozen=True, slots=True)
class Move:
    """So much out over `source` and in over `back`."""

    source: Standing
    back: Standing
    amount: Msat


@dataclass(frozen=True, slots=True)
class Bounds:
    """Whom a move pays, which is ourselves, and what it is held to."""

    public_key: str
    thresholds: Thresholds


def propose(view: View, thresholds: Thresholds) -> Iterable[Offer]:
    """One answer for each Lightning node."""
    for target in view.targets.values():
        if target.lightning:
            yield from _of_node(view, target, thresholds)


def _of_node(view: View, target: TargetView, thresholds: Thresholds) -> Iterator[Offer]:
    snapshot, liquidity = target.fresh("channels", view.at), view.liquidity.get(target.slug)
    if snapshot is None or not isinstance(snapshot.facts, Channels) or liquidity is None:
        yield _nothing(view, target, UNKNOWN, f"It can't be told: {unseen(target, 'channels')}.")
        return
    node = target.fresh("node", view.at)
    if node is None or not isinstance(node.facts, NodeStatus):
        yield _nothing(view, target, UNKNOWN, f"It can't be told: {unseen(target, 'node')}.")
        return
    channels, bounds = snapshot.facts, Bounds(node.facts.public_key, thresholds)
    key, given = (view.site, target.slug, bounds), (channels, liquidity)
    yield _ANSWERS.of(key, given, lambda: _answer(view, target, _spread(*given, thresholds), bounds))


# Whoever asks does so more often than a channel list comes.
_ANSWERS: Kept[tuple[str, str, Bounds], Offer] = Kept()


def _answer(view: View, target: TargetView, spread: Spread, bounds: Bounds) -> Offer:
    if len(spread.usable) < 2:
        return _nothing(view, target, "one_channel", f"It takes two channels that are online. {NEVER_ADDS}.")
    if max(spread.lacking) <= 0:
        words = f"Each channel that is online has the inbound that it is wanted to have. {NEVER_ADDS}."
        return _nothing(view, target, "well_spread", words)
    has, wanted = view.liquidity[target.slug].inbound_msat, sum(spread.wanted)
    if wanted > has:
        words = (
            f"Inbound is short in all: {format_msat(has)}, wanted are {format_msat(wanted)}. "
            f"{NEVER_ADDS}: spend or swap out, or have a channel opened to you."
        )
        return _nothing(view, target, "short_in_all", words)
    return _best(view, target, spread, bounds)


def _spread(channels: Channels, liquidity: NodeLiquidity, thresholds: Thresholds) -> Spread:
    most, known_of = 2 * msat(thresholds.ticket_sat), liquidity.channels.get
    usable = [
        (channel, known)
        for channel in channels.channels
        if channel.active and (known := known_of(channel.point)) is not None
    ]
    large = most * 100 // FILLED  # a channel of that capacity is wanted to have all of it; most are larger
    wanted = [most if (held := each.capacity_msat) > large else held * FILLED // 100 for each, _ in usable]
    lacking = [amount - known.inbound_msat for amount, (_, known) in zip(wanted, usable, strict=True)]
    return Spread(usable, wanted, lacking)


def _best(view: View, target: TargetView, spread: Spread, bounds: Bounds) -> Offer:
    """The largest move from a channel that is short of inbound to one of another peer that has some to spare."""
    places, need, most = range(len(spread.usable)), spread.lacking.__getitem__, msat(bounds.thresholds.most_sat)
    lacking = [one for one in spread.at(nlargest(CHOICE, places, key=need)) if one.lacking > 0]
    spare = [one for one in spread.at(nsmallest(CHOICE, places, key=need)) if one.lacking < 0]
    gives = [min(source.lacking, source.liquidity.outbound_msat, most) // STEP for source in lacking]
    takes = [min(-back.lacking, back.liquidity.largest_in_msat) // STEP for back in spare]
    pairs = [
        (min(out, into), source, back)
        for source, out in zip(lacking, gives, strict=True)
        for back, into in zip(spare, takes, strict=True)
        if source.channel.peer != back.channel.peer
    ]
    if not pairs:
        words = f"All inbound that could be moved lies with one peer: a circular payment takes two. {NEVER_ADDS}."
        return _nothing(view, target, "one_peer", words)
    steps, source, back = max(pairs, key=lambda pair: (pair[0], pair[1].lacking, pair[1].channel.point))
    best = Move(source, back, Msat(steps * STEP))
    if best.amount < (least := msat(bounds.thresholds.least_sat)):
        words = (
            f"The most that could be moved is {format_msat(best.amount)}, less than {format_msat(least)} "
            f"(`least_sat`) is not worth it. {NEVER_ADDS}."
        )
        return _nothing(view, target, "too_little", words)
    return _proposal(view, target, best, bounds)


def _proposal(view: View, target: TargetView, move: Move, bounds: Bounds) -> Proposal:
    out, into, amount = move.source.channel, move.back.channel, move.amount
    has, wanted = move.source.liquidity.inbound_msat, move.source.wanted
    limit = Msat(amount * bounds.thresholds.fee_ppm // 1_000_000)
    return Proposal(
        site=view.site,
        automation="channel_rebalance",
        action=Action.REBALANCE_CHANNEL,
        node=target.slug,
        subject=f"channel:{out.point}",
        touches=(f"channel:{out.point}", f"channel:{into.point}"),
        parameters={
            "public_key": bounds.public_key,
            "source_channel": out.channel_id,
            "source_peer": out.peer,
            "target_channel": into.channel_id,
            "target_peer": into.peer,
        },
        amount_msat=amount,
        fee_limit_msat=limit,
        sentence=f"Pay {format_msat(amount)} from node:{target.slug} to itself, out over channel {out.channel_id} "
        f"(inbound {format_msat(has)}, wanted {format_msat(wanted)}) and in over channel {into.channel_id} "
        f"(inbound {format_msat(move.back.liquidity.inbound_msat)}), for {format_msat(limit)} at most. {NEVER_ADDS}.",
    )


def _nothing(view: View, target: TargetView, reason: str, sentence: str) -> Nothing:
    return Nothing(view.site, "channel_rebalance", f"node:{target.slug}", reason, sentence)


AUTOMATION = Automation(id="channel_rebalance", action=Action.REBALANCE_CHANNEL, thresholds=Thresholds, propose=propose)
