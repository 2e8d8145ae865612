"""What gossip says of our own announced channels: one question about ourselves, and nothing walks the graph."""

from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import ChannelPolicies, ChannelPolicy, Policies
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.channels import short_id
from lnwatch.sources.lnd.chunks import in_chunks
from lnwatch.sources.lnd.collector import Node, Pace, Polled, Turn
from lnwatch.sources.lnd.methods import GET_NODE_INFO


def read_edge(edge: ln.ChannelEdge, ourselves: str) -> ChannelPolicies:
    """Both directions of one channel; which of the two nodes we are follows from the public keys."""
    first = read_policy(edge.node1_policy) if edge.HasField("node1_policy") else None
    second = read_policy(edge.node2_policy) if edge.HasField("node2_policy") else None
    ours, theirs = (first, second) if edge.node1_pub == ourselves else (second, first)
    return ChannelPolicies(channel_id=short_id(edge.channel_id), ours=ours, theirs=theirs)


def read_policy(policy: ln.RoutingPolicy) -> ChannelPolicy:
    """One direction. LND's `fee_rate_milli_msat` is parts per million, its `min_htlc` millisatoshis."""
    return ChannelPolicy(
        disabled=policy.disabled,
        base_fee_msat=Msat(policy.fee_base_msat),
        fee_rate_ppm=policy.fee_rate_milli_msat,
        min_htlc_msat=Msat(policy.min_htlc),
        max_htlc_msat=Msat(policy.max_htlc_msat),
        time_lock_delta=policy.time_lock_delta,
        last_update=policy.last_update,
    )


class PoliciesCollector(Polled):
    """GetNodeInfo of ourselves, with channels. Gossip moves slowly: what was made of an edge is kept by its bytes."""

    def __init__(self, name: str, node: Node, pace: Pace) -> None:
        """Nothing is known yet."""
        super().__init__(name, node, pace)
        self._former: dict[bytes, ChannelPolicies] = {}

    async def read(self, memory: Memory, turn: Turn) -> Reading:  # noqa: ARG002 - the contract's
        """Our announced channels; none where the graph does not know us yet."""
        ourselves = self.node.known.public_key
        if not ourselves:
            raise SourceError(FailureReason.STARTING, "the node has not told its public key yet")
        request = ln.NodeInfoRequest(pub_key=ourselves, include_channels=True)
        answer = await turn.call(GET_NODE_INFO, request)
        answer.DiscardUnknownFields()
        former, present = self._former, {}

        def read(edge: ln.ChannelEdge) -> ChannelPolicies:
            key = edge.SerializeToString()
            known = present[key] = former.get(key) or read_edge(edge, ourselves)
            return known

        facts = Policies(await in_chunks(answer.channels, read))
        self._former = present
        return Reading(facts=facts)
