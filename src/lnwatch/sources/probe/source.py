"""One public address as a source: visited at each interval, and judged by what was expected there."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from lnwatch.clock import Clock
from lnwatch.credentials import Credential
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.probe import ProbeStage, ProbeStatus, ProbeStep
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.net import Answer, TlsPeek, Visit
from lnwatch.net.visit import MOST
from lnwatch.sources import Checkup, Collector, Cost, Memory, Place, Scope, Stream
from lnwatch.sources.probe.settings import ProbeSettings


class ProbeCollector:
    """The collector `probe`. That the address fails is what it is there to see, and no failure of its own."""

    name = "probe"

    def __init__(self, place: Place, settings: ProbeSettings, cost: Cost) -> None:
        """Goes nowhere yet."""
        self.interval = settings.interval
        self.deadline = (settings.time_limit + settings.interval) / 2  # it is the time limit that is to tell
        self._door = place.door
        self._settings = settings
        self._cost = cost
        self._roots = Credential(path=settings.ca_file)
        self.tls_expires_at: float | None = None

    async def collect(self, memory: Memory) -> Reading:
        """Visit once. Raises SourceError where our own side is at fault, so that nothing can be told."""
        del memory  # nothing of the past matters here
        status = await self.look()
        return Reading(facts=status, target=report(status))

    async def look(self) -> ProbeStatus:
        """Visit once. Raises SourceError like `collect`."""
        self._cost.calls += 1
        visit = await self._door.visit(
            self._settings.url,
            seconds=self._settings.time_limit,
            way="direct" if self._settings.scheme == "dns" else self._settings.via,
            roots=self._roots.read() or None,
            on_bytes=self._count,
        )
        if visit.certificate is not None:
            self.tls_expires_at = visit.certificate.not_after
        return judged(visit, self._settings)

    def _count(self, received: int) -> None:
        self._cost.bytes_received += received


class Probe:
    """The source `probe`."""

    streams: Sequence[Stream] = ()

    def __init__(self, place: Place, settings: ProbeSettings) -> None:
        """Goes nowhere yet."""
        self._clock: Clock = place.clock
        self._cost = Cost()
        self._probe = ProbeCollector(place, settings, self._cost)

    @property
    def collectors(self) -> Sequence[Collector]:
        """`probe` alone."""
        return (self._probe,)

    @property
    def cost(self) -> Cost:
        """One call for each visit."""
        return self._cost

    @property
    def tls_expires_at(self) -> float | None:
        """When the certificate that was last presented ends; None without TLS."""
        return self._probe.tls_expires_at

    async def check(self) -> Checkup:
        """Visit once."""
        try:
            status = await self._probe.look()
        except SourceError as error:
            return Checkup(reachable=False, state=TargetState.DOWN, problems=(error.message,))
        begin, end = status.tls_not_before, status.tls_not_after
        peek = TlsPeek(begin, end, verified=True) if begin is not None and end is not None else None
        return Checkup(
            reachable=status.failed not in (ProbeStage.DNS, ProbeStage.CONNECT),
            state=report(status).state,
            supported=True,
            scope=Scope.ENOUGH,  # the public needs no credential
            tls_expires_at=end,
            tls_lifetime_left=peek.lifetime_left(self._clock.now()) if peek else None,
            problems=(status.trouble,) if status.trouble else (),
        )

    async def close(self) -> None:
        """Nothing to let go of: each visit hangs up by itself."""


def report(status: ProbeStatus) -> TargetReport:
    """What a visit says of the address as a whole."""
    if status.failed is None:
        return TargetReport(TargetState.UP, "", supported=True)
    hangs = status.reason == FailureReason.TIMEOUT
    return TargetReport(TargetState.HANGING if hangs else TargetState.DOWN, "", supported=True, detail=status.trouble)


def judged(visit: Visit, settings: ProbeSettings) -> ProbeStatus:
    """The visit, held against what was expected."""
    failure = visit.failure
    if failure is None and visit.answer is not None:
        failure = _disappointment(visit.answer, settings, whole=visit.whole)
    return ProbeStatus(
        where=f"{visit.url.scheme}://{visit.url.netloc.decode('ascii')}",
        via=str(visit.proxy) if visit.proxy is not None else "",
        checkout=settings.checkout,
        steps=tuple(_steps(visit, failure)),
        trouble=failure.message if failure is not None else "",
        reason=failure.reason.value if failure is not None else "",
        http_status=visit.answer.status if visit.answer is not None else None,
        tls_not_before=visit.certificate.not_before if visit.certificate is not None else None,
        tls_not_after=visit.certificate.not_after if visit.certificate is not None else None,
    )


def _steps(visit: Visit, failure: SourceError | None) -> Iterator[ProbeStep]:
    taken = {step.stage: step.seconds for step in visit.steps}
    last = visit.steps[-1].stage
    for stage in visit.stages:
        went_well = stage in taken and not (stage is last and failure is not None)
        yield ProbeStep(stage, went_well, taken.get(stage))


def _disappointment(answer: Answer, settings: ProbeSettings, *, whole: bool) -> SourceError | None:
    """Why an answer that came is not the one that was expected."""
    if answer.status != settings.status:
        words = f"{answer.where} answered with HTTP {answer.status}{_elsewhere(answer)}, not {settings.status}"
        return SourceError(FailureReason.FAILED, words)
    if settings.text is not None and settings.text.encode() not in answer.body:
        part = "" if whole else f" in its first {MOST // 1024 // 1024} MiB"
        words = f"{answer.where} answered with HTTP {answer.status}, but without the expected text{part}"
        return SourceError(FailureReason.FAILED, words)
    return None


def _elsewhere(answer: Answer) -> str:
    """Where a redirect leads, by its host alone: the rest may be somebody's secret."""
    try:
        host = urlsplit(answer.headers.get("location", "")).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    to = f" to {host[:100]}" if host and host.isprintable() else ""
    return f" (a redirect{to}, which is not followed)" if 300 <= answer.status < 400 else ""
