"""What the nodes themselves say, under the names and labels that lnwatch promises to export it by."""

from collections.abc import Callable

from tests.real.testbed.bitcoin import Bitcoind
from tests.real.testbed.daemon import Daemon
from tests.real.testbed.exposition import Exposition
from tests.real.testbed.lnd import Json, Lnd
from tests.real.testbed.waiting import until

Key = tuple[str, tuple[tuple[str, str], ...]]
Figures = dict[Key, float]

SITE = ("site", "main")


def key(name: str, **labels: str) -> Key:
    """A figure's name and the labels that tell it apart."""
    return name, tuple(labels.items())


def short_channel_id(number: str) -> str:
    """BOLT 7's way of writing LND's number: block, transaction, output."""
    whole = int(number)
    return f"{whole >> 40}x{whole >> 16 & 0xFFFFFF}x{whole & 0xFFFF}"


def node_figures(node: Lnd, slug: str) -> Figures:
    """Chain, channels, peers and HTLCs of a node, from its own answers."""
    info, channels = node.info(), node.channels()
    htlcs = [htlc for channel in channels for htlc in channel["pending_htlcs"]]
    incoming = sum(htlc["incoming"] for htlc in htlcs)
    active = sum(channel["active"] for channel in channels)
    figures = {
        key("lnwatch_lightning_synced", node=slug, to="chain"): float(info["synced_to_chain"]),
        key("lnwatch_lightning_synced", node=slug, to="graph"): float(info["synced_to_graph"]),
        key("lnwatch_lightning_block_height", node=slug): info["block_height"],
        key("lnwatch_lightning_peers", node=slug): info["num_peers"],
        key("lnwatch_lightning_channels", node=slug, state="active"): active,
        key("lnwatch_lightning_channels", node=slug, state="inactive"): len(channels) - active,
        key("lnwatch_lightning_pending_htlcs", node=slug, direction="incoming"): incoming,
        key("lnwatch_lightning_pending_htlcs", node=slug, direction="outgoing"): len(htlcs) - incoming,
    }
    if htlcs:
        soonest = min(htlc["expiration_height"] for htlc in htlcs) - info["block_height"]
        figures[key("lnwatch_lightning_htlc_blocks_to_expiry", node=slug)] = soonest
    return {name: float(value) for name, value in figures.items()}


def pending_figures(node: Lnd, slug: str) -> Figures:
    """Channels on their way in and out, and what they still owe."""
    pending = node.pending()
    counts = {
        "opening": len(pending["pending_open_channels"]),
        "closing": len(pending["waiting_close_channels"]),
        "force_closing": len(pending["pending_force_closing_channels"]),
    }
    figures = {key("lnwatch_lightning_channels", node=slug, state=state): float(n) for state, n in counts.items()}
    return figures | {key("lnwatch_lightning_limbo_balance_satoshis", node=slug): float(pending["total_limbo_balance"])}


def wallet_figures(node: Lnd, slug: str) -> Figures:
    """The node's own wallet."""
    wallet = node.get("/v1/balance/blockchain")
    return {
        key("lnwatch_wallet_balance_satoshis", node=slug, state=state): float(wallet[f"{state}_balance"])
        for state in ("confirmed", "unconfirmed", "locked")
    }


def channel_figures(node: Lnd, slug: str) -> Figures:
    """Both balances and the activity of each open channel."""
    figures: Figures = {}
    for channel in node.channels():
        labels = {"node": slug, "channel_id": short_channel_id(channel["chan_id"])}
        figures[key("lnwatch_channel_local_balance_satoshis", **labels)] = float(channel["local_balance"])
        figures[key("lnwatch_channel_remote_balance_satoshis", **labels)] = float(channel["remote_balance"])
        figures[key("lnwatch_channel_active", **labels)] = float(channel["active"])
    return figures


def chain_figures(bitcoind: Bitcoind, slug: str) -> Figures:
    """Chain, peers and mempool of bitcoind, from its own answers."""
    chain: Json = bitcoind.ask("getblockchaininfo")
    network: Json = bitcoind.ask("getnetworkinfo")
    return {
        key("lnwatch_bitcoind_blocks", source=slug): float(chain["blocks"]),
        key("lnwatch_bitcoind_headers", source=slug): float(chain["headers"]),
        key("lnwatch_bitcoind_tip_timestamp_seconds", source=slug): float(chain["time"]),
        key("lnwatch_bitcoind_peers", source=slug, direction="inbound"): float(network["connections_in"]),
        key("lnwatch_bitcoind_peers", source=slug, direction="outbound"): float(network["connections_out"]),
        key("lnwatch_bitcoind_mempool_bytes", source=slug): float(bitcoind.ask("getmempoolinfo")["bytes"]),
    }


def differences(exposition: Exposition, figures: Figures) -> list[str]:
    """One line for each figure that is not exported, or as another value."""
    found = []
    for (name, labels), value in figures.items():
        exported = [own for _, own in exposition.all(name, **dict((SITE, *labels)))]
        if exported != [value]:
            found.append(f"{name} {dict(labels)}: the node says {value:g}, exported is {exported}")
    return found


def agree(daemon: Daemon, look: Callable[[], Figures], page: str = "/metrics", timeout: float = 60) -> None:
    """Wait until everything that `look` finds is exported with the same value."""

    def same() -> bool:
        found = differences(daemon.scrape(page), look())
        assert not found, "\n".join(found)
        return True

    until("lnwatch and the nodes agree", same, timeout=timeout, pause=0.3)
