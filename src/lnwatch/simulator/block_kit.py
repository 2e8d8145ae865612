"""What Slack's double refuses in a message: text, blocks and metadata against the limits of Slack's reference."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

_TOTAL: Final = 11_300  # characters of all blocks: the smallest at which Slack was seen to refuse
_METADATA: Final = 8_000
_PLAIN: Final = ("plain_text",)
_TEXTS: Final = ("plain_text", "mrkdwn")

# The word, with details where Slack gives them; empty where nothing is wrong.
Error = str | tuple[str, list[str]]


def content_error(arguments: Mapping[str, Any], text_limit: int) -> Error:
    """What is wrong with the content of a message."""
    text, blocks = arguments.get("text", ""), arguments.get("blocks", [])
    if not isinstance(text, str) or (not text and not blocks):
        return "no_text"
    if len(text) > text_limit:
        return "msg_too_long"
    if not isinstance(blocks, list):
        return "invalid_blocks_format"
    faults = list(_faults(blocks))
    if faults:
        return "invalid_blocks", [f"[ERROR] {fault}" for fault in faults]
    if _units(json.dumps(blocks, ensure_ascii=False)) > _TOTAL:
        return "msg_blocks_too_long"
    return _metadata_error(arguments.get("metadata", {"event_type": "x", "event_payload": {}}))


def _metadata_error(metadata: object) -> str:
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        return "invalid_metadata_format"
    if not isinstance(metadata["event_type"], str) or not isinstance(metadata["event_payload"], dict):
        return "invalid_metadata_schema"
    return "metadata_too_large" if len(json.dumps(metadata)) > _METADATA else ""


def _faults(blocks: list[Any]) -> Iterator[str]:
    if len(blocks) > 50:
        yield "no more than 50 items allowed [json-pointer:/blocks]"
    for place, block in enumerate(blocks):
        where = f"[json-pointer:/blocks/{place}]"
        if not isinstance(block, dict):
            yield f"must be an object {where}"
            continue
        match block.get("type"):
            case "header":
                yield from _text_faults(block.get("text"), _PLAIN, 150, where)
            case "section":
                yield from _section_faults(block, where)
            case "context":
                yield from _many(
                    block.get("elements"), 10, where, lambda each, at: _text_faults(each, _TEXTS, 3_000, at)
                )
            case "actions":
                yield from _many(block.get("elements"), 25, where, _button_faults)
            case "divider":
                pass
            case other:
                yield f"unsupported type: {other} {where}"


def _section_faults(block: Mapping[str, Any], where: str) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield f"missing required field: text {where}"
    if "text" in block:
        yield from _text_faults(block["text"], _TEXTS, 3_000, where)
    if "fields" in block:
        yield from _many(block["fields"], 10, where, lambda each, at: _text_faults(each, _TEXTS, 2_000, at))


def _many(found: object, limit: int, where: str, check: Callable[[object, str], Iterator[str]]) -> Iterator[str]:
    if not isinstance(found, list) or not 0 < len(found) <= limit:
        yield f"must have 1 to {limit} items {where}"
        return
    for each in found:
        yield from check(each, where)


def _text_faults(text: object, kinds: tuple[str, ...], limit: int, where: str) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds or not isinstance(text.get("text"), str):
        yield f"must be a text object {where}"
    elif not text["text"]:
        yield f"must be more than 0 characters {where}"
    elif _units(text["text"]) > limit:
        yield f"must be less than {limit + 1} characters {where}"
    elif text["type"] == "plain_text" and "verbatim" in text:
        yield f"invalid additional property: verbatim {where}"


def _button_faults(button: object, where: str) -> Iterator[str]:
    if not isinstance(button, dict) or button.get("type") != "button":
        yield f"unsupported element {where}"
        return
    yield from _text_faults(button.get("text"), _PLAIN, 75, where)
    url = button.get("url", "https://x")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > 3_000:
        yield f"invalid url {where}"
    if not 0 < len(button.get("action_id", "x")) <= 255:
        yield f"invalid action_id {where}"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
