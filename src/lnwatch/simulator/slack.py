"""A double of Slack, from its reference: the methods of its Web API that we use, and incoming webhooks.

Strict where Slack is: scopes, limits of fields, rates. Refusals of the Web API are HTTP 200 with
`"ok": false`, those of webhooks a status with one word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lnwatch.clock import Clock
from lnwatch.simulator.block_kit import Error, content_error
from lnwatch.simulator.webhook_receiver import Receiver, Reply, Request

_POSTS = (1.0, 5)  # a second and channel, and how many at a time
_EDITS = (50 / 60, 20)


@dataclass(slots=True)
class Channel:
    """A channel: its messages, replies included, by timestamp."""

    id: str
    member: bool = True
    archived: bool = False
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def roots(self) -> list[dict[str, Any]]:
        """What is seen in the channel itself."""
        return [each for each in self.messages.values() if "thread_ts" not in each or each.get("broadcast")]

    def thread(self, ts: str) -> list[dict[str, Any]]:
        """The replies to a message."""
        return [each for each in self.messages.values() if each.get("thread_ts") == ts]


@dataclass(slots=True)
class _Pace:
    """A token bucket, as Slack's rate limits behave."""

    rate: float
    burst: int
    tokens: float
    at: float

    def refuse(self, now: float) -> int:
        """Seconds to wait, 0 where it is let through."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens >= 1 - 1e-6:
            self.tokens -= 1
            return 0
        return max(1, round((1 - self.tokens) / self.rate))


class SlackDouble(Receiver):
    """One workspace with one app. `hooks` maps paths of webhooks to channel ids; `refusals` are given first, once each.

    `history_page` 15 and `history_per_minute` 1 are what an app from outside the marketplace gets, 999 and
    50 what the workspace's own does.
    """

    def __init__(
        self,
        clock: Clock,
        token: str = "xoxb-test-token",  # noqa: S107 - a double's
        *,
        scopes: frozenset[str] = frozenset({"chat:write", "channels:history"}),
        history_page: int = 999,
        history_per_minute: int = 50,
    ) -> None:
        """Nothing is in it yet."""
        super().__init__(clock)
        self.scopes = scopes
        self.channels: dict[str, Channel] = {}
        self.hooks: dict[str, str] = {}
        self.refusals: dict[str, list[str]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._token = token
        self._page = history_page
        self._rates = {"history": (history_per_minute / 60, history_per_minute)}
        self._paces: dict[str, _Pace] = {}
        self._ticks = 0

    def channel(self, channel_id: str) -> Channel:
        """A new channel."""
        made = self.channels[channel_id] = Channel(channel_id)
        return made

    def answer(self, request: Request) -> Reply:
        """As the Web API below /api/, as webhooks below /services/."""
        if request.path.startswith("/services/"):
            return self._hook(request)
        methods: dict[str, Callable[[dict[str, Any]], Reply]] = {
            "/api/chat.postMessage": self._post,
            "/api/chat.update": self._update,
            "/api/conversations.history": self._history,
            "/api/conversations.replies": self._replies,
        }
        method = methods.get(request.path)
        if method is None:
            return _no("unknown_method")
        refusal = self._unauthorized(request)
        if refusal:
            return _no(refusal)
        arguments = _arguments(request)
        if isinstance(arguments, str):
            return _no(arguments)
        name = request.path.removeprefix("/api/")
        self.calls.append((name, arguments))
        if self.refusals.get(name):
            return _no(self.refusals[name].pop(0))
        return method(arguments)

    def _unauthorized(self, request: Request) -> str:
        authorization = request.headers.get("authorization", "")
        if not authorization:
            return "not_authed"
        if authorization != f"Bearer {self._token}":
            return "invalid_auth"
        needed = "channels:history" if "conversations." in request.path else "chat:write"
        return "" if needed in self.scopes else "missing_scope"

    def _post(self, arguments: dict[str, Any]) -> Reply:
        channel = self.channels.get(str(arguments.get("channel")))
        if channel is None:
            return _no("channel_not_found")
        wait = self._slow(f"post {channel.id}", _POSTS)
        if wait:
            return _slow_down(wait)
        thread = arguments.get("thread_ts")
        error = content_error(arguments, text_limit=40_000) or _standing_error(channel)
        if not error and thread is not None and thread not in channel.messages:
            error = "thread_not_found"
        return _no(error) if error else self._add(channel, arguments)

    def _add(self, channel: Channel, arguments: Mapping[str, Any]) -> Reply:
        self._ticks += 1
        ts = f"{int(self.clock.now())}.{self._ticks:06d}"
        message = {name: arguments[name] for name in ("text", "blocks", "metadata", "thread_ts") if name in arguments}
        if arguments.get("reply_broadcast"):
            message["broadcast"] = True
        channel.messages[ts] = {**message, "ts": ts, "type": "message"}
        return Reply.of(200, {"ok": True, "channel": channel.id, "ts": ts, "message": channel.messages[ts]})

    def _update(self, arguments: dict[str, Any]) -> Reply:
        wait = self._slow("update", _EDITS)
        if wait:
            return _slow_down(wait)
        channel = self.channels.get(str(arguments.get("channel")))
        if channel is None:
            return _no("channel_not_found")
        if channel.archived:
            return _no("is_inactive")
        message = channel.messages.get(str(arguments.get("ts")))
        if message is None:
            return _no("message_not_found")
        error = content_error(arguments, text_limit=4_000)
        if error:
            return _no(error)
        if "blocks" not in arguments:
            message.pop("blocks", None)  # as Slack does: text alone takes the blocks away
        message |= {name: arguments[name] for name in ("text", "blocks", "metadata") if name in arguments}
        return Reply.of(200, {"ok": True, "channel": channel.id, "ts": message["ts"], "text": message.get("text", "")})

    def _history(self, arguments: dict[str, Any]) -> Reply:
        channel = self.channels.get(str(arguments.get("channel")))
        return self._read(channel, arguments, channel.roots if channel is not None else [])

    def _replies(self, arguments: dict[str, Any]) -> Reply:
        channel = self.channels.get(str(arguments.get("channel")))
        ts = str(arguments.get("ts"))
        if channel is not None and ts not in channel.messages:
            return _no("thread_not_found")
        found = [channel.messages[ts], *channel.thread(ts)] if channel is not None else []
        return self._read(channel, arguments, found)

    def _read(self, channel: Channel | None, arguments: Mapping[str, Any], found: list[dict[str, Any]]) -> Reply:
        wait = self._slow("history", self._rates["history"])
        if wait:
            return _slow_down(wait)
        if channel is None:
            return _no("channel_not_found")
        if not channel.member:
            return _no("not_in_channel")
        oldest = float(arguments.get("oldest") or 0)
        newest_first = [each for each in reversed(found) if float(each["ts"]) > oldest]
        start = int(arguments.get("cursor") or 0)
        size = min(int(arguments.get("limit") or 100), self._page)
        hidden = () if str(arguments.get("include_all_metadata")).lower() in ("true", "1") else ("metadata",)
        page = [
            {name: value for name, value in each.items() if name not in hidden}
            for each in newest_first[start : start + size]
        ]
        more = start + size < len(newest_first)
        answer: dict[str, Any] = {"ok": True, "messages": page, "has_more": more}
        return Reply.of(200, answer | ({"response_metadata": {"next_cursor": str(start + size)}} if more else {}))

    def _hook(self, request: Request) -> Reply:
        channel = self.channels.get(self.hooks.get(request.path, ""))
        if channel is None or channel.archived or request.method != "POST":
            status, word = (404, b"no_service") if channel is None else (410, b"channel_is_archived")
            return Reply(405, b"method_not_allowed") if request.method != "POST" else Reply(status, word)
        wait = self._slow(f"post {channel.id}", _POSTS)
        if wait:
            return Reply(429, b"rate_limited", {"Retry-After": str(wait)})
        try:
            arguments = request.json()
        except ValueError:
            arguments = None
        error = content_error(arguments, text_limit=40_000) if isinstance(arguments, dict) else "invalid_payload"
        if error:
            return Reply(400, (error if isinstance(error, str) else error[0]).encode())
        self.calls.append(("webhook", arguments))
        self._add(channel, arguments)
        return Reply(200, b"ok", {"Content-Type": "text/html"})

    def _slow(self, what: str, limit: tuple[float, int]) -> int:
        now = self.clock.now()
        pace = self._paces.setdefault(what, _Pace(limit[0], limit[1], limit[1], now))
        return pace.refuse(now)


def _arguments(request: Request) -> dict[str, Any] | str:
    """What a method was called with, or the error word."""
    if request.method == "GET":
        return dict(request.query)
    kind, _, charset = request.headers.get("content-type", "").partition(";")
    if not kind:
        return "missing_post_type"
    if kind.strip() != "application/json":
        return "invalid_post_type"
    if charset and charset.strip().lower() != "charset=utf-8":
        return "invalid_charset"
    try:
        found = request.json()
    except ValueError:
        return "invalid_json"
    return found if isinstance(found, dict) else "json_not_object"


def _standing_error(channel: Channel) -> str:
    if channel.archived:
        return "is_archived"
    return "" if channel.member else "not_in_channel"


def _no(error: Error) -> Reply:
    if isinstance(error, str):
        return Reply.of(200, {"ok": False, "error": error})
    return Reply.of(200, {"ok": False, "error": error[0], "response_metadata": {"messages": error[1]}})


def _slow_down(seconds: int) -> Reply:
    return Reply.of(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(seconds)})
