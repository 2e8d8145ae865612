"""Whether the watchtowers that guard our channels keep up."""

from lnwatch.grpc_stubs import wtclient_pb2 as wtclient
from lnwatch.model.lightning import Watchtower
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.collector import Polled, Turn
from lnwatch.sources.lnd.errors import PartInactiveError
from lnwatch.sources.lnd.methods import WATCHTOWER_STATS

OFF = Watchtower(
    enabled=False, backups=0, pending_backups=0, failed_backups=0, sessions_acquired=0, sessions_exhausted=0
)


class WatchtowerCollector(Polled):
    """The statistics of LND's watchtower client; not its sessions, of which there may be tens of thousands."""

    async def read(self, memory: Memory, turn: Turn) -> Reading:  # noqa: ARG002 - the contract's
        """The client's figures since LND started; a client that is off is a fact."""
        try:
            stats = await turn.call(WATCHTOWER_STATS, wtclient.StatsRequest())
        except PartInactiveError:
            return Reading(facts=OFF)
        facts = Watchtower(
            enabled=True,
            backups=stats.num_backups,
            pending_backups=stats.num_pending_backups,
            failed_backups=stats.num_failed_backups,
            sessions_acquired=stats.num_sessions_acquired,
            sessions_exhausted=stats.num_sessions_exhausted,
        )
        return Reading(facts=facts)
