"""Views for rules: one site at one instant, everything well until a test says otherwise.

    core = make_target("bitcoind", {"status": core_status(peers_out=0)})
    verdict = judged(RULE, make_view(core), core)
    assert verdict.found["source:core"].severity is None

The nouns come from `tests/assessments.py`. Every answer that passes through `judged` is held to the form
that all rules share: a subject `kind:id`, one whole sentence, facts as text, each subject answered once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from lnwatch.domain.reach import WITHOUT_SYSTEM
from lnwatch.model.chain import BitcoindStatus
from lnwatch.model.kpi import Demand
from lnwatch.model.lightning import Channels, LightningInvoice
from lnwatch.model.rule import Finding, Rule
from lnwatch.model.snapshot import Event, Facts, Snapshot, TargetState
from lnwatch.model.view import (
    Baseline,
    CollectorHealth,
    Fault,
    Happening,
    OwnHealth,
    ShopView,
    StateSpan,
    TargetView,
    View,
)
from tests.assessments import (
    HEIGHT,
    NOW,
    bitcoind_status,
    channel,
    health,
    host_status,
    lightning_facts,
    nbxplorer_status,
    probe_status,
    target,
    view,
)
from tests.shops import btcpay_facts

SLUGS = {"bitcoind": "core", "lnd": "ln1", "host": "machine", "nbxplorer": "nbx", "probe": "checkout"}
VERSIONS = {"bitcoind": "31.0", "lnd": "0.21.2", "host": "", "nbxplorer": "2.6.7", "probe": "", "btcpay": "2.4.1"}
SUBJECTS = frozenset(
    {
        "site",
        "source",
        "node",
        "channel",
        "htlc",
        "invoice",
        "peer",
        "path",
        "delivery",
        "rule",
        "store",
        "order",
        "probe",
        "rate",
    }
)
LONG_AGO = 3_600.0  # seconds: older than three intervals of every collector that a test gives


def core_status(**changes: Any) -> BitcoindStatus:  # noqa: ANN401 - fields of BitcoindStatus
    """A bitcoind that stands at the newest header that it knows, from five minutes ago."""
    return replace(bitcoind_status(headers=HEIGHT), **changes)


def usual_facts(kind: str) -> dict[str, Facts]:
    """What the collectors of a source of that kind see while everything is well."""
    if kind == "bitcoind":
        return {"status": core_status()}
    if kind == "host":
        return {"status": host_status()}
    if kind == "nbxplorer":
        return {"status": nbxplorer_status()}
    if kind == "probe":
        return {"probe": probe_status()}
    if kind == "btcpay":
        return btcpay_facts()
    return lightning_facts(Channels((channel(),)))


def make_target(
    kind: str,
    facts: Mapping[str, Facts] | None = None,
    *,
    slug: str | None = None,
    at: float = NOW,
    site: str = "main",
    **changes: Any,  # noqa: ANN401 - fields of TargetView
) -> TargetView:
    """A source that is up, its collectors fresh; `facts` replace the usual ones of the same collector."""
    usual: dict[str, Any] = {
        "version": VERSIONS.get(kind, "1.0"),
        "network": None if kind in WITHOUT_SYSTEM else "regtest",
    }
    known = {**usual_facts(kind), **(facts or {})}
    return target(slug or SLUGS.get(kind, kind), kind, known, at=at, site=site, **(usual | changes))


def make_view(
    *targets: TargetView,
    at: float = NOW,
    site: str = "main",
    born_at: float | None = NOW - 86_400 * 30,
    events: Iterable[Happening] = (),
    states: Iterable[StateSpan] = (),
    held: Mapping[str, tuple[LightningInvoice, ...]] | None = None,
    baselines: Mapping[tuple[str, str], Baseline] | None = None,
    own: OwnHealth | None = None,
    shops: Iterable[ShopView] = (),
    demand: Iterable[Demand] = (),
) -> View:
    """A site with these sources; liquidity and totals follow from its Lightning nodes."""
    return replace(
        view(*targets, at=at, site=site),
        born_at=born_at,
        events=tuple(sorted(events, key=lambda happening: happening.at)),
        states=tuple(sorted(states, key=lambda span: span.at)),
        held=held or {},
        baselines=baselines or {},
        own=own,
        shops={shop.store: shop for shop in shops},
        demand={each.node: each for each in demand},
    )


def happened(event: Event, *, at: float = NOW, source: str = "ln1") -> Happening:
    """An event as the ledger has it."""
    return Happening(source, at, event)


def span(source: str, at: float, state: TargetState, version: str = "") -> StateSpan:
    """`source` came into `state` at `at`."""
    return StateSpan(source, at, state, version)


def baseline(median: str | float, samples: int = 720) -> Baseline:
    """A source's own normal over 30 days."""
    return Baseline(float(Decimal(median)), samples)


def with_collector(target: TargetView, name: str, **changes: Any) -> TargetView:  # noqa: ANN401 - fields of CollectorHealth
    """The target with one collector faring differently; a new one where it has none of that name."""
    changed = replace(target.collectors.get(name, health(name)), **changes)
    return replace(target, collectors={**target.collectors, name: changed})


def stale(target: TargetView, *collectors: str, age: float = LONG_AGO, now: float = NOW) -> TargetView:
    """The target whose named collectors (all without a name) last succeeded `age` seconds ago."""
    names = collectors or tuple(target.collectors)
    snapshots: dict[str, Snapshot] = dict(target.snapshots)
    healths: dict[str, CollectorHealth] = dict(target.collectors)
    for name in names:
        if name in snapshots:
            snapshots[name] = replace(snapshots[name], at=now - age)
        healths[name] = replace(healths[name], last_success_at=now - age)
    return replace(target, snapshots=snapshots, collectors=healths)


def failing(
    target: TargetView,
    state: TargetState | None,
    reason: str = "refused",
    message: str = "connection refused",
    *,
    since: float = NOW - LONG_AGO,
    permission: str | None = None,
    now: float = NOW,
) -> TargetView:
    """The target in `state` since `since`: its leading collector fails for `reason`, the others wait."""
    lead = next(iter(target.collectors))
    old = stale(target, age=now - since, now=now)
    fault = Fault(now, reason, message, permission)
    failed = with_collector(old, lead, success=False, last_run_at=now, fault=fault, errors={reason: 5})
    return replace(failed, state=state, since=since, detail=message)


@dataclass(frozen=True)
class Verdict:
    """What a rule answered: findings by subject, and why it can't tell by subject (None: its whole scope)."""

    found: Mapping[str, Finding]
    unknown: Mapping[str | None, str]

    @property
    def clear(self) -> bool:
        """Whether everything that it was asked for is well."""
        return not self.found and not self.unknown

    @property
    def only(self) -> Finding:
        """The one finding, and no doubt about anything else."""
        assert not self.unknown
        (finding,) = self.found.values()
        return finding


def judged(rule: Rule[Any], view: View, target: TargetView | None = None, **thresholds: Any) -> Verdict:  # noqa: ANN401 - fields of Thresholds
    """Run the rule by itself, with its default thresholds but for those given."""
    answers = list(rule.judge(view, target, rule.thresholds(**thresholds)))
    found = {answer.subject: answer for answer in answers if isinstance(answer, Finding)}
    unknown = {answer.subject: answer.why for answer in answers if not isinstance(answer, Finding)}
    assert len(found) + len(unknown) == len(answers), "a subject was answered twice"
    assert not found.keys() & unknown.keys(), "a subject was answered twice"
    for finding in found.values():
        _check(finding)
    for subject, why in unknown.items():
        assert why, "an answer that can't tell must say why"
        assert subject is None or subject.partition(":")[0] in SUBJECTS, subject
    return Verdict(found, unknown)


def _check(finding: Finding) -> None:
    kind, _, name = finding.subject.partition(":")
    assert kind in SUBJECTS, finding.subject
    assert name, finding.subject
    sentence = finding.sentence
    assert sentence.endswith("."), sentence
    assert not sentence.endswith(".."), sentence
    assert "\n" not in sentence, sentence
    assert len(sentence) <= 400, sentence
    assert all(isinstance(text, str) for pair in finding.facts.items() for text in pair), finding.facts
