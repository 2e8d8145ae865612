"""The sources of one site are on different chains: what one tells does not hold for the other."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import SERVING, WITHOUT_SYSTEM, present_state
from lnwatch.domain.wording import listing
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set: a site is on one chain."""


def judge(view: View, _target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the site. A source that is away counts with the chain that it was last seen on."""
    subject = f"site:{view.site}"
    components = [target for target in view.targets.values() if target.kind not in WITHOUT_SYSTEM]
    chains = {target.slug: target.network for target in components if target.network is not None}
    if len(set(chains.values())) > 1:
        told = listing([f"{slug} is on {chain}" for slug, chain in sorted(chains.items())], most=6)
        sentence = f"{subject} reads sources on {len(set(chains.values()))} different chains (limit 1): {told}."
        evidence = " ".join(f"{slug}={chain}" for slug, chain in sorted(chains.items()))
        yield Finding(subject, sentence, facts=chains, evidence=evidence)
    elif silent := [target.slug for target in components if _untold(view, target)]:
        yield Unknown(f"{listing(silent)} has not told its chain", subject)


def _untold(view: View, target: TargetView) -> bool:
    """Whether the source may have a chain that we don't know; one that serves without telling has none."""
    return target.network is None and present_state(target, view.at) not in SERVING


RULE = Rule(
    id="wrong_network",
    scope=Scope.SITE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    grant="configure at least two sources that are on a chain",
)
