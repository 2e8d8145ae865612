"""The block of the configuration that describes one channel of Slack."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr, model_validator

from lnwatch.credentials import Credential
from lnwatch.fields import FilePath, Settings
from lnwatch.notify._wire import checked_url, is_url

_CHANNEL = re.compile(r"[CGD][A-Z0-9]{7,20}")
_HOOK = ("webhook_url", "webhook_url_file")
_BOT = ("bot_token", "bot_token_file")


def _channel(value: str) -> str:
    if not _CHANNEL.fullmatch(value):
        raise ValueError("write the channel's id, such as `C0123456789`: it stands last in the channel's details")
    return value


def _token(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip().startswith("xox"):
        raise ValueError("a bot's token begins with `xoxb-`")
    return value


def _api(value: str) -> str:
    if not is_url(value):
        raise ValueError("write an absolute address: `https://slack.com/api`")
    return value.rstrip("/")


class SlackSettings(Settings):
    """One channel: a bot (`bot_token` or `bot_token_file`, with `channel_id`) or an incoming webhook.

    The bot needs the scope `chat:write`; with `channels:history` (`groups:history` for a private channel)
    it can look up after a crash what it had sent. `api_url` is for GovSlack and for tests.
    """

    webhook_url: Annotated[SecretStr | None, AfterValidator(checked_url)] = None
    webhook_url_file: FilePath | None = None
    bot_token: Annotated[SecretStr, AfterValidator(_token)] | None = None
    bot_token_file: FilePath | None = None
    channel_id: Annotated[str, AfterValidator(_channel)] | None = None
    api_url: Annotated[str, AfterValidator(_api)] = "https://slack.com/api"

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        hooks, bots = (tuple(name for name in names if getattr(self, name) is not None) for names in (_HOOK, _BOT))
        if len(hooks) + len(bots) != 1:
            raise ValueError(
                "set exactly one of `webhook_url`, `webhook_url_file`, `bot_token` and `bot_token_file`; "
                "a bot's token goes with `channel_id`"
            )
        if bool(bots) != (self.channel_id is not None):
            raise ValueError("`channel_id` goes with a bot's token: a webhook knows its channel, a bot does not")
        return self

    def webhook(self) -> Credential:
        """Where the simple form posts to."""
        return Credential(self.webhook_url, self.webhook_url_file)

    def token(self) -> Credential:
        """What the bot shows."""
        return Credential(self.bot_token, self.bot_token_file)
