"""What notifiers are given in tests, and what comes of their sendings."""

from collections.abc import Mapping
from typing import Any

import pytest

from lnwatch.model.message import Message
from lnwatch.net import Door
from lnwatch.notify import DeliveryError, Desk, Notifier, NotifierKind
from tests.manual_clock import ManualClock

DEPLOYMENT = "shop"


def opened(kind: NotifierKind[Any], settings: Mapping[str, object], clock: ManualClock) -> Notifier:
    """A notifier of the channel `ops`, with settings as they stand in the file."""
    return kind.open(Desk("ops", clock, Door(clock=clock), DEPLOYMENT), kind.settings.model_validate(settings))


async def failure(notifier: Notifier, sent: Message) -> DeliveryError:
    """Why it was not taken."""
    with pytest.raises(DeliveryError) as caught:
        await notifier.send(sent)
    return caught.value
