"""A channel of delivery takes no messages: whoever should have been told was not."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.episodes import length
from lnwatch.domain.wording import clause, duration, moment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set: messages are parked only after every retry, or where none can help."""


def judge(view: View, _target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each channel of delivery."""
    if view.own is None:
        yield Unknown("how lnwatch itself fares is not known")
        return
    for channel, episode in view.own.deliveries.items():
        if episode.end is None:
            since, why = moment(episode.start), clause(episode.words)
            lasted = duration(length(episode, view.at))
            yield Finding(
                subject=f"delivery:{channel}",
                sentence=f"Messages to delivery:{channel} have not left since {since}, for {lasted} now: {why}.",
                facts={"since": since, "why": why},
                evidence=f"{episode.start:.3f}",
            )


RULE = Rule(
    id="delivery_failing",
    scope=Scope.DAEMON,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    grant="configure a channel of delivery",
)
