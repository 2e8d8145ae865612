"""How people name a case, and themselves."""

import os
import pwd
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from lnwatch.config.nearest import nearest
from lnwatch.domain.wording import listing
from lnwatch.errors import InboxError
from lnwatch.model.case import Case, Fingerprint, short_id

CaseName = Annotated[
    list[str],
    typer.Argument(
        metavar="CASE",
        help="Its ID as `lnwatch cases` shows it, or SITE/RULE/SUBJECT, or RULE SUBJECT.",
        show_default=False,
    ),
]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who you are; otherwise the user who runs this.")]


def own_name() -> str:
    """The user who types: the one behind `sudo`, else the one that we run as."""
    behind = os.environ.get("SUDO_USER")
    if behind:
        return behind
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container knows its user by number alone
        return f"user {os.getuid()}"


def title(fingerprint: Fingerprint) -> str:
    """A case in one line, with what is typed for it."""
    return f"{short_id(fingerprint)} {fingerprint.rule} {fingerprint.subject} at {fingerprint.site}"


def pick(words: Sequence[str], cases: Iterable[Case]) -> Case | None:
    """The case that is named so, None where none is. Raises InboxError where several are."""
    name = " ".join(words)
    meant = [case for case in cases if name in _names(case.fingerprint)]
    if len(meant) > 1:
        told = listing([f"`{title(case.fingerprint)}`" for case in meant], most=5)
        raise InboxError(f"`{name}` is {told}: give the ID of one")
    return meant[0] if meant else None


def not_found(words: Sequence[str], cases: Iterable[Case]) -> InboxError:
    """That no case is named so, and what may have been meant."""
    name = " ".join(words)
    names = {each: case.fingerprint for case in cases for each in _names(case.fingerprint)}
    close = nearest(name, names)
    if close is not None:
        return InboxError(f"there is no case `{name}`; did you mean `{title(names[close])}`?")
    return InboxError(f"there is no case `{name}`; `lnwatch cases --all` lists those that there are")


def _names(fingerprint: Fingerprint) -> tuple[str, ...]:
    site, rule, subject = fingerprint.site, fingerprint.rule, fingerprint.subject
    return short_id(fingerprint), f"{site}/{rule}/{subject}", f"{rule} {subject}"
