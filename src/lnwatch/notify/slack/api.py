"""Slack's Web API as far as we use it; its answers may be HTTP 200 and still be refusals."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from lnwatch.credentials import Credential
from lnwatch.net import Answer
from lnwatch.notify import DeliveryError, Failure
from lnwatch.notify._wire import Wire, secret_text, status_failure
from lnwatch.notify.slack.errors import refusal


class _Metadata(BaseModel):
    event_type: str = ""
    event_payload: Mapping[str, Any] = Field(default_factory=dict)


class Posted(BaseModel):
    """A message as `conversations.history` and `conversations.replies` give it."""

    ts: str = ""
    metadata: _Metadata = Field(default_factory=_Metadata)


class _More(BaseModel):
    next_cursor: str = ""
    messages: tuple[str, ...] = ()


class Said(BaseModel):
    """An answer of the Web API."""

    ok: bool
    error: str = ""
    ts: str = ""
    messages: tuple[Posted, ...] = ()
    response_metadata: _More = Field(default_factory=_More)


@dataclass(slots=True)
class Api:
    """One token's access. Every call raises DeliveryError, SlackError where Slack itself refused."""

    wire: Wire
    base_url: str
    token: Credential = field(repr=False)

    async def post(self, method: str, arguments: Mapping[str, Any]) -> Said:
        """Call a method that changes something."""
        body = json.dumps(arguments, ensure_ascii=False).encode()
        headers = {**self._authorization(), "Content-Type": "application/json; charset=utf-8"}
        return _read(await self.wire.post(f"{self.base_url}/{method}", body, headers))

    async def get(self, method: str, arguments: Mapping[str, str | int]) -> Said:
        """Call a method that only reads."""
        return _read(await self.wire.get(f"{self.base_url}/{method}", self._authorization(), arguments))

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret_text(self.token, 'the token of the Slack app')}"}


def _read(answer: Answer) -> Said:
    try:
        said = Said.model_validate_json(answer.body)
    except ValidationError as error:
        if answer.status == 200:
            message = f"{answer.where} gave an answer that is not Slack's: look at `api_url`"
            raise DeliveryError(Failure.SERVER, message) from error
        raise status_failure(answer) from error
    if not said.ok:
        raise refusal(answer, said.error, said.response_metadata.messages)
    return said
