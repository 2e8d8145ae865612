from lnwatch.model.snapshot import TargetState
from lnwatch.store import Ledger, LedgerSettings, StateChange
from tests.store.stories import NODE, NOW, SITE, rows

UP, DOWN = TargetState.UP, TargetState.DOWN


def change(at: float, state: TargetState, detail: str = "", source: str = NODE, site: str = SITE) -> StateChange:
    return StateChange(site, source, at, state, detail, "0.21.2-beta")


async def test_row_per_change(ledger: Ledger, settings: LedgerSettings) -> None:
    """A state is a row when it is not the one before, or says something else."""
    told = [change(NOW, UP), change(NOW + 5, UP), change(NOW + 9, DOWN, "refused"), change(NOW + 12, DOWN, "timeout")]
    await ledger.append(told)
    await ledger.append(told)
    stored = [(row["at"], row["state"], row["detail"]) for row in rows(settings, "target_state")]
    assert stored == [(NOW, "up", ""), (NOW + 9, "down", "refused"), (NOW + 12, "down", "timeout")]


async def test_newest_of_each_target(ledger: Ledger) -> None:
    """After a restart the newest state of each target is known."""
    assert await ledger.states() == ()
    await ledger.append([change(NOW, UP), change(NOW + 9, DOWN, "refused"), change(NOW, UP, source="core")])
    await ledger.append([change(NOW + 1, UP, site="other")])
    assert await ledger.states() == (
        change(NOW, UP, source="core"),
        change(NOW + 9, DOWN, "refused"),
        change(NOW + 1, UP, site="other"),
    )
