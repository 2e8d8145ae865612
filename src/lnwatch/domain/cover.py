"""What a node could receive, and what it is expected to, as far as both are known now."""

from lnwatch.domain.reach import unseen
from lnwatch.domain.stores import shops_on
from lnwatch.domain.window import DAY
from lnwatch.domain.wording import count, duration
from lnwatch.model.kpi import Demand
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.rule import Unknown
from lnwatch.model.view import TargetView, View

# Rules that keep what is read of a node's channels from being told.
NODE_PARENTS = ("bitcoind_down", "lightning_down", "lightning_locked", "lightning_not_synced", "restart_overrun")


def liquidity_of(view: View, node: TargetView) -> NodeLiquidity | Unknown:
    """What was reckoned of the node's channels as they are now, or why that is not known."""
    liquidity = view.liquidity.get(node.slug)
    if liquidity is None or node.fresh("channels", view.at) is None:
        return Unknown(unseen(node, "channels"), f"node:{node.slug}")
    return liquidity


def demand_of(view: View, node: TargetView) -> Demand | Unknown:
    """What the stores on the node are expected to receive, or why that is not known. It changes over days."""
    subject = f"node:{node.slug}"
    demand = view.demand.get(node.slug)
    shops = shops_on(view, node.slug)
    if demand is None or not shops:
        return Unknown(f"no store is known to stand on {subject}: what it is to receive is not known", subject)
    for shop in shops:
        if shop.read_until is None or view.at - shop.read_until > DAY:
            ago = "yet" if shop.read_until is None else f"for {duration(view.at - shop.read_until)}"
            return Unknown(f"store:{shop.store} was not read {ago}: what {subject} is to receive is not known", subject)
    return demand


def basis(demand: Demand) -> str:
    """What the expectation stands on, in words."""
    words = count(demand.days, "day") if demand.days else "what is declared alone"
    return words if demand.sure else f"{words}, too little to be sure"
