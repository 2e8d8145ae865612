"""A Text as Slack's Block Kit, within its limits.

Limits, from Slack's reference: 50 blocks, header 150 characters, section 3,000, 10 fields of 2,000, 10
elements in a context, label of a button 75, its URL 3,000; undocumented, some 11,000 over all blocks, so
we stay under 10,000. `text` is what notifications show: 4,000 at most, or it can't be edited later.
Slack does not say what a character is; we count UTF-16 units, which is the larger figure.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from lnwatch.notify._format import Text, fit

HEADER = 150
SECTION = 3_000
TOTAL = 9_900
FALLBACK = 3_900
_FIELDS = 10
_FIELD = 2_000
_ELEMENT = 500
_ASIDES = 4  # lines that stand small below the sentence; more are what the message is about
_LABEL = 75
_URL = 3_000

Block = dict[str, Any]
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str, limit: int) -> str:
    """The text with Slack's three control characters escaped, at most `limit` long, never cut inside an escape."""
    return _limited([_ENTITIES.get(character, character) for character in text], limit)


def units(text: str) -> int:
    """Its length in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def blocks(text: Text) -> list[Block]:
    """The message, cut at its least important part: facts, then lines; the sentence and the links stay."""
    return list(_blocks(fit(text, TOTAL, lambda tried: units(json.dumps(list(_blocks(tried)), ensure_ascii=False)))))


def fallback(text: Text) -> str:
    """What a phone shows, and what a client without blocks falls back to; its runbook link is never cut off."""
    links = " ".join(escape(f"{label}: {url}", _URL) for label, url in text.links[:1])
    warning = f"{escape(text.warning, _ELEMENT)} " if text.warning else ""
    head = escape(f"{text.icon} {text.title}", HEADER)
    room = FALLBACK - units(links) - units(warning) - units(head) - 4
    return f"{warning}{head}: {escape(text.sentence, max(200, room))} {links}".rstrip()


def _limited(pieces: Sequence[str], limit: int) -> str:
    sizes = [units(piece) for piece in pieces]
    if sum(sizes) <= limit:
        return "".join(pieces)
    kept, room = 0, limit - 1
    while kept < len(pieces) and room >= sizes[kept]:
        room -= sizes[kept]
        kept += 1
    return f"{''.join(pieces[:kept]).rstrip()}…"


def _blocks(text: Text) -> Iterator[Block]:
    yield {"type": "header", "text": _plain(f"{text.icon} {text.title}", HEADER)}
    if text.warning:
        yield _context((f"⚠️ {text.warning}",))
    yield {"type": "section", "text": _mrkdwn(text.sentence or "…", SECTION)}
    if len(text.lines) > _ASIDES:
        yield {"type": "section", "text": _mrkdwn("\n".join(text.lines), SECTION)}
    elif text.lines:
        yield _context(text.lines)
    if text.facts:
        fields = [_mrkdwn(f"{name}: {value}", _FIELD) for name, value in text.facts[:_FIELDS]]
        yield {"type": "section", "fields": fields}
    buttons = [_button(number, *link) for number, link in enumerate(text.links) if len(link[1]) <= _URL]
    if buttons:
        yield {"type": "actions", "elements": buttons}


def _context(lines: Sequence[str]) -> Block:
    return {"type": "context", "elements": [_mrkdwn(line, _ELEMENT) for line in lines]}


def _button(number: int, label: str, url: str) -> Block:
    return {"type": "button", "text": _plain(label, _LABEL), "url": url, "action_id": f"link_{number}"}


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": _limited(text, limit), "emoji": False}


def _mrkdwn(text: str, limit: int) -> Block:
    # Verbatim: names that look like channels, people or addresses are not made into links or mentions.
    return {"type": "mrkdwn", "text": escape(text, limit), "verbatim": True}
