"""The block `[executor]`: whether anything is done at all, who must approve what, and within which budgets."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, Strict, create_model, model_validator
from pydantic import Field as Default

from lnwatch import automations
from lnwatch.discover import discover
from lnwatch.domain.approval import Approvers, Policy
from lnwatch.domain.budget import Budget, Budgets, Ceiling
from lnwatch.domain.guard import Terms
from lnwatch.fields import Amount, Duration, Settings, format_duration, parse_duration
from lnwatch.model.action import Action, Automation
from lnwatch.model.money import format_msat

AUTOMATIONS: Mapping[str, Automation[Any]] = discover(automations, "AUTOMATION", Automation)
_SECONDS = "_seconds"  # what the name of a threshold ends with that is a span of time


def _not_negative(value: int) -> int:
    if value < 0:
        raise ValueError("a number of actions is not below 0")
    return value


Actions = Annotated[int, Strict(), AfterValidator(_not_negative)]


class ActionSettings(Settings):
    """What one kind of action is held to. Budgets are nested: one attempt within any 24 hours within any 30 days,
    and each subject (a channel, a peer) within the site.

    A yes holds for `approval_holds`; with `approval = "solo"` it counts from `solo_delay` on. `pause` lies
    between two proposals for the same need, and after `stands` one expires.
    """

    approval: Approvers = Approvers.ONE
    approval_holds: Duration = Default("1h", validate_default=True)
    solo_delay: Duration = Default("30m", validate_default=True)
    pause: Duration = Default("1h", validate_default=True)
    stands: Duration = Default("6h", validate_default=True)
    attempt_amount: Amount = Default("0 sat", validate_default=True)
    attempt_fee: Amount = Default("0 sat", validate_default=True)
    subject_day_actions: Actions = 0
    subject_day_amount: Amount = Default("0 sat", validate_default=True)
    subject_day_fee: Amount = Default("0 sat", validate_default=True)
    subject_month_actions: Actions = 0
    subject_month_amount: Amount = Default("0 sat", validate_default=True)
    subject_month_fee: Amount = Default("0 sat", validate_default=True)
    site_day_actions: Actions = 0
    site_day_amount: Amount = Default("0 sat", validate_default=True)
    site_day_fee: Amount = Default("0 sat", validate_default=True)
    site_month_actions: Actions = 0
    site_month_amount: Amount = Default("0 sat", validate_default=True)
    site_month_fee: Amount = Default("0 sat", validate_default=True)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("approval_holds", "solo_delay", "pause", "stands"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` is above 0")
        for inner, outer in (
            ("attempt", "subject_day"),
            ("subject_day", "subject_month"),
            ("subject_day", "site_day"),
            ("subject_month", "site_month"),
            ("site_day", "site_month"),
        ):
            self._require_within(inner, outer)
        return self

    def _require_within(self, inner: str, outer: str) -> None:
        for what in ("actions", "amount", "fee"):
            small, large = getattr(self, f"{inner}_{what}", 0), getattr(self, f"{outer}_{what}")
            if small > large:
                write = str if what == "actions" else format_msat
                raise ValueError(f"`{inner}_{what}` ({write(small)}) must lie within `{outer}_{what}` ({write(large)})")

    def terms(self) -> Terms:
        """As the guard takes it."""
        policy = Policy(self.approval, self.approval_holds, self.solo_delay)
        return Terms(policy, Budgets(self._budget("site"), self._budget("subject")), self.pause, self.stands)

    def _budget(self, holder: str) -> Budget:
        attempt = Ceiling(1, self.attempt_amount, self.attempt_fee)
        return Budget(attempt, self._ceiling(f"{holder}_day"), self._ceiling(f"{holder}_month"))

    def _ceiling(self, window: str) -> Ceiling:
        return Ceiling(*(getattr(self, f"{window}_{what}") for what in ("actions", "amount", "fee")))


class ConnectPeerSettings(ActionSettings):
    """Calls move no money: what bounds them is their number."""

    approval: Approvers = Approvers.NOBODY
    stands: Duration = Default("30m", validate_default=True)
    subject_day_actions: Actions = 4
    subject_month_actions: Actions = 60
    site_day_actions: Actions = 24
    site_month_actions: Actions = 300


class RegisterWebhookSettings(ActionSettings):
    """Somebody asked for it and lent a key for it: the usual pause would only keep them waiting."""

    approval: Approvers = Approvers.NOBODY
    pause: Duration = Default("1s", validate_default=True)
    stands: Duration = Default("1h", validate_default=True)
    subject_day_actions: Actions = 12
    subject_month_actions: Actions = 60
    site_day_actions: Actions = 48
    site_month_actions: Actions = 240


class RebalanceChannelSettings(ActionSettings):
    """Circular payments: what they cost is the fee, what they tie up meanwhile the amount."""

    pause: Duration = Default("6h", validate_default=True)
    attempt_amount: Amount = Default("1_000_000 sat", validate_default=True)
    attempt_fee: Amount = Default("1_000 sat", validate_default=True)
    subject_day_actions: Actions = 2
    subject_day_amount: Amount = Default("1_000_000 sat", validate_default=True)
    subject_day_fee: Amount = Default("1_000 sat", validate_default=True)
    subject_month_actions: Actions = 20
    subject_month_amount: Amount = Default("10_000_000 sat", validate_default=True)
    subject_month_fee: Amount = Default("5_000 sat", validate_default=True)
    site_day_actions: Actions = 6
    site_day_amount: Amount = Default("3_000_000 sat", validate_default=True)
    site_day_fee: Amount = Default("3_000 sat", validate_default=True)
    site_month_actions: Actions = 60
    site_month_amount: Amount = Default("30_000_000 sat", validate_default=True)
    site_month_fee: Amount = Default("15_000 sat", validate_default=True)


class AutomationSettings(Settings):
    """The block of one automation: whether it is asked at all, and its thresholds by field name."""

    automation: ClassVar[Automation[Any]]
    enabled: bool = True

    @model_validator(mode="after")
    def _within_range(self) -> Self:
        self.thresholds()
        return self

    def thresholds(self) -> Any:  # noqa: ANN401 - of each automation its own
        """Its thresholds. Raises ValueError where one is out of range."""
        names = (field.name for field in fields(self.automation.thresholds))
        return self.automation.thresholds(**{name: getattr(self, name) for name in names})


class ExecutorSettings(Settings):
    """With `dry_run` nothing is done to any other system: everything else happens as if it were."""

    dry_run: bool = True
    connect_peer: ConnectPeerSettings = ConnectPeerSettings()
    rebalance_channel: RebalanceChannelSettings = RebalanceChannelSettings()
    register_webhook: RegisterWebhookSettings = RegisterWebhookSettings()
    automations: Settings = Settings()

    def terms(self) -> Mapping[Action, Terms]:
        """What each kind of action is held to."""
        return {action: getattr(self, action.value).terms() for action in Action}

    def thresholds(self) -> Mapping[str, Any]:
        """The thresholds of each automation that is switched on, by its id."""
        blocks = {name: getattr(self.automations, name) for name in AUTOMATIONS}
        return {name: block.thresholds() for name, block in blocks.items() if block.enabled}


def _seconds(value: Any) -> float:  # noqa: ANN401 - it comes from outside, as anything
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return parse_duration(value)


_Seconds = Annotated[float, BeforeValidator(_seconds), PlainSerializer(format_duration)]


def _key(field: Field[Any]) -> tuple[Any, Any]:
    default = field.default if field.default is not MISSING else ...
    return (_Seconds if field.name.endswith(_SECONDS) else Annotated[field.type, Strict()], default)


def _automation_block(automation: Automation[Any]) -> type[AutomationSettings]:
    keys: dict[str, Any] = {field.name: _key(field) for field in fields(automation.thresholds)}
    block = create_model(automation.id, __base__=AutomationSettings, **keys)
    block.automation = automation
    return block


def _whole() -> type[ExecutorSettings]:
    blocks: dict[str, Any] = {name: _automation_block(each) for name, each in AUTOMATIONS.items()}
    keys: dict[str, Any] = {name: (block, block()) for name, block in blocks.items()}
    of_all: Any = create_model("automations", __base__=Settings, **keys)
    return create_model("executor", __base__=ExecutorSettings, automations=(of_all, of_all()))


BLOCK = _whole()  # with a key for each automation that is found in its room
