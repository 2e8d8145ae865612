"""The block `[executor]`: careful by default, refused in one line where it makes no sense."""

import pytest
from pydantic import ValidationError

from lnwatch.domain.approval import Approvers
from lnwatch.executor.settings import AUTOMATIONS, BLOCK
from lnwatch.model.action import MOVES_MONEY, Action


def test_careful_by_default() -> None:
    """Nothing is done at all; what moves money needs a person, and a budget for each attempt, day and month."""
    settings = BLOCK()
    assert settings.dry_run
    assert set(settings.thresholds()) == set(AUTOMATIONS)
    for action, terms in settings.terms().items():
        assert (terms.policy.approvers is Approvers.NOBODY) is (action not in MOVES_MONEY)
        for budget in (terms.budgets.site, terms.budgets.subject):
            assert budget.attempt.actions == 1
            assert 0 < budget.day.actions < budget.month.actions
            if action not in MOVES_MONEY:
                assert budget.month.amount_msat == budget.month.fee_msat == 0


def test_one_key_leaves_the_others() -> None:
    """Who sets one ceiling keeps the usual ones of everything else."""
    settings = BLOCK.model_validate(
        {
            "rebalance_channel": {"site_day_fee": "2_000 sat", "approval": "two"},
            "automations": {"peer_reconnect": {"offline_seconds": "2m"}, "channel_rebalance": {"enabled": False}},
        }
    )
    terms = settings.terms()[Action.REBALANCE_CHANNEL]
    assert (terms.policy.approvers, terms.budgets.site.day.fee_msat) == (Approvers.TWO, 2_000_000)
    assert terms.budgets.site.day.actions == 6
    assert settings.thresholds()["peer_reconnect"].offline_seconds == 120
    assert set(settings.thresholds()) == set(AUTOMATIONS) - {"channel_rebalance"}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"connect_peer": {"approval": "three"}}, "'nobody', 'one', 'two' or 'solo'"),
        ({"connect_peer": {"subject_day_actions": -1}}, "not below 0"),
        ({"connect_peer": {"subject_day_actions": True}}, "valid integer"),
        ({"connect_peer": {"subject_day_actions": 25}}, r"`subject_day_actions` \(25\) must lie within `site_day_ac"),
        ({"connect_peer": {"site_day_actions": 3}}, r"`subject_day_actions` \(4\) must lie within `site_day_actions`"),
        (
            {"rebalance_channel": {"attempt_fee": "1_001 sat"}},
            r"`attempt_fee` \(1,001 sat\) must lie within `subject_d",
        ),
        ({"rebalance_channel": {"site_month_amount": "1 sat"}}, "must lie within `site_month_amount`"),
        ({"rebalance_channel": {"approval_holds": "0s"}}, "`approval_holds` is above 0"),
        ({"rebalance_channel": {"attempt_fee": 1_000}}, "an amount is text with a unit"),
        ({"automations": {"peer_reconnect": {"offline_seconds": "0s"}}}, "`offline_seconds` must be above 0"),
        ({"automations": {"channel_rebalance": {"most_sat": 1}}}, "`most_sat` must not be below `least_sat`"),
        ({"automations": {"no_such": {}}}, "Extra inputs"),
        ({"dry_runs": True}, "Extra inputs"),
    ],
)
def test_nonsense_is_refused(block: dict[str, object], words: str) -> None:
    """A budget that is wider inside than outside, or a threshold out of range, stops the start."""
    with pytest.raises(ValidationError, match=words):
        BLOCK.model_validate(block)
