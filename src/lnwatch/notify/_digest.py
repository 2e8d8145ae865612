"""Many cases as one message: the root first, then counts by rule and severity, the worst on top.

Only what is shown is cleaned: covering the secrets of hundreds of cases would hold up everything else.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from lnwatch.domain.wording import count, listing, moment
from lnwatch.model.case import Transition
from lnwatch.model.message import Notice, runbook_url
from lnwatch.notify._case import ENDED, ICONS, RUNBOOK, icon, line
from lnwatch.notify._text import Text

MOST_LINES = 12
_SHOWN = 3  # subjects of a kind
_SUBJECT = 40  # characters
_CASE = re.compile(r"([a-z][a-z0-9_]*) [a-z]+:\S+")  # how a root is named: its rule and its subject
_GOOD_NEWS = (Transition.RESOLVED, Transition.CLOSED)
_Group = tuple[bool, int, str, str]


def describe(notices: Sequence[Notice], link_base: str) -> Text:
    """The newest notice of each case in one text, without secrets."""
    newest = list({notice.fingerprint: notice for notice in notices}.values())
    groups = _groups(newest)
    root = _root(newest)
    leading = next((group for group in groups if root.startswith(f"{group[2]} ")), next(iter(groups)))
    ordered = [leading, *(group for group in groups if group != leading)]
    lines = [_counted(group, groups[group]) for group in ordered[:MOST_LINES]]
    if len(ordered) > MOST_LINES:
        rest = sum(len(groups[group]) for group in ordered[MOST_LINES:])
        lines.append(f"… and {count(rest, 'more case')} of {count(len(ordered) - MOST_LINES, 'other kind')}")
    sites = line(listing(sorted({notice.fingerprint.site for notice in newest})))
    changes = ", ".join(f"{number} {word}" for word, number in _changes(newest).items())
    return Text(
        icon=_icon(newest),
        title=f"{count(len(newest), 'case')} at {sites}: {changes}",
        sentence=f"Most of it comes from {line(root)}." if root else line(groups[leading][0].sentence),
        lines=tuple(lines),
        links=((RUNBOOK, runbook_url(link_base, _rule(root) or line(leading[2]))), ("Status", f"{link_base}/")),
    )


def _groups(notices: Iterable[Notice]) -> dict[_Group, list[Notice]]:
    """By what became of them, severity and rule; what is still so and worst comes first, the most frequent of that."""
    found: dict[_Group, list[Notice]] = {}
    for notice in notices:
        ended = notice.state in ENDED
        key = (ended, -notice.severity.rank, notice.fingerprint.rule, notice.transition.value)
        found.setdefault(key, []).append(notice)
    return dict(sorted(found.items(), key=lambda item: (item[0][:2], -len(item[1]), item[0])))


def _counted(group: _Group, notices: Sequence[Notice]) -> str:
    _, _, rule, transition = group
    shown = [_short(line(notice.fingerprint.subject)) for notice in notices[:_SHOWN]]
    subjects = listing([*shown, *("" for _ in notices[_SHOWN:])], _SHOWN)
    severity = "" if notices[0].state in ENDED else f"{notices[0].severity.upper()} "
    many = f"{len(notices)}x " if len(notices) > 1 else ""
    return f"{icon(notices[0])} {many}{severity}{line(rule)}, {transition}: {subjects}{_span(notices)}"


def _span(notices: Sequence[Notice]) -> str:
    """From when to when those lasted that have ended; this may be all that was ever told of them."""
    ends = [notice.ended_at for notice in notices if notice.ended_at is not None and notice.state in ENDED]
    if not ends:
        return ""
    begun = min(notice.found_at if notice.opened_at is None else notice.opened_at for notice in notices)
    return f" (from {moment(begun)} to {moment(max(ends))})"


def _short(subject: str) -> str:
    """A subject with a long id inside, still to be told from the others."""
    return subject if len(subject) <= _SUBJECT else f"{subject[:20]}…{subject[-10:]}"


def _root(notices: Iterable[Notice]) -> str:
    """What most of the still open ones name as their root."""
    named = Counter(notice.root for notice in notices if notice.root and notice.state not in ENDED)
    return named.most_common(1)[0][0] if named else ""


def _rule(root: str) -> str:
    named = _CASE.fullmatch(root)
    return named[1] if named else ""


def _changes(notices: Iterable[Notice]) -> dict[str, int]:
    counted = Counter(notice.transition for notice in notices)
    ordered = sorted(counted, key=lambda each: (each in _GOOD_NEWS, -counted[each], each.value))
    return {each.value: counted[each] for each in ordered}


def _icon(notices: Sequence[Notice]) -> str:
    living = [notice.severity for notice in notices if notice.state not in ENDED]
    return ICONS[max(living, key=lambda severity: severity.rank)] if living else "✅"
