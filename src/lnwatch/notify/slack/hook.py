"""The incoming webhook: every change is a message of its own, nothing can be edited or looked up."""

import json

from lnwatch.model.message import Message, Receipt
from lnwatch.notify import Desk
from lnwatch.notify._format import render
from lnwatch.notify._wire import Wire, secret_url, status_failure
from lnwatch.notify.slack.blocks import blocks, fallback
from lnwatch.notify.slack.errors import refusal
from lnwatch.notify.slack.settings import SlackSettings

_WORD = 80  # characters that one of Slack's error words has at most


class Hook:
    """One webhook, which belongs to one channel."""

    def __init__(self, desk: Desk, settings: SlackSettings) -> None:
        self._wire = Wire(desk.door)
        self._url = settings.webhook()

    async def send(self, message: Message) -> Receipt:
        """Tell. Raises DeliveryError."""
        text = render(message)
        body = {"text": fallback(text), "blocks": blocks(text), "unfurl_links": False, "unfurl_media": False}
        url = secret_url(self._url, "the webhook's address")
        encoded = json.dumps(body, ensure_ascii=False).encode()
        answer = await self._wire.post(url, encoded, {"Content-Type": "application/json; charset=utf-8"})
        said = answer.body[: _WORD + 1].decode(errors="replace").strip()
        if answer.status == 200 and said == "ok":
            return Receipt("webhook: ok")
        if answer.status in (200, 400, 403, 404, 410) and said and said.replace("_", "").isalnum():
            raise refusal(answer, said)
        raise status_failure(answer)

    async def find(self, message: Message) -> str | None:  # noqa: ARG002 - the contract's argument
        """Nothing: a webhook can't be asked."""
        return None

    async def close(self) -> None:
        """Let go of the connection."""
        await self._wire.close()
