"""What each peer could bring."""

from dataclasses import replace

from lnwatch.domain.liquidity import usable_inbound
from lnwatch.domain.peers import inbound_by_peer, short
from lnwatch.model.lightning import Channels
from lnwatch.model.liquidity import ChannelLiquidity, NodeLiquidity
from lnwatch.model.money import Msat
from tests.assessments import NOW, channel


def test_inbound_is_summed_by_peer_whether_online_or_not() -> None:
    """What a peer would bring if it were there: that it is away takes nothing from it."""
    first, second = channel(1), channel(2)
    again = replace(channel(3), peer=first.peer, active=False)
    assert inbound_by_peer(Channels((first, second, again))) == {
        first.peer: 2 * usable_inbound(first),
        second.peer: usable_inbound(second),
    }


def test_what_was_reckoned_already_stands_for_active_channels() -> None:
    """A channel that its peer disabled brings nothing though it is online; one that is away would bring its own."""
    disabled, away = channel(1), replace(channel(2), active=False)
    nothing = ChannelLiquidity(Msat(0), Msat(0), Msat(0))
    reckoned = NodeLiquidity(NOW, Msat(0), Msat(0), Msat(0), Msat(0), {disabled.point: nothing, away.point: nothing})
    assert inbound_by_peer(Channels((disabled, away)), reckoned) == {
        disabled.peer: 0,
        away.peer: usable_inbound(away),
    }


def test_a_key_is_cut_to_what_can_be_found_in_a_list() -> None:
    """What is short already stays as it is."""
    assert short("02" + "ab" * 32) == "02ababababab…"
    assert short("abc") == "abc"
