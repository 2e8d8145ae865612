"""What people ask through the inbox: words about cases, silences, what is covered. Asked again it does no more."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from types import MappingProxyType
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from lnwatch.caseload import Apply, Caseload
from lnwatch.clock import Clock
from lnwatch.domain import lifecycle
from lnwatch.domain.lifecycle import Decision
from lnwatch.domain.wording import duration, listing, moment
from lnwatch.errors import InboxError, LedgerError
from lnwatch.model.case import Case, CaseState, Fingerprint, Reason
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.store import Ledger, Request

INBOX_EVERY = 1.0  # seconds between two looks into the inbox
INBOX_PAGE = 50
INBOX_PATIENCE = 120.0  # seconds: nobody waits for longer, and nobody wants to be surprised hours later

Answer = Mapping[str, object]
Handler = Callable[[Request], Awaitable[Answer]]

_Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _AboutCase(_Body):
    site: _Name
    rule: _Name
    subject: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    actor: _Name
    note: _Words = ""

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self.site, self.rule, self.subject)


class _Snooze(_AboutCase):
    until: float


class _Silencing(_Body):
    kind: SilenceKind
    author: _Name
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
    starts_at: float
    ends_at: float
    site: _Name = "*"
    rule: _Name = "*"
    subject: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] = "*"
    owner: _Name = "*"
    severity: _Name = "*"


class _Ending(_Body):
    id: _Name
    actor: _Name


B = TypeVar("B", bound=_Body)


class Desk:
    """Carries out what is asked; a handler raises InboxError, one sentence, where that can't be."""

    def __init__(
        self,
        caseload: Caseload,
        ledger: Ledger,
        clock: Clock,
        never_muted: frozenset[str],
        others: Mapping[str, Handler] = MappingProxyType({}),
    ) -> None:
        """`never_muted` are rules that no silence speaks for, `others` handlers of other rooms by kind."""
        self._caseload = caseload
        self._ledger = ledger
        self._clock = clock
        self._never_muted = never_muted
        self._handlers: Mapping[str, Handler] = {
            **others,
            "ack": self._acknowledge,
            "snooze": self._snooze,
            "close": self._close,
            "silence": self._silence,
            "end_silence": self._end_silence,
            "coverage": self._coverage,
            "prune": self._prune,
        }

    async def serve(self, changed: Callable[[], None]) -> None:
        """Carry out what is asked, in order, each answered once, until cancelled; `changed` is called after each."""
        while True:
            await self._clock.sleep(INBOX_EVERY)
            with suppress(LedgerError):  # told by the engine; the requests wait
                for request in await self._ledger.inbox_pending(INBOX_PAGE):
                    if not await self._ledger.inbox_begin(request.id):
                        continue  # who asked did not want to wait any longer
                    answer = await self.carry_out(request)
                    await self._ledger.inbox_answer(request.id, answer, self._clock.now())
                    changed()

    async def carry_out(self, request: Request) -> Answer:
        """Do it, and say what came of it: `error` where it can't be done."""
        handler = self._handlers.get(request.kind)
        if handler is None:
            return {"error": f"this lnwatch does not know how to {request.kind}"}
        if (waited := self._clock.now() - request.at) > INBOX_PATIENCE:
            return {
                "error": f"it had waited for {duration(waited)} when lnwatch read it: ask again if it still matters"
            }
        try:
            return await handler(request)
        except (InboxError, LedgerError) as error:
            return {"error": str(error)}

    async def _acknowledge(self, request: Request) -> Answer:
        word = _read(_AboutCase, request)

        def apply(case: Case) -> Decision:
            if case.state is CaseState.ACKNOWLEDGED and (case.actor, case.note) == (word.actor, word.note):
                return Decision(case, Reason.ACKNOWLEDGED)
            return lifecycle.acknowledge(case, word.actor, word.note)

        return await self._change(word, apply)

    async def _snooze(self, request: Request) -> Answer:
        word = _read(_Snooze, request)

        def apply(case: Case) -> Decision:
            if case.state is CaseState.SNOOZED and (case.actor, case.snoozed_until) == (word.actor, word.until):
                return Decision(case, Reason.SNOOZED)
            return lifecycle.snooze(case, word.actor, word.note, word.until, self._clock.now())

        return {**await self._change(word, apply), "until": word.until}

    async def _close(self, request: Request) -> Answer:
        word = _read(_AboutCase, request)

        def apply(case: Case) -> Decision:
            if case.state is CaseState.CLOSED:
                return Decision(case, Reason.CLOSED_BY_HAND)
            return lifecycle.close(case, word.actor, word.note, self._clock.now())

        return await self._change(word, apply)

    async def _change(self, word: _AboutCase, apply: Apply) -> Answer:
        try:
            case = await self._caseload.change(word.fingerprint, apply, self._clock.now())
        except ValueError as error:
            raise InboxError(str(error)) from error
        if case is None:
            raise InboxError(f"site {word.site} has no open case {word.rule} {word.subject}: see `lnwatch cases`")
        return {"state": case.state.value, "opening": case.number}

    async def _silence(self, request: Request) -> Answer:
        asked = _read(_Silencing, request)
        now = self._clock.now()
        silence = Silence(id=request.id[:8], **asked.model_dump())
        if not silence.starts_at < silence.ends_at:
            raise InboxError(f"it ends ({moment(silence.ends_at)}) before it begins ({moment(silence.starts_at)})")
        if silence.ends_at <= now:
            raise InboxError(f"it has ended already, at {moment(silence.ends_at)}")
        if silence.rule in self._never_muted:
            raise InboxError(f"{silence.rule} is never muted: `lnwatch ack` or `lnwatch snooze` its case instead")
        overlapping = [each for each in self._caseload.silences(now) if _overlap(each, silence)]
        for other in overlapping:
            if _matchers(other) == _matchers(silence):
                raise InboxError(
                    f"it overlaps {other.kind} {other.id} of {other.author}, which speaks of the same from "
                    f"{moment(other.starts_at)} to {moment(other.ends_at)}: end that one first, or begin later"
                )
        await self._caseload.silence(silence, now)
        return {"id": silence.id, "overlaps": [each.id for each in overlapping]}

    async def _end_silence(self, request: Request) -> Answer:
        asked = _read(_Ending, request)
        now = self._clock.now()
        known = [each.id for each in self._caseload.silences(now)]
        matching = [identity for identity in known if identity.startswith(asked.id)]
        if len(matching) != 1:
            which = f"there is {listing(known)}" if known else "there is none at all"
            raise InboxError(f"no silence or maintenance window has the id {asked.id}; {which}")
        ended = await self._caseload.end_silence(matching[0], asked.actor, now)
        return {"id": matching[0], "ended": ended}

    async def _coverage(self, _request: Request) -> Answer:
        return {"coverage": [asdict(each) for each in self._caseload.coverage]}

    async def _prune(self, _request: Request) -> Answer:
        return {"removed": dict(await self._ledger.prune(self._clock.now()))}


def _read(kind: type[B], request: Request) -> B:
    try:
        return kind.model_validate(request.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "its body"
        raise InboxError(f"{request.kind}: {where}: {first['msg'][:1].lower()}{first['msg'][1:]}") from error


def _overlap(one: Silence, other: Silence) -> bool:
    return (
        one.id != other.id
        and one.kind is other.kind
        and one.starts_at < other.ends_at
        and other.starts_at < one.ends_at
    )


def _matchers(silence: Silence) -> tuple[str, ...]:
    return (silence.site, silence.rule, silence.subject, silence.owner, silence.severity)
