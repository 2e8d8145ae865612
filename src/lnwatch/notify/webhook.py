"""A signed webhook: JSON of our own, for whatever a merchant builds behind it.

A request is a POST with these headers, all of them about exactly the bytes of its body:

    Lnwatch-Delivery   64 hex digits, the same over retries: what was seen already may be dropped
    Lnwatch-Timestamp  when it was signed, Unix seconds
    Lnwatch-Signature  v1=HEX, the HMAC-SHA256 under the secret over TIMESTAMP.BODY

and this body, to which later versions only add:

    {"version": 1, "id": as the header, "deployment": "…", "channel": "…", "sent_at": 1700000000.0,
     "marking": "none" | "test" | "possible_repeat",
     "title": "…", "text": "…",
     "missed": null | "opened" | "reopened" | "escalated": what could not be told before it had ended,
     "cases": [{"id": 64 hex digits of this change, "site", "rule", "subject", "number", "transition_number",
                "transition", "state", "severity", "owner", "sentence", "facts": {…}, "at", "found_at",
                "opened_at", "ended_at", "until", "actor", "note", "root", "runbook_url", "case_url"}, …]}

Times are Unix seconds or null; `title` and `text` are in the channel's own words where it has some. Any 2xx is
a receipt; redirects are refused.
"""

import asyncio
import hashlib
import hmac
import json
from typing import Annotated, Any, Self

from pydantic import AfterValidator, SecretStr, model_validator

from lnwatch.clock import Clock
from lnwatch.credentials import Credential
from lnwatch.fields import FilePath
from lnwatch.model.message import Message, Notice, Receipt, case_url, runbook_url
from lnwatch.notify import Desk, NotifierKind
from lnwatch.notify._case import clean
from lnwatch.notify._format import render
from lnwatch.notify._identity import message_id, notice_id
from lnwatch.notify._wire import Wire, checked_url, secret_text, secret_url, status_failure
from lnwatch.notify._wording import Wording

VERSION = 1
_TEXT = 10_000  # characters
_SHORTEST_SECRET = 16


def _secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().strip()) < _SHORTEST_SECRET:
        raise ValueError(f"a secret has at least {_SHORTEST_SECRET} characters: `openssl rand -hex 32` makes one")
    return value


class WebhookSettings(Wording):
    """One receiver: `url` or `url_file`, and the secret that it shares with us, `secret` or `secret_file`."""

    url: Annotated[SecretStr | None, AfterValidator(checked_url)] = None
    url_file: FilePath | None = None
    secret: Annotated[SecretStr, AfterValidator(_secret)] | None = None
    secret_file: FilePath | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        for name in ("url", "secret"):
            if (getattr(self, name) is None) == (getattr(self, f"{name}_file") is None):
                raise ValueError(f"set exactly one of `{name}` and `{name}_file`")
        return self


class Webhook:
    """One receiver."""

    def __init__(self, desk: Desk, settings: WebhookSettings) -> None:
        self._deployment = desk.deployment
        self._clock: Clock = desk.clock
        self._wording: Wording = settings
        self._url = Credential(settings.url, settings.url_file)
        self._secret = Credential(settings.secret, settings.secret_file)
        self._wire = Wire(desk.door)

    async def send(self, message: Message) -> Receipt:
        """Tell. Raises DeliveryError."""
        url = secret_url(self._url, "the webhook's address")
        secret = secret_text(self._secret, "the webhook's secret")
        now = self._clock.now()
        body = await asyncio.to_thread(self._encoded, message, now)  # hundreds of cases take their time
        headers = {
            "Content-Type": "application/json",
            "Lnwatch-Delivery": message_id(self._deployment, message),
            "Lnwatch-Timestamp": str(int(now)),
            "Lnwatch-Signature": sign(secret, int(now), body),
        }
        answer = await self._wire.post(url, body, headers)
        if not 200 <= answer.status < 300:
            raise status_failure(answer)
        return Receipt(f"HTTP {answer.status}")

    async def find(self, message: Message) -> str | None:  # noqa: ARG002 - the contract's argument
        """Nothing: a webhook can't be asked."""
        return None

    async def close(self) -> None:
        """Let go of the connection."""
        await self._wire.close()

    def _encoded(self, message: Message, now: float) -> bytes:
        return json.dumps(self._body(message, now), ensure_ascii=False).encode()

    def _body(self, message: Message, now: float) -> dict[str, Any]:
        said = render(message)
        title, text = self._wording.words(message, said, said.title, _TEXT)
        return {
            "version": VERSION,
            "id": message_id(self._deployment, message),
            "deployment": self._deployment,
            "channel": message.channel,
            "sent_at": now,
            "marking": message.marking.value,
            "title": title,
            "text": text,
            "missed": message.missed,
            "cases": [self._case(notice, message.link_base) for notice in message.notices],
        }

    def _case(self, notice: Notice, link_base: str) -> dict[str, Any]:
        shown = clean(notice)
        named = shown.fingerprint
        return {
            "id": notice_id(self._deployment, notice),
            "site": named.site,
            "rule": named.rule,
            "subject": named.subject,
            "number": shown.number,
            "transition_number": shown.transition_number,
            "transition": shown.transition.value,
            "state": shown.state.value,
            "severity": shown.severity.value,
            "owner": shown.owner.value,
            "sentence": shown.sentence,
            "facts": dict(shown.facts),
            "at": shown.at,
            "found_at": shown.found_at,
            "opened_at": shown.opened_at,
            "ended_at": shown.ended_at,
            "until": shown.until,
            "actor": shown.actor,
            "note": shown.note,
            "root": shown.root,
            "runbook_url": runbook_url(link_base, named.rule),
            "case_url": case_url(link_base, named),
        }


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The header's value: `v1=` and the HMAC-SHA256 over `TIMESTAMP.BODY`, in hex."""
    signed = f"{timestamp}.".encode() + body
    return f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


NOTIFIER = NotifierKind(kind="webhook", settings=WebhookSettings, open=Webhook, per_minute=120, burst=20)
