"""Who left together, and who is back."""

from lnwatch.domain.restart import joint_restart
from lnwatch.model.snapshot import TargetState
from tests.assessments import NOW
from tests.rules.views import failing, make_target, make_view, span

UP, DOWN, STARTING = TargetState.UP, TargetState.DOWN, TargetState.STARTING
CORE, NODE, SHOP = make_target("bitcoind"), make_target("lnd"), make_target("btcpay", slug="shop")


def test_a_restart_names_who_left_and_who_is_missing() -> None:
    """Its start is the first leave, its versions those from before."""
    states = [
        span("core", NOW - 9_000, UP, "30.0"),
        span("ln1", NOW - 9_000, UP, "0.20.0"),
        span("core", NOW - 50, DOWN, "30.0"),
        span("ln1", NOW - 30, DOWN, "0.20.0"),
        span("core", NOW - 10, UP, "31.0"),
        span("ln1", NOW - 5, STARTING, "0.21.2"),
    ]
    restart = joint_restart(make_view(CORE, failing(NODE, STARTING, since=NOW - 5), states=states))
    assert restart is not None
    assert restart.start == NOW - 50
    assert restart.sources == ("core", "ln1")
    assert restart.missing == ("ln1",)
    assert restart.versions == {"core": "30.0", "ln1": "0.20.0"}


def test_none_is_going_on_when_all_are_back() -> None:
    """Nor when none ever left, nor with a single source."""
    states = [
        span(slug, NOW - age, state)
        for slug in ("core", "ln1")
        for age, state in ((900.0, UP), (300.0, DOWN), (200.0, UP))
    ]
    assert joint_restart(make_view(CORE, NODE, states=states)) is None
    assert joint_restart(make_view(CORE, NODE)) is None
    assert joint_restart(make_view(failing(CORE, DOWN))) is None


def test_the_longest_is_told_first() -> None:
    """A source that restarts later does not move the start of those that are missing."""
    view = make_view(
        failing(CORE, DOWN, since=NOW - 500), failing(NODE, DOWN, since=NOW - 490), failing(SHOP, DOWN, since=NOW - 60)
    )
    restart = joint_restart(view)
    assert restart is not None
    assert restart.sources == ("core", "ln1")


def test_a_look_that_is_not_stored_yet_counts() -> None:
    """The present state is the last span, whether or not the ledger has it."""
    states = [span("core", NOW - 9_000, UP, "30.0"), span("ln1", NOW - 9_000, UP, "0.20.0")]
    view = make_view(failing(CORE, DOWN, since=NOW - 4), failing(NODE, DOWN, since=NOW - 2), states=states)
    restart = joint_restart(view)
    assert restart is not None
    assert restart.start == NOW - 4
    assert restart.missing == ("core", "ln1")
