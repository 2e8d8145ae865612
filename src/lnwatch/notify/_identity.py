"""Names that stay the same over restarts, replicas and retries: of a case, of a notice, of a whole message."""

import hashlib
import json

from lnwatch.model.case import Fingerprint
from lnwatch.model.message import Message, Notice


def case_id(deployment: str, fingerprint: Fingerprint) -> str:
    """64 hex digits for one case of one installation, whatever its opening: an incident's dedup key."""
    return _digest(deployment, fingerprint.site, fingerprint.rule, fingerprint.subject)


def notice_id(deployment: str, notice: Notice) -> str:
    """64 hex digits for one change of one opening of a case."""
    named = notice.fingerprint
    return _digest(deployment, named.site, named.rule, named.subject, notice.number, notice.transition_number)


def message_id(deployment: str, message: Message) -> str:
    """The id of its notice; of a digest that of the set of its notices, in whatever order."""
    ids = sorted(notice_id(deployment, notice) for notice in message.notices)
    return _digest("digest", *ids) if message.digest else ids[0]


def _digest(*parts: str | int) -> str:
    # As JSON, so that no part can run into the next.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
