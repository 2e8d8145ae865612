"""The first page: what is wrong and what to do, what can't be told, then every source and what was seen of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.judge import OWN_SITE
from lnwatch.domain.wording import listing
from lnwatch.model.assessment import Assessment, StandingCase
from lnwatch.model.case import CaseState
from lnwatch.model.rule import Severity
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import CollectorHealth, TargetView, View
from lnwatch.redaction import redact
from lnwatch.web.hooks import HOOK_STREAM
from lnwatch.web.pages import cases, words
from lnwatch.web.pages.cases import MOST_PENDING, CaseGroup, CaseLine
from lnwatch.web.pages.coverage import MOST_GAPS, Gap, gaps, summary
from lnwatch.web.pages.figures import Figures, figures
from lnwatch.web.pages.paying import PayingLine, paying
from lnwatch.web.pages.proposals import wanted_of_people
from lnwatch.web.pages.silences import Quiet, quiets

_OF_WEBHOOKS = (
    "Polls go on. Is the secret wrong? Remove the file of `webhook_secret_file` and run `lnwatch webhook register` "
    "again: both sides get a new one."
)
MOST_COLLECTORS = 4  # that a trouble names
STALE_AFTER = 60.0  # seconds: an assessment that is older says nothing of now
# Nothing is wrong that a person would have to mend, but it does not serve yet either.
_WAITING = frozenset({TargetState.STARTING, TargetState.SYNCING})


@dataclass(frozen=True, slots=True)
class Progress:
    """History that is being read; `total` is None while it is not known."""

    collector: str
    done: int
    total: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """One failure, of every collector that has it: when last, what happened, what to do."""

    collectors: str
    since: str
    at: str
    message: str
    advice: str


@dataclass(frozen=True, slots=True)
class CollectorLine:
    """One line of the table of collectors."""

    name: str
    mark: str
    state: str
    last_success: str
    last_success_at: str
    interval: str
    duration: str
    failed: str


@dataclass(frozen=True, slots=True)
class SourceCard:
    """One source. `mark` is `good`, `wait`, `bad` or `none`: it chooses colour and shape, `state` says it in words."""

    slug: str
    kind: str
    mark: str
    state: str
    detail: str
    facts: tuple[tuple[str, str, str], ...]  # name, text, and what is shown when pointed at
    troubles: tuple[Trouble, ...]
    progress: tuple[Progress, ...]
    collectors: tuple[CollectorLine, ...]


@dataclass(frozen=True, slots=True)
class SiteSection:
    """One site."""

    slug: str
    born: str
    figures: tuple[Figures, ...]
    sources: tuple[SourceCard, ...]
    troubled: bool  # then its sources come first


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Everything that the template needs; `assessed` is empty before the first cycle. Only some of the `pending`
    cases are there, `pending_count` are all; `acting` is what people should know of what lnwatch does, if anything;
    `more_gaps` says how many `gaps` are not shown."""

    mark: str
    headline: str
    paying: tuple[PayingLine, ...] = ()
    assessed: str = ""
    assessed_at: str = ""
    open: tuple[CaseGroup, ...] = ()
    open_count: str = ""
    pending: tuple[CaseLine, ...] = ()
    pending_count: int = 0
    acting_mark: str = "none"
    acting: str = ""
    coverage_mark: str = "none"
    coverage: str = "Not known yet."
    gaps: tuple[Gap, ...] = ()
    more_gaps: int = 0
    quiets: tuple[Quiet, ...] = ()
    ledger_mark: str = "none"
    ledger: str = "Not known yet."
    starts: str = ""
    sites: tuple[SiteSection, ...] = ()


def status_page(assessment: Assessment | None, now: float, stuck: str) -> StatusPage:
    """The page at the instant `now`; `stuck` says that lnwatch itself stands still, and since when."""
    if assessment is None:
        headline = stuck or "lnwatch has just started; the first cycle is under way."
        return StatusPage("bad" if stuck else "wait", headline)
    sites = tuple(_site(view, now) for view in assessment.views.values() if view.site != OWN_SITE)
    living, pending = cases.living(assessment), cases.pending(assessment)
    ledger = assessment.ledger
    mark, headline = _headline(sites, living, stuck, "" if ledger.writable else redact(ledger.trouble))
    coverage_mark, coverage = summary(assessment.coverage)
    holes = gaps(assessment.coverage, assessment.views)
    acting_mark, acting = wanted_of_people(assessment.acting) or ("none", "")
    return StatusPage(
        mark=mark,
        headline=headline,
        paying=paying(assessment.views.values(), now, STALE_AFTER),
        assessed=words.ago(assessment.at, now),
        assessed_at=words.instant(assessment.at),
        open=cases.groups(living, now),
        open_count=_counted(living),
        pending=tuple(cases.lines(pending[:MOST_PENDING], now)),
        pending_count=len(pending),
        acting_mark=acting_mark,
        acting=acting,
        coverage_mark=coverage_mark,
        coverage=coverage,
        gaps=holes[:MOST_GAPS],
        more_gaps=max(0, len(holes) - MOST_GAPS),
        quiets=quiets(assessment.silences, now),
        ledger_mark="good" if ledger.writable else "bad",
        ledger=f"Written to ({ledger.backend})." if ledger.writable else f"Can't be written: {redact(ledger.trouble)}",
        starts=words.count(assessment.starts, "start"),
        sites=sites,
    )


def _counted(living: Iterable[StandingCase]) -> str:
    """How many are open, and how many of them somebody has taken or put to sleep."""
    states = [one.case.state for one in living]
    taken = [state for state in (CaseState.ACKNOWLEDGED, CaseState.SNOOZED) if state in states]
    return ", ".join([f"{len(states):,} open", *(f"{states.count(state):,} of them {state.value}" for state in taken)])


def _headline(sites: Iterable[SiteSection], living: list[StandingCase], stuck: str, trouble: str) -> tuple[str, str]:
    if stuck:
        return "bad", f"lnwatch itself stands still: {stuck}. What is shown here is old."
    if trouble:
        return "bad", f"The ledger can't be written ({trouble}): nothing new is kept until that is mended."
    severities = [one.case.severity for one in living]
    rules = listing(list(dict.fromkeys(one.case.fingerprint.rule for one in living)))
    if critical := severities.count(Severity.CRITICAL):
        return "bad", f"{words.count(len(living), 'open case')}, {critical:,} of them critical: {rules}."
    if Severity.WARNING in severities:
        return "wait", f"{words.count(len(living), 'open case')}, none of them critical: {rules}."
    mark, headline = _of_sources(sites)
    return mark, f"{headline} For information: {rules}." if rules else headline


def _of_sources(sites: Iterable[SiteSection]) -> tuple[str, str]:
    sources = [source for site in sites for source in site.sources]
    up = sum(source.mark == "good" for source in sources)
    for marks, says in ((("bad",), "Needs a look"), (("wait", "none"), "Not serving yet")):
        found = [f"{source.slug} ({source.state.lower()})" for source in sources if source.mark in marks]
        if found:
            return marks[0], f"{says}: {', '.join(found)}. {up} of {len(sources)} sources are up."
    troubled = [source.slug for source in sources if source.troubles]
    if troubled:
        return "wait", f"Every source is up, but not everything can be read from {', '.join(troubled)}."
    return "good", "Everything that lnwatch watches is up."


def _site(view: View, now: float) -> SiteSection:
    sources = tuple(_source(target, now) for target in view.targets.values())
    return SiteSection(
        slug=view.site,
        born=f"Watched since {words.instant(view.born_at)}" if view.born_at is not None else "No good cycle yet",
        figures=tuple(found for target in view.targets.values() for found in figures(view, target, now)),
        sources=sources,
        troubled=any(source.mark in {"bad", "wait"} or source.troubles for source in sources),
    )


def _source(target: TargetView, now: float) -> SourceCard:
    return SourceCard(
        slug=target.slug,
        kind=target.kind,
        mark=_mark(target.state),
        state=words.STATES[target.state],
        detail=redact(target.detail),
        facts=tuple(_facts(target, now)),
        troubles=tuple(_troubles(target, now)),
        progress=tuple(_progress(target)),
        collectors=tuple(_line(health, now) for health in target.collectors.values()),
    )


def _mark(state: TargetState | None) -> str:
    if state is None:
        return "none"
    if state is TargetState.UP:
        return "good"
    return "wait" if state in _WAITING else "bad"


def _facts(target: TargetView, now: float) -> Iterable[tuple[str, str, str]]:
    if target.since is not None:
        yield "Since", words.ago(target.since, now), words.instant(target.since)
    newest = max((snapshot.at for snapshot in target.snapshots.values()), default=None)
    yield "Newest data", words.ago(newest, now), words.instant(newest)
    if target.version:
        known = "" if target.supported else " (lnwatch is not tested with it)"
        yield "Version", f"{redact(target.version)}{known}", ""
    if target.network:
        yield "Network", target.network, ""
    yield "Asked", words.count(target.calls, "call"), "since lnwatch was started"
    yield "Received", words.size(target.bytes_received), "since lnwatch was started"
    if target.tls_expires_at is not None:
        left = target.tls_expires_at - now
        yield (
            "Certificate",
            f"ends in {words.span(left)}" if left > 0 else f"ended {words.ago(target.tls_expires_at, now)}",
            words.instant(target.tls_expires_at),
        )


def _troubles(target: TargetView, now: float) -> Iterable[Trouble]:
    """What fails, said once however many collectors stumble on it."""
    found: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for health in target.collectors.values():
        if (fault := health.fault) is not None:
            advice = _OF_WEBHOOKS if health.name == HOOK_STREAM else words.advice(fault.reason)
            missing = f" Missing permission: {redact(fault.permission)}." if fault.permission else ""
            found.setdefault((redact(fault.message), f"{advice}{missing}"), []).append((health.name, fault.at))
    for (message, advice), failed in found.items():
        newest = max(at for _, at in failed)
        yield Trouble(
            collectors=listing([name for name, _ in failed], MOST_COLLECTORS),
            since=words.ago(newest, now),
            at=words.instant(newest),
            message=message,
            advice=advice,
        )


def _progress(target: TargetView) -> Iterable[Progress]:
    for health in target.collectors.values():
        history = health.backfill
        if history is None or history.finished:
            continue
        total = history.total
        text = (
            f"{history.done:,} of {total:,} rows" if total is not None else f"{words.count(history.done, 'row')} so far"
        )
        yield Progress(health.name, min(history.done, total) if total else history.done, total, text)


def _line(health: CollectorHealth, now: float) -> CollectorLine:
    if health.last_run_at is None:
        mark, state = "none", "waits"
    elif not health.success:
        mark, state = "bad", "fails"
    elif health.stale(now):
        mark, state = "wait", "late"
    else:
        mark, state = "good", "stands" if health.interval == 0 else "works"
    return CollectorLine(
        name=health.name,
        mark=mark,
        state=state,
        last_success=words.ago(health.last_success_at, now),
        last_success_at=words.instant(health.last_success_at),
        interval="stream" if health.interval == 0 else words.span(health.interval),
        duration=words.duration(health.duration) if health.interval else "",
        failed=f"{sum(health.errors.values()):,} of {health.runs:,}",
    )
