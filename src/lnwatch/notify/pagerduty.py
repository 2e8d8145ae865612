"""PagerDuty, Events API v2: trigger, acknowledge and resolve, tied together by a key that stays the same."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, SecretStr, ValidationError, model_validator

from lnwatch.credentials import Credential
from lnwatch.fields import FilePath, Settings
from lnwatch.model.case import Transition
from lnwatch.model.message import Marking, Message, Receipt
from lnwatch.net import Answer
from lnwatch.notify import NOTHING_TO_TELL, DeliveryError, Desk, Failure, NotifierKind
from lnwatch.notify._format import Text, cut, fit, render
from lnwatch.notify._identity import case_id
from lnwatch.notify._wire import Wire, is_url, secret_text, status_failure
from lnwatch.redaction import redact

SUMMARY = 1_024  # characters
BODY = 500_000  # bytes; PagerDuty takes 512 KB
_KEY = re.compile(r"[0-9A-Za-z]{32}")
_REGIONS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
# A trigger under the key of an open incident is put down in it, and rings nobody anew.
_ACTIONS = {
    Transition.OPENED: "trigger",
    Transition.REOPENED: "trigger",
    Transition.ESCALATED: "trigger",
    Transition.CHANGED: "trigger",
    Transition.ACKNOWLEDGED: "acknowledge",
    Transition.RESOLVED: "resolve",
    Transition.CLOSED: "resolve",
}


def _routing_key(value: SecretStr) -> SecretStr:
    if not _KEY.fullmatch(value.get_secret_value().strip()):
        raise ValueError("a routing key is the 32 characters of an Events API v2 integration")
    return value


def _base(value: str) -> str:
    if not is_url(value):
        raise ValueError("write an absolute address: `https://events.pagerduty.com`")
    return value.rstrip("/")


class PagerDutySettings(Settings):
    """One service of PagerDuty: its integration's key, and where the account lives.

    `url` takes the place of `region`, for a relay within the house.
    """

    routing_key: Annotated[SecretStr, AfterValidator(_routing_key)] | None = None
    routing_key_file: FilePath | None = None
    region: Literal["us", "eu"] = "us"
    url: Annotated[str, AfterValidator(_base)] | None = None

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if (self.routing_key is None) == (self.routing_key_file is None):
            raise ValueError("set exactly one of `routing_key_file` and `routing_key`")
        return self

    @property
    def address(self) -> str:
        """Where events go."""
        return f"{self.url or _REGIONS[self.region]}/v2/enqueue"


class _Said(BaseModel):
    status: str = ""
    message: str = ""
    errors: tuple[str, ...] = ()


class PagerDuty:
    """One integration."""

    def __init__(self, desk: Desk, settings: PagerDutySettings) -> None:
        self._deployment = desk.deployment
        self._address = settings.address
        self._key = Credential(settings.routing_key, settings.routing_key_file)
        self._wire = Wire(desk.door)

    async def send(self, message: Message) -> Receipt:
        """Tell what PagerDuty has a word for, each case as an event of its own. Raises DeliveryError."""
        receipt = NOTHING_TO_TELL
        for notice in message.notices:
            single = Message(message.channel, (notice,), message.link_base, message.marking)
            action = _ACTIONS.get(notice.transition)
            if action is not None:
                receipt = await self._enqueue(self._event(action, single))
        if message.marking is Marking.TEST:
            # Nobody is left with an incident about nothing.
            await self._enqueue(self._event("resolve", message))
        return receipt

    async def find(self, message: Message) -> str | None:  # noqa: ARG002 - the contract's argument
        """Nothing: repeating is harmless, for the key is the same."""
        return None

    async def close(self) -> None:
        """Let go of the connection."""
        await self._wire.close()

    def _event(self, action: str, message: Message) -> dict[str, Any]:
        notice = message.notices[0]
        key = case_id(self._deployment, notice.fingerprint)
        event: dict[str, Any] = {"event_action": action, "dedup_key": key}
        if message.marking is Marking.TEST:
            event["dedup_key"] = f"test-{key}"
        if action != "trigger":
            return event
        text = fit(render(message), BODY, lambda tried: len(_encode(_trigger(message, tried))))
        return {**event, **_trigger(message, text)}

    async def _enqueue(self, event: Mapping[str, Any]) -> Receipt:
        key = secret_text(self._key, "the routing key")
        answer = await self._wire.post(
            self._address, _encode({**event, "routing_key": key}), {"Content-Type": "application/json"}
        )
        said = _read(answer)
        if answer.status != 202 or said.status != "success":
            raise _failure(answer, said)
        return Receipt(f"{event['event_action']}: {redact(said.message) or 'accepted'}")


def _trigger(message: Message, text: Text) -> dict[str, Any]:
    notice = message.notices[0]
    severity = "info" if message.marking is Marking.TEST else notice.severity.value
    begun = notice.opened_at if notice.opened_at is not None else notice.found_at
    named = notice.fingerprint
    links = [{"href": url, "text": label} for label, url in text.links]
    details = {**dict(text.facts), "what": text.sentence, "about": "\n".join(text.lines)}
    if text.warning:
        details["note"] = text.warning
    payload = {
        "summary": cut(f"{text.title}: {text.sentence}", SUMMARY),
        "source": redact(named.site),
        "severity": severity,
        "timestamp": datetime.fromtimestamp(begun, UTC).isoformat(timespec="milliseconds"),
        "component": redact(named.subject),
        "group": redact(named.site),
        "class": redact(named.rule),
        "custom_details": details,
    }
    return {"payload": payload, "client": "lnwatch", "client_url": text.links[-1][1], "links": links}


def _encode(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def _read(answer: Answer) -> _Said:
    try:
        return _Said.model_validate_json(answer.body)
    except ValidationError:
        return _Said()


def _failure(answer: Answer, said: _Said) -> DeliveryError:
    words = cut(redact(" ".join(filter(None, (said.message, *said.errors)))), 300)
    if 200 <= answer.status < 300:
        message = f"{answer.where} gave an answer that is not PagerDuty's (HTTP {answer.status}): look at `url`"
        return DeliveryError(Failure.SERVER, message)
    if answer.status == 400 and "routing" in words.lower():
        return DeliveryError(Failure.REJECTED, f"{answer.where} does not accept the routing key: {words}")
    return status_failure(answer, words)


# The documented limit of an integration moves; 120 a minute is what it is said to bear.
NOTIFIER = NotifierKind(
    kind="pagerduty",
    settings=PagerDutySettings,
    open=PagerDuty,
    per_minute=100,
    burst=20,
    batches=False,
    calls=True,
    idempotent=True,
)
