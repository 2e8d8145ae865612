"""A double of PagerDuty's Events API v2, from its OpenAPI document: strict, and with alerts that live and die.

https://github.com/PagerDuty/api-schema, reference/events-v2; the limits of fields are those of its guide.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from lnwatch.clock import Clock
from lnwatch.simulator.webhook_receiver import Receiver, Reply, Request

PER_MINUTE: Final = 120
_LARGEST: Final = 512 * 1024  # bytes
_ACTIONS: Final = ("trigger", "acknowledge", "resolve")
_SEVERITIES: Final = ("critical", "warning", "error", "info")


@dataclass(slots=True)
class Alert:
    """What one dedup key stands for: a trigger joins the incident while it is open, acknowledged too, and is a new
    one after a resolve. `triggers` are those of the present incident, which began at `at` (epoch seconds)."""

    status: str
    at: float
    incidents: int = 1
    triggers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def shown(self) -> dict[str, Any]:
        """What its page says: the newest trigger."""
        return self.triggers[-1]


class PagerDutyDouble(Receiver):
    """One account. `alerts` are by dedup key; `events` is every event that was accepted, in order."""

    def __init__(self, clock: Clock, routing_keys: frozenset[str], per_minute: int = PER_MINUTE) -> None:
        """`routing_keys` are those of existing integrations."""
        super().__init__(clock)
        self.events: list[dict[str, Any]] = []
        self.alerts: dict[str, Alert] = {}
        self._routing_keys = routing_keys
        self._per_minute = per_minute
        self._recent: deque[float] = deque()

    @property
    def incidents(self) -> int:
        """How many incidents there ever were."""
        return sum(alert.incidents for alert in self.alerts.values())

    def answer(self, request: Request) -> Reply:
        """As documented: 202, or 400, 413 and 429 with what is wrong."""
        if request.path != "/v2/enqueue":
            return Reply(404)
        if request.method != "POST":
            return Reply(405)
        if len(request.body) > _LARGEST:
            return _refusal(413, "Payload Too Large", "Event object exceeds 512 KB")
        now = self.clock.now()
        while self._recent and self._recent[0] <= now - 60:
            self._recent.popleft()
        if len(self._recent) >= self._per_minute:
            return _refusal(429, "throttle exceeded", "Requests for this service are arriving too quickly.")
        self._recent.append(now)
        return self._accept(request)

    def _accept(self, request: Request) -> Reply:
        try:
            event = request.json()
        except ValueError:
            return _refusal(400, "Unrecognized object", "Event object format is unrecognized", "JSON parse error")
        if not isinstance(event, dict):
            return _refusal(400, "invalid event", "Event object is invalid", "event is not an object")
        errors = list(_errors(event))
        if not errors and event["routing_key"] not in self._routing_keys:
            errors = ["Invalid routing key"]
        if errors:
            return _refusal(400, "invalid event", "Event object is invalid", *errors)
        key = event.get("dedup_key") or f"made-up-{len(self.events)}"
        self.events.append(event)
        self._apply(event, key)
        return Reply.of(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _apply(self, event: dict[str, Any], key: str) -> None:
        alert, action = self.alerts.get(key), event["event_action"]
        if action == "trigger":
            if alert is None:
                alert = self.alerts[key] = Alert("triggered", self.clock.now())
            elif alert.status == "resolved":
                alert.status, alert.at = "triggered", self.clock.now()
                alert.incidents, alert.triggers = alert.incidents + 1, []
            alert.triggers.append(event)
        elif alert is not None and alert.status != "resolved":  # for a key that is not open it is dropped silently
            alert.status = "acknowledged" if action == "acknowledge" else "resolved"


def _errors(event: dict[str, Any]) -> Iterator[str]:
    key = event.get("routing_key")
    if not isinstance(key, str):
        yield "'routing_key' is missing or blank"
    elif len(key) != 32:
        yield "Length of 'routing_key' is incorrect (should be 32 characters)"
    if event.get("event_action") not in _ACTIONS:
        yield f"'event_action' is invalid (should be one of: {', '.join(_ACTIONS)})"
    dedup = event.get("dedup_key")
    if dedup is not None and (not isinstance(dedup, str) or not 0 < len(dedup) <= 255):
        yield "'dedup_key' is invalid (at most 255 characters)"
    if event.get("event_action") == "trigger":
        yield from _payload_errors(event.get("payload"))
    elif not dedup:
        yield "'dedup_key' is missing or blank"
    yield from _link_errors(event.get("links", []))
    if "client_url" in event and not _is_url(event["client_url"]):
        yield "'client_url' is no URL"


def _payload_errors(payload: object) -> Iterator[str]:
    if not isinstance(payload, dict):
        yield "'payload' is missing or blank"
        return
    for name, limit in (("summary", 1_024), ("source", 1_024)):
        value = payload.get(name)
        if not isinstance(value, str) or not value.strip():
            yield f"'payload.{name}' is missing or blank"
        elif len(value) > limit:
            yield f"'payload.{name}' is longer than {limit} characters"
    if payload.get("severity") not in _SEVERITIES:
        yield f"'payload.severity' is invalid (must be one of the following: {', '.join(_SEVERITIES)})"
    for name in ("component", "group", "class"):
        if not isinstance(payload.get(name, ""), str):
            yield f"'payload.{name}' is no text"
    if not isinstance(payload.get("custom_details", {}), dict):
        yield "'payload.custom_details' is no object"
    if "timestamp" in payload and not _is_time(payload["timestamp"]):
        yield "'payload.timestamp' is no ISO 8601 timestamp"


def _link_errors(links: object) -> Iterator[str]:
    if not isinstance(links, list):
        yield "'links' is no array"
        return
    for link in links:
        if not isinstance(link, dict) or not _is_url(link.get("href")) or not isinstance(link.get("text", ""), str):
            yield f"a link is invalid: {json.dumps(link)[:100]}"


def _is_url(value: object) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).netloc)


def _is_time(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _refusal(status: int, short: str, message: str, *errors: str) -> Reply:
    return Reply.of(status, {"status": short, "message": message, "errors": list(errors)})
