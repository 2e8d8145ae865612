"""LND 0.19 to 0.21, read over gRPC with a macaroon that can't spend."""

from collections.abc import Sequence

from lnwatch.sources import Checkup, Collector, Cost, Place, SourceKind, Stream
from lnwatch.sources.lnd.backup import BackupCollector
from lnwatch.sources.lnd.channels import ChannelsCollector
from lnwatch.sources.lnd.check import look
from lnwatch.sources.lnd.client import LndClient
from lnwatch.sources.lnd.closing import ClosedCollector, PendingCollector
from lnwatch.sources.lnd.collector import Known, Node, Pace, Polled
from lnwatch.sources.lnd.forwards import ForwardHistoryCollector, ForwardsCollector
from lnwatch.sources.lnd.history import (
    INVOICE_PAGE,
    PAYMENT_PAGE,
    InvoiceHistoryCollector,
    PaymentHistoryCollector,
)
from lnwatch.sources.lnd.invoice_polls import InvoicesCollector
from lnwatch.sources.lnd.invoice_stream import InvoiceStream
from lnwatch.sources.lnd.node import NodeCollector
from lnwatch.sources.lnd.pacing import SLOW_SLOTS, WINDOW, Hints, Lane
from lnwatch.sources.lnd.payments import PaymentsCollector
from lnwatch.sources.lnd.peers import PeersCollector
from lnwatch.sources.lnd.policies import PoliciesCollector
from lnwatch.sources.lnd.settings import LndSettings
from lnwatch.sources.lnd.streams import ChannelEventStream, HtlcStream, StateStream
from lnwatch.sources.lnd.wallet import WalletCollector
from lnwatch.sources.lnd.watchtower import WatchtowerCollector


class LndSource:
    """One LND node. In any 15 s it is asked four times at most while nothing happens: GetInfo and
    ListChannels once each, by default, and two of the slower questions."""

    def __init__(self, place: Place, settings: LndSettings) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._clock = place.clock
        self._client = LndClient(place, settings)
        self._node = Node(self._client, place.clock, Hints(place.clock), Known())
        slow = Lane(place.clock, WINDOW, SLOW_SLOTS)
        followers: list[Polled] = [
            ChannelsCollector(
                "channels",
                self._node,
                self._fast(settings.channels_interval),
                backed_up=settings.backup_file is not None,
            ),
            *_slow_collectors(self._node, settings, slow),
        ]
        names = [collector.name for collector in followers]
        lead = NodeCollector("node", self._node, self._fast(settings.node_interval), names)
        self._collectors: tuple[Polled, ...] = (lead, *followers)
        self._streams: tuple[Stream, ...] = (
            StateStream(self._node),
            HtlcStream(self._node),
            InvoiceStream(self._node),
            ChannelEventStream(self._node),
        )

    def _fast(self, interval: float) -> Pace:
        """A lane of its own, so that jitter never brings two of its calls into one window."""
        return Pace(interval, Lane(self._clock, interval, 1), min(self._settings.timeout, 0.65 * interval))

    @property
    def collectors(self) -> Sequence[Collector]:
        """`node` leads."""
        return self._collectors

    @property
    def streams(self) -> Sequence[Stream]:
        """All of them need a node that serves."""
        return self._streams

    @property
    def cost(self) -> Cost:
        """Unary calls, and bytes of their answers and of streams."""
        return self._client.cost

    @property
    def tls_expires_at(self) -> float | None:
        """Looked at once an hour."""
        return self._node.known.tls_expires_at

    async def check(self) -> Checkup:
        """One look at everything."""
        return await look(self._client, self._settings, self._clock)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._client.close()


def _slow_collectors(node: Node, settings: LndSettings, lane: Lane) -> list[Polled]:
    """All that share the slots of the slow."""

    def pace(interval: float) -> Pace:
        return Pace(interval, lane, min(settings.slow_timeout, 0.5 * interval))

    history = pace(settings.history_interval)
    found: list[Polled] = [
        InvoicesCollector("invoices", node, pace(settings.invoices_interval)),
        PendingCollector("pending", node, pace(settings.pending_interval)),
        PoliciesCollector("policies", node, pace(settings.policies_interval)),
        PeersCollector("peers", node, pace(settings.peers_interval)),
        WalletCollector("wallet", node, pace(settings.wallet_interval)),
        ClosedCollector("closed", node, pace(settings.closed_interval)),
        PaymentsCollector("payments", node, pace(settings.payments_interval)),
        ForwardsCollector("forwards", node, pace(settings.forwards_interval)),
        WatchtowerCollector("watchtower", node, pace(settings.watchtower_interval)),
        InvoiceHistoryCollector("invoice_history", node, history, INVOICE_PAGE),
        PaymentHistoryCollector("payment_history", node, history, PAYMENT_PAGE),
        ForwardHistoryCollector("forward_history", node, history),
    ]
    if settings.backup_file is not None:
        found.append(BackupCollector("backup", node, pace(settings.backup_interval), settings.backup_file))
    return found


def open_lnd(place: Place, settings: LndSettings) -> LndSource:
    """The source that `settings` describe."""
    return LndSource(place, settings)


SOURCE = SourceKind(kind="lnd", settings=LndSettings, open=open_lnd, lightning=True)
