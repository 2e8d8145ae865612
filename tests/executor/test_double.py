"""The double answers to calls and questions as LND 0.21.2 was seen to."""

import pytest

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd import Node
from lnwatch.simulator.lnd.node import Scale
from lnwatch.simulator.lnd.peers import UnreachedError
from lnwatch.simulator.lnd.routes import NoRouteError, circular_route

NOW = 1_800_000_000.0
HOST = "198.51.100.1:9735"


def make_node(release: str = "0.21.2") -> Node:
    """Two peers, the first gone; who answers at HOST is the second."""
    node = Node(now=lambda: NOW, scale=Scale(channels=5), release=release)
    node.lose(node.channels[0].remote_pubkey)
    node.doors[HOST] = node.channels[4].remote_pubkey
    return node


@pytest.mark.parametrize(
    ("key", "host", "words"),
    [
        ("zz", HOST, "encoding/hex: invalid byte: U+007A 'z'"),
        ("02" + "11" * 30, HOST, "malformed public key: invalid length: 31"),
        ("ourselves", HOST, "cannot make connection to self"),
        ("gone", "198.51.100.9:9735", "dial tcp 198.51.100.9:9735: connect: connection refused"),
        ("gone", HOST, "EOF"),
        ("there", HOST, "already connected to peer: "),
    ],
)
def test_call_that_fails(key: str, host: str, words: str) -> None:
    """Each failure in LND's own words, and nothing has changed."""
    node = make_node()
    named = {
        "ourselves": node.public_key,
        "gone": node.channels[0].remote_pubkey,
        "there": node.channels[4].remote_pubkey,
    }
    with pytest.raises(UnreachedError) as told:
        node.connect(named.get(key, key), host)
    assert str(told.value).startswith(words)
    assert not node.channels[0].active
    assert len(node.peers) == 1


def test_call_that_succeeds() -> None:
    """The peer is listed at that address, as called by us, and its channels are back."""
    node = make_node()
    gone = node.channels[0].remote_pubkey
    node.doors["198.51.100.7:9735"] = gone
    assert node.connect(gone, "198.51.100.7") == f"connection to {gone}@198.51.100.7:9735 initiated"
    assert [(peer.address, peer.inbound) for peer in node.peers if peer.pub_key == gone] == [
        ("198.51.100.7:9735", False)
    ]
    assert all(channel.active for channel in node.channels)


def ask(node: Node, **changes: object) -> sim.QueryRoutesRequest:
    """100,000 sat out over the last channel."""
    request = sim.QueryRoutesRequest(
        pub_key=node.public_key,
        amt_msat=100_000_000,
        outgoing_chan_ids=[node.channels[4].chan_id],
        last_hop_pubkey=bytes.fromhex(node.channels[4].remote_pubkey),
    )
    request.MergeFrom(sim.QueryRoutesRequest(**changes))  # type: ignore[arg-type]  # fields of the message
    return request


def test_one_peer_for_both_ends() -> None:
    """LND goes out and comes back by the very same channel."""
    node = make_node()
    node.channels[4].local_balance = 1_000_000
    hops = circular_route(node, ask(node)).hops
    assert [hop.chan_id for hop in hops] == [node.channels[4].chan_id] * 2


@pytest.mark.parametrize(
    ("changes", "balance", "words"),
    [
        ({}, 99_999, "insufficient local balance"),
        ({"outgoing_chan_ids": [7]}, 99_999, "insufficient local balance"),
        ({"fee_limit": sim.FeeLimit(fixed_msat=1)}, 1_000_000, "unable to find a path to destination"),
        ({"pub_key": "02" + "11" * 32}, 1_000_000, "unable to find a path to destination"),
    ],
)
def test_no_route(changes: dict[str, object], balance: int, words: str) -> None:
    """Each refusal in LND's own words."""
    node = make_node()
    node.channels[4].local_balance = balance
    with pytest.raises(NoRouteError) as told:
        circular_route(node, ask(node, **changes))
    assert str(told.value) == words


@pytest.mark.parametrize(("release", "honoured"), [("0.19.3", False), ("0.20.1", True), ("0.21.2", True)])
def test_release_that_skips_a_field(release: str, honoured: bool) -> None:
    """Before 0.20 the list of channels to leave by is not known, and silently skipped."""
    node = make_node(release)
    node.channels[0].active = True
    for number in (0, 4):
        node.channels[number].local_balance = 1_000_000
    request = ask(node)
    request.ClearField("last_hop_pubkey")
    assert (circular_route(node, request).hops[0].chan_id == node.channels[4].chan_id) is honoured
