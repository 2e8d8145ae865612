"""What messages look like; `python -m tests.notify.goldens` writes them anew, to be read in the diff."""

import json
from collections.abc import Mapping
from pathlib import Path

from lnwatch.model.case import Transition
from lnwatch.model.message import Message
from lnwatch.model.rule import Severity
from lnwatch.notify._format import change, plain, render
from lnwatch.notify.slack.blocks import blocks, fallback
from lnwatch.notify.webhook import NOTIFIER, Webhook
from tests.manual_clock import ManualClock
from tests.notify.bench import opened
from tests.notify.notices import NOW, Marking, message, mixed, notice

FOLDER = Path(__file__).parent / "golden"

MESSAGES: Mapping[str, Message] = {
    "opened": message(),
    "released": message(notice(opened_at=NOW - 600, found_at=NOW - 660)),
    "inhibited": message(notice(root="bitcoind_down source:core")),
    "escalated": message(notice(Transition.ESCALATED)),
    "eased": message(notice(Transition.EASED, severity=Severity.WARNING)),
    "changed": message(notice(Transition.CHANGED)),
    "acknowledged": message(notice(Transition.ACKNOWLEDGED, actor="alice", note="looking into it")),
    "snoozed": message(notice(Transition.SNOOZED, actor="alice", note="after lunch", until=NOW + 3_600)),
    "awoke": message(notice(Transition.AWOKE)),
    "resolved": message(notice(Transition.RESOLVED)),
    "closed": message(notice(Transition.CLOSED, actor="bob", note="the node was retired")),
    "reopened": message(notice(Transition.REOPENED)),
    "late": message(notice(Transition.RESOLVED), missed=Transition.OPENED),
    "late-closed": message(
        notice(Transition.CLOSED, actor="bob", note="the node was retired"), missed=Transition.ESCALATED
    ),
    "test": message(marking=Marking.TEST),
    "repeat": message(marking=Marking.POSSIBLE_REPEAT),
    "digest": message(*mixed()),
    "hostile": message(
        notice(
            sentence="peer <!channel> *Mallory* & sons | preimage="
            + "9f" * 32
            + " http://user:hunter2@x/\x1b[31m\nend",
            facts={"alias": "<https://evil.example|click>", "macaroon": "0201036c6e64" + "a7" * 60, "n": "1\n2"},
            note="unused",
        )
    ),
}


def shown(sent: Message) -> str:
    """One message in every form: title and plain text, what a thread is told, Slack's text and blocks."""
    text = render(sent)
    parts = [f"{text.icon} {text.title}", plain(text, 8_000)]
    if not sent.digest:
        parts.append(f"> {change(sent)}")
    parts += [fallback(text), json.dumps(blocks(text), ensure_ascii=False, indent=1)]
    return "\n----\n".join(parts) + "\n"


def webhook() -> str:
    """The body of our own webhook."""
    hook = opened(NOTIFIER, {"url": "http://127.0.0.1:1/", "secret": "0123456789abcdef"}, ManualClock())
    assert isinstance(hook, Webhook)
    return json.dumps(hook._body(MESSAGES["test"], NOW), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write every file."""
    (FOLDER / "webhook.json").write_text(webhook())
    for name, sent in MESSAGES.items():
        (FOLDER / f"{name}.txt").write_text(shown(sent))


if __name__ == "__main__":
    main()
