"""Slack: as a bot with one message per case, or through an incoming webhook as the simple form."""

from lnwatch.notify import Desk, Notifier, NotifierKind
from lnwatch.notify.slack.bot import Bot
from lnwatch.notify.slack.hook import Hook
from lnwatch.notify.slack.settings import SlackSettings

__all__ = ["NOTIFIER", "SlackSettings", "open_channel"]


def open_channel(desk: Desk, settings: SlackSettings) -> Notifier:
    """The form that the settings ask for."""
    return Bot(desk, settings) if settings.channel_id is not None else Hook(desk, settings)


# Slack allows one message a second and channel, with short bursts.
NOTIFIER = NotifierKind(kind="slack", settings=SlackSettings, open=open_channel, per_minute=60, burst=3)
