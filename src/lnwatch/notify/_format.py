"""A Message as words that every service shares: who, what, since when and what to do; pure, and without secrets."""

from dataclasses import replace

from lnwatch.model.message import Marking, Message
from lnwatch.notify import _case, _digest
from lnwatch.notify._text import Text, cut, fit, plain

__all__ = ["Text", "change", "cut", "fit", "plain", "render"]

_WARNINGS = {
    Marking.NONE: "",
    Marking.TEST: "This is a test of the channel: nothing is wrong, nothing has to be done.",
    Marking.POSSIBLE_REPEAT: "You may have had this already: lnwatch could not note whether it was sent.",
}


def render(message: Message) -> Text:
    """The whole message: of one notice the case as it stands, of many a digest."""
    if message.digest:
        text = _digest.describe(message.notices, message.link_base)
    else:
        text = _case.describe(_case.clean(message.notices[0]), message.link_base, message.missed)
    prefix = "TEST " if message.marking is Marking.TEST else ""
    return replace(text, title=f"{prefix}{text.title}", warning=_WARNINGS[message.marking])


def change(message: Message, *, named: bool = False) -> str:
    """What changed, for those who have the case before their eyes; `named` says of which of many."""
    notice = _case.clean(message.notices[0])
    case = f"{notice.fingerprint.rule} {notice.fingerprint.subject} at {notice.fingerprint.site}: " if named else ""
    warning = f" ({_WARNINGS[message.marking]})" if _WARNINGS[message.marking] else ""
    return f"{case}{_case.change(notice, message.missed)}{warning}"
