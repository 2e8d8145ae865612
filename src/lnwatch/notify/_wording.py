"""Words of one's own for a message: text with named fields in braces, checked when the configuration is read."""

from difflib import get_close_matches
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator

from lnwatch.fields import Settings
from lnwatch.model.message import Marking, Message, case_url, runbook_url
from lnwatch.notify._case import clean
from lnwatch.notify._text import Text, cut, plain

_TITLE = 250  # characters
FIELDS = ("icon", "title", "sentence", "site", "rule", "subject", "severity", "owner", "state", "runbook", "case")


def _checked(value: str) -> str:
    """Refuse what could not be filled in: a field is one of the list, without format, index or attribute."""
    try:
        parts = list(Formatter().parse(value))
    except ValueError as error:
        raise ValueError("each `{` needs its `}`; a brace of the text itself is written twice") from error
    for _, name, form, conversion in parts:
        written = f"{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
        if name is not None and written not in FIELDS:
            close = get_close_matches(written, FIELDS, n=1, cutoff=0.6)
            listed = f"did you mean `{{{close[0]}}}`?" if close else f"there is {_listed()}"
            raise ValueError(f"it has no field `{{{written}}}`: {listed}")
    return value


def _listed() -> str:
    return ", ".join(f"`{{{field}}}`" for field in FIELDS)


class Wording(Settings):
    """What a channel says of one case, where it is not the usual; many in one message keep the usual words."""

    title: Annotated[str, AfterValidator(_checked)] | None = None
    text: Annotated[str, AfterValidator(_checked)] | None = None

    def words(self, message: Message, said: Text, title: str, limit: int) -> tuple[str, str]:
        """Title and text of at most `limit` characters; `title` is the usual one. What is special stays said."""
        usual = plain(said, limit)
        if message.digest:
            return title, usual
        fields = _fields(message, said)
        if self.title is not None:
            test = "TEST " if message.marking is Marking.TEST else ""
            title = cut(f"{test}{' '.join(self.title.format_map(fields).split())}", _TITLE)
        if self.text is None:
            return title, usual
        warning = f"{said.warning}\n" if said.warning else ""
        return title, cut(f"{warning}{self.text.format_map(fields)}", limit)


def _fields(message: Message, said: Text) -> dict[str, str]:
    notice = clean(message.notices[0])
    named = notice.fingerprint
    return {
        "icon": said.icon,
        "title": said.title,
        "sentence": said.sentence,
        "site": named.site,
        "rule": named.rule,
        "subject": named.subject,
        "severity": notice.severity.value,
        "owner": notice.owner.value,
        "state": notice.state.value,
        "runbook": runbook_url(message.link_base, named.rule),
        "case": case_url(message.link_base, named),
    }
