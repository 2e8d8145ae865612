"""What people ask of the executor through the inbox: each request a body, each answer for people and programs."""

from collections.abc import Awaitable, Callable, Mapping

from lnwatch.domain.book import Book
from lnwatch.domain.documents import document, standing_document
from lnwatch.errors import InboxError
from lnwatch.executor.executor import OWN_SITE, Deeds, Executor
from lnwatch.model.action import Approval, KillSwitch, ProposalRecord, ProposalState, Rejection
from lnwatch.store import Request

Body = Mapping[str, object]
Handler = Callable[[Request], Awaitable[Body]]


class Requests:
    """By kind: `approve` {proposal, digest, actor, note}, `reject` {proposal, actor, note}, `kill_switch` {on, actor,
    note}, `proposals` {}. A refusal is an InboxError, in one sentence."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.handlers: Mapping[str, Handler] = {
            "approve": lambda request: self.approve(request.body),
            "reject": lambda request: self.reject(request.body),
            "kill_switch": lambda request: self.kill_switch(request.body),
            "proposals": lambda _: self.proposals(),
        }

    async def approve(self, body: Body) -> Body:
        """Take a person's yes to exactly what has this digest."""
        identity, actor = _text(body, "proposal"), _text(body, "actor")
        approval = Approval(actor, _text(body, "digest"), _text(body, "note", required=False))

        def decide(book: Book, _: float) -> Deeds:
            record = _open(book, identity)
            if record.proposal.digest != approval.digest:
                raise InboxError(f"proposal {identity} is not what was approved: look at it again")
            return [(identity, approval)]

        await self._store(identity, decide)
        return self._answer(identity)

    async def reject(self, body: Body) -> Body:
        """Take a person's no."""
        identity = _text(body, "proposal")
        rejection = Rejection(_text(body, "actor"), _text(body, "note"))
        await self._store(identity, lambda book, _: [(_open(book, identity).id, rejection)])
        return self._answer(identity)

    async def kill_switch(self, body: Body) -> Body:
        """Stop everything, or let it go on."""
        on = body.get("on")
        if not isinstance(on, bool):
            raise InboxError("the kill switch is put on or off: `on` must be true or false")
        switch = KillSwitch(on, _text(body, "actor"), _text(body, "note", required=False))

        def decide(book: Book, _: float) -> Deeds:
            return [("", switch)] if book.kill_switch.on is not on else []

        changed = await self._executor.store(OWN_SITE, decide)
        stands = self._executor.standing()
        if stands.trouble:
            raise InboxError(stands.trouble)
        if stands.kill_switch.on is not on:
            raise InboxError("the kill switch was not moved: somebody else did so just now")
        return {"on": on, "changed": changed, "actor": stands.kill_switch.actor, "note": stands.kill_switch.note}

    async def proposals(self) -> Body:
        """All that stands, as JSON."""
        return standing_document(self._executor.standing())

    async def _store(self, identity: str, decide: Callable[[Book, float], Deeds]) -> None:
        stored = await self._executor.store(self._site_of(identity), decide)
        if not stored:
            raise InboxError(self._executor.standing().trouble or "the journal was busy: try again")

    def _site_of(self, identity: str) -> str:
        record = self._executor.book.records.get(identity)
        if record is None:
            raise _not_found(identity)
        return record.proposal.site

    def _answer(self, identity: str) -> Body:
        view = next(each for each in self._executor.standing().proposals if each.record.id == identity)
        return document(view.record, view)


def _open(book: Book, identity: str) -> ProposalRecord:
    record = book.records.get(identity)
    if record is None:
        raise _not_found(identity)
    if record.state is not ProposalState.PROPOSED:
        raise InboxError(f"proposal {identity} is {record.state}: it can't be approved or rejected any more")
    return record


def _not_found(identity: str) -> InboxError:
    return InboxError(f"there is no proposal `{identity}`; `lnwatch proposals` lists those that there are")


def _text(body: Body, name: str, *, required: bool = True) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or (required and not value.strip()):
        raise InboxError(f"`{name}` must be given")
    return value.strip()
