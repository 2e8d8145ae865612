"""Everything that can go wrong in a scenario."""

from collections.abc import Mapping
from typing import Final

from lnwatch.simulator.scenario.causes import components, faults, restarts, world
from lnwatch.simulator.scenario.causes.shape import How, Kind, Place
from lnwatch.simulator.scenario.causes.world import share, without

__all__ = ["CAUSES", "PERMISSIONS", "How", "Kind", "Place"]

_PEER: Final = "the peer's name"
PERMISSIONS: Final[tuple[str, ...]] = (
    *("canviewstoresettings", "canviewwallet", "canviewlightninginvoice"),
    "webhooks.canmodifywebhooks",
)

_COMPONENTS: Final[Mapping[str, Kind]] = {
    "bitcoind_down": Kind("bitcoind is stopped", without("indexer"), components.bitcoind_down),
    "bitcoind_restart": Kind("bitcoind restarts and warms up", without("indexer"), components.bitcoind_restart),
    "bitcoind_without_peers": Kind("bitcoind has no outbound peer", on_stage=components.without_peers),
    "bitcoind_behind": Kind(
        "bitcoind's blocks stand behind its headers", on_stage=components.behind, amount="how many blocks"
    ),
    "nbxplorer_down": Kind("NBXplorer is stopped", without("indexer"), components.nbxplorer_down),
    "nbxplorer_hangs": Kind("NBXplorer hangs", without("checkout"), components.nbxplorer_hangs),
    "btcpay_down": Kind("BTCPay Server is stopped", without("checkout"), components.btcpay_down),
    "database_hangs": Kind("BTCPay's database hangs", without("checkout"), components.database_hangs),
    "permission_lost": Kind(
        "lnwatch's API key loses a permission",
        on_stage=components.permission_lost,
        who="the permission, without btcpay.store.",
        whom=dict.fromkeys(PERMISSIONS, ()),
    ),
    "slow": Kind(
        "a system takes long to answer",
        on_stage=components.slow,
        amount="how many seconds",
        who="btcpay or nbxplorer",
        whom={"btcpay": (), "nbxplorer": ()},
    ),
    "lnd_down": Kind("LND is stopped", without("node"), components.lnd_down),
    "lnd_locked": Kind("LND waits for its password", without("node"), components.lnd_locked),
    "lnd_hangs": Kind("LND takes connections and never answers", without("node"), components.lnd_hangs),
    "lnd_not_synced": Kind("LND hears of no block any more", on_stage=components.lnd_not_synced),
    "macaroon_revoked": Kind("lnwatch's macaroon is revoked", on_stage=components.macaroon_revoked),
    "certificate_old": Kind(
        "LND's certificate nears its end", on_stage=components.certificate_old, amount="how many days are left of 425"
    ),
    "listener_out": Kind("BTCPay can't reach its node, customers can", without("known"), components.listener_out),
    "backup_stuck": Kind("LND can't write its backup file", on_stage=components.backup_stuck),
}
_WORLD: Final[Mapping[str, Kind]] = {
    "reorganisation": Kind("the newest blocks lose", world.reorganise, amount="how many blocks", at_once=True),
    "drought": Kind("no block is found", world.drought),
    "fee_storm": Kind("fees rise", world.storm, amount="how many times dearer"),
    "peer_offline": Kind("a peer is offline", world.peer_offline, who=_PEER),
    "peer_frozen": Kind("a peer is connected, and nothing gets through", world.peer_frozen, who=_PEER),
    "peer_flaps": Kind("a peer goes and comes", world.peer_flaps, amount="how many times an hour", who=_PEER),
    "force_close": Kind("a peer closes a channel by force", world.force_close, at_once=True),
    "new_channel": Kind("a peer opens another channel", world.new_channel, who=_PEER, at_once=True),
    "used_up": Kind("all that could come in over a peer comes at once", world.used_up, who=_PEER, at_once=True),
    "htlc_stuck": Kind("a payment of the node gets stuck", world.htlc_stuck, amount="blocks that it has left"),
    "no_outflows": Kind("nothing is paid out any more", without("outflows")),
    "upstream": Kind("Lightning payments die on their way", share("upstream"), amount="share of them"),
    "staying": Kind("fewer customers buy", share("staying"), amount="share of those who would have"),
    "dearer": Kind("prices change", share("ticket"), amount="what they are multiplied by"),
    "underpaying": Kind("customers send too few coins", share("underpaid"), amount="share of those who send any"),
    "demand": Kind("more customers come", world.more_customers, amount="what their number is multiplied by"),
    "shop_down": Kind("the shop asks for no invoice", without("shop")),
    "page_unreachable": Kind("customers can't open the checkout", without("page"), components.page_unreachable),
    "shop_fails": Kind("the shop answers webhooks with errors", on_stage=components.shop_fails),
}
_FAULTS: Final[Mapping[str, Kind]] = {
    "fault": Kind(
        "something is wrong on a wire",
        on_stage=faults.fault,
        who="an endpoint",
        whom=faults.WHOM,
        path=faults.wrong_path,
    ),
    "restart": Kind("a system restarts", restarts.missed, restarts.restart, who="which system", whom=restarts.RESTARTS),
    "disk_full": Kind("a disk is full", restarts.missed, restarts.disk_full, who="whose", whom=restarts.DISKS),
    "clock_jump": Kind(
        "the clock of the daemon's host is set", on_stage=components.clock_jump, amount="seconds ahead", at_once=True
    ),
}
CAUSES: Final[Mapping[str, Kind]] = {**_COMPONENTS, **_WORLD, **_FAULTS}
