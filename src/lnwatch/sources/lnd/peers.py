"""Who the node is connected to, and how steadily."""

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import Peer, Peers
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.collector import Polled, Turn
from lnwatch.sources.lnd.methods import LIST_PEERS

_ERROR_LENGTH = 300  # characters: a peer may write what it likes


def read_peer(peer: ln.Peer) -> Peer:
    """One connected peer."""
    return Peer(
        public_key=peer.pub_key,
        address=peer.address,
        inbound=peer.inbound,
        flaps=peer.flap_count,
        last_flap_at=peer.last_flap_ns / 1e9 if peer.last_flap_ns > 0 else None,
        ping_seconds=peer.ping_time / 1e6 if peer.ping_time > 0 else None,
        last_error=peer.errors[-1].error[:_ERROR_LENGTH] if peer.errors else None,
    )


class PeersCollector(Polled):
    """ListPeers, with the latest error of each alone."""

    async def read(self, memory: Memory, turn: Turn) -> Reading:  # noqa: ARG002 - the contract's
        """Every connected peer."""
        answer = await turn.call(LIST_PEERS, ln.ListPeersRequest(latest_error=True))
        return Reading(facts=Peers(tuple(map(read_peer, answer.peers))))
