"""The bot: one message per case that is edited in place, changes as replies in its thread.

What must ring, an escalation or a reopening, is a fresh message, which takes the place of the first.
Edits come before the post of the same sending: they can be repeated, so that a message which is found
after a crash has all of its sending done.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from lnwatch.model.case import Transition
from lnwatch.model.message import Marking, Message, Notice, Receipt
from lnwatch.notify import DeliveryError, Desk, Failure
from lnwatch.notify._case import clean
from lnwatch.notify._format import change, render
from lnwatch.notify._identity import message_id
from lnwatch.notify._wire import Wire
from lnwatch.notify.slack.api import Api, Posted
from lnwatch.notify.slack.blocks import FALLBACK, blocks, escape, fallback
from lnwatch.notify.slack.errors import METADATA, NO_THREAD, NOT_EDITABLE, SlackError
from lnwatch.notify.slack.settings import SlackSettings

EVENT = "lnwatch_case_changed"
_FRESH = frozenset({Transition.OPENED, Transition.ESCALATED, Transition.REOPENED})
_PAGES = 3  # of the channel's history that are looked through
_PAGE = 100
_EARLIER = 60.0  # seconds before the change from which on its message is looked for
_MOST_EDITS = 40  # by one digest: Slack allows some 50 a minute
_EDITING = 20.0  # seconds for them


@dataclass(frozen=True, slots=True)
class Root:
    """Where a case stands in the channel. A `shared` one is a digest: it has a thread, but is not edited."""

    channel: str
    ts: str
    shared: bool = False

    @classmethod
    def parse(cls, reference: str | None) -> Self | None:
        """From a reference that we gave; None for what is none."""
        parts = (reference or "").split(":")
        return cls(parts[0], parts[1], parts[2:] == ["digest"]) if len(parts) in (2, 3) else None

    def __str__(self) -> str:
        """As it is kept."""
        return f"{self.channel}:{self.ts}{':digest' if self.shared else ''}"


class Bot:
    """One channel, written to as a bot."""

    def __init__(self, desk: Desk, settings: SlackSettings) -> None:
        self._desk = desk
        self._wire = Wire(desk.door)
        self._api = Api(self._wire, settings.api_url, settings.token())
        self._channel = settings.channel_id or ""

    async def send(self, message: Message) -> Receipt:
        """Tell. The reference is the message that now stands for the case. Raises DeliveryError."""
        if message.digest:
            return await self._tell_many(message)
        root = Root.parse(message.reference)
        if root is None:
            return await self._tell_fresh(message)
        fresh = message.notices[0].transition in _FRESH
        standing = root.shared or await self._edit(root, message, moved=fresh)
        if fresh or not standing:
            return await self._tell_fresh(message)
        return await self._reply(root, message)

    async def find(self, message: Message) -> str | None:
        """The message's own post, else None: also where the scope does not allow to look."""
        wanted = message_id(self._desk.deployment, message)
        root = Root.parse(message.reference)
        replied = root is not None and message.notices[0].transition not in _FRESH and not message.digest
        try:
            if root is not None and replied:
                found = await self._look("conversations.replies", wanted, message, {"ts": root.ts})
                if found is not None:
                    return str(root)
            found = await self._look("conversations.history", wanted, message, {})
        except DeliveryError:
            return None
        return None if found is None else str(Root(self._channel, found.ts, message.digest))

    async def close(self) -> None:
        """Let go of the connection."""
        await self._wire.close()

    async def _tell_fresh(self, message: Message) -> Receipt:
        return await self._post(message, _body(message))

    async def _reply(self, root: Root, message: Message) -> Receipt:
        said = change(message, named=root.shared)
        reply: dict[str, Any] = {"text": escape(said, FALLBACK), "thread_ts": root.ts}
        if message.notices[0].transition is Transition.AWOKE:
            reply["reply_broadcast"] = True  # a thread does not ring, and this one asked to be woken
        try:
            receipt = await self._post(message, reply)
        except SlackError as error:
            if error.error not in NO_THREAD:
                raise
            return await self._tell_fresh(message)
        return replace(receipt, reference=str(root))

    async def _tell_many(self, message: Message) -> Receipt:
        receipt = await self._post(message, _body(message))
        began = self._desk.clock.monotonic()
        for number, (root, notice) in enumerate(_standing(message)):
            if number >= _MOST_EDITS or self._desk.clock.monotonic() - began > _EDITING:
                break
            try:
                await self._edit(root, replace(message, notices=(notice,)), moved=False)
            except DeliveryError:
                break  # the digest has told it; what stands above it is only less up to date
        return receipt

    async def _post(self, message: Message, body: Mapping[str, Any]) -> Receipt:
        arguments = {"channel": self._channel, **body, "unfurl_links": False, "unfurl_media": False}
        try:
            said = await self._api.post("chat.postMessage", {**arguments, "metadata": self._metadata(message)})
        except SlackError as error:
            if error.error not in METADATA:
                raise
            said = await self._api.post("chat.postMessage", arguments)
        root = Root(self._channel, said.ts, message.digest)
        return Receipt(f"chat.postMessage: ok, ts {said.ts}", str(root))

    async def _edit(self, root: Root, message: Message, *, moved: bool) -> bool:
        """Bring the case's message up to date; whether it is still there to reply to."""
        plain = Marking.NONE if message.marking is Marking.POSSIBLE_REPEAT else message.marking
        body = _body(replace(message, marking=plain), moved=moved)  # the edit itself is the same however often
        try:
            await self._api.post("chat.update", {"channel": root.channel, "ts": root.ts, **body})
        except SlackError as error:
            if error.error in NO_THREAD:
                return False
            if error.error not in NOT_EDITABLE:
                raise
        return True

    def _metadata(self, message: Message) -> dict[str, Any]:
        notice = clean(message.notices[0])
        named = notice.fingerprint
        case = {"site": named.site, "rule": named.rule, "subject": named.subject, "number": notice.number}
        change_of = {"transition": notice.transition.value, "transition_number": notice.transition_number}
        payload = {"id": message_id(self._desk.deployment, message), "cases": len(message.notices)}
        return {"event_type": EVENT, "event_payload": payload if message.digest else {**payload, **case, **change_of}}

    async def _look(
        self, method: str, wanted: str, message: Message, arguments: Mapping[str, str | int]
    ) -> Posted | None:
        oldest = min(notice.at for notice in message.notices) - _EARLIER
        asked = {**arguments, "channel": self._channel, "oldest": f"{oldest:.6f}", "limit": _PAGE}
        asked["include_all_metadata"] = "true"
        for _ in range(_PAGES):
            said = await self._api.get(method, asked)
            for posted in said.messages:
                if posted.metadata.event_type == EVENT and posted.metadata.event_payload.get("id") == wanted:
                    return posted
            if not said.response_metadata.next_cursor:
                return None
            asked["cursor"] = said.response_metadata.next_cursor
        raise DeliveryError(Failure.RATE_LIMITED, "the channel's history is too long to look through")


def _body(message: Message, *, moved: bool = False) -> dict[str, Any]:
    text = render(message)
    if moved:
        named = message.notices[0].fingerprint
        title = f"{named.rule} at {named.site} goes on in a newer message"
        text = replace(text, icon="⏬", title=title, facts=())
    return {"text": fallback(text), "blocks": blocks(text)}


def _standing(message: Message) -> Iterator[tuple[Root, Notice]]:
    """The messages of their own that cases of a digest have, each with the newest notice of its case."""
    newest = {
        notice.fingerprint: (Root.parse(reference), notice)
        for notice, reference in zip(message.notices, message.references, strict=False)
    }
    for root, notice in newest.values():
        if root is not None and not root.shared:
            yield root, notice
