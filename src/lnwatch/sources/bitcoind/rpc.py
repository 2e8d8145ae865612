"""JSON-RPC in batches, one in flight at most: framing, login, whitelists, and errors in our words."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from lnwatch.clock import Clock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Answer, HttpClient
from lnwatch.sources import Cost
from lnwatch.sources.bitcoind.login import Login

T = TypeVar("T")

WARM_UP: Final = -28
NOT_FOUND: Final = -5  # unknown block or transaction
_UNKNOWN_METHOD: Final = -32601
# A whitelist changes only when the node restarts, which a fast restart may hide from us.
_FORBIDDEN_FOR: Final = 600.0
_ALL_OF_US: Final = 4  # methods of the smallest batch that asks for all that a status needs
_RESTARTED: Final = frozenset({FailureReason.REFUSED, FailureReason.STARTING, FailureReason.REJECTED})


@dataclass(frozen=True, slots=True)
class Call:
    """One method with its positional parameters."""

    method: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call: a result, or the node's error (`code`, `message`), or `forbidden` by a whitelist."""

    call: Call
    where: str
    result: Any = None
    code: int | None = None
    message: str = ""
    forbidden: bool = False

    def failure(self) -> SourceError | None:
        """Why there is no result, None where there is one."""
        method = self.call.method
        if self.forbidden:
            message = f"{self.where} does not let this user call {method}: add it to the user's rpcwhitelist"
            return SourceError(FailureReason.FORBIDDEN, message, permission=method)
        if self.code is None:
            return None
        if self.code == _UNKNOWN_METHOD:
            message = f"{self.where} does not know {method}: is it Bitcoin Core, and recent enough?"
            return SourceError(FailureReason.UNSUPPORTED, message)
        return SourceError(FailureReason.FAILED, f"{self.where} failed at {method}: {self.message} ({self.code})")

    def read(self, shape: TypeAdapter[T]) -> T:
        """The result in its shape. Raises SourceError."""
        if (failure := self.failure()) is not None:
            raise failure
        try:
            return shape.validate_python(self.result)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            message = f"{self.where} answered {self.call.method} in an unknown shape: {place} {first['msg']}"
            raise SourceError(FailureReason.MALFORMED, message) from error

    def read_if_given(self, shape: TypeAdapter[T]) -> T | None:
        """The result in its shape, None where the node refused or failed. Raises SourceError(MALFORMED)."""
        return None if self.failure() is not None else self.read(shape)


class Rpc:
    """The line to one bitcoind.

    `connect` gives the client to use now. `forbidden` are the methods that the user's whitelist lacks, as
    far as they were tried. Raises SourceError from every call: STARTING while the node warms up.
    """

    def __init__(self, connect: Callable[[], Awaitable[HttpClient]], login: Login, cost: Cost, clock: Clock) -> None:
        self._connect = connect
        self._login = login
        self._cost = cost
        self._clock = clock
        self._lock = asyncio.Lock()
        self._forbidden: dict[str, float] = {}

    @property
    def forbidden(self) -> frozenset[str]:
        """Methods that the whitelist is known to lack."""
        now = self._clock.monotonic()
        self._forbidden = {method: until for method, until in self._forbidden.items() if until > now}
        return frozenset(self._forbidden)

    async def batch(self, calls: Sequence[Call]) -> tuple[list[Outcome], float]:
        """Make all calls in one request; their outcomes in order, and the seconds it took."""
        async with self._lock:
            try:
                return await self._allowed(calls)
            except SourceError as error:
                if error.reason in _RESTARTED:
                    self._forbidden.clear()
                raise

    async def call(self, method: str, *params: Any) -> Outcome:  # noqa: ANN401 - what JSON can hold
        """Make a single call."""
        outcomes, _ = await self.batch([Call(method, params)])
        return outcomes[0]

    async def _allowed(self, calls: Sequence[Call]) -> tuple[list[Outcome], float]:
        where = (await self._connect()).where
        answers, seconds = await self._ask(calls)
        if answers is None:  # one forbidden method fails a whole batch: find out which
            await self._probe(where, calls)
            answers, seconds = await self._ask(calls)
        if answers is None:
            raise SourceError(FailureReason.FORBIDDEN, f"{where} allows each of our calls, but not all of them at once")
        return [answers.get(n) or Outcome(call, where, forbidden=True) for n, call in enumerate(calls)], seconds

    async def _probe(self, where: str, calls: Sequence[Call]) -> None:
        methods = {call.method: call for call in calls if call.method not in self.forbidden}
        lacking = [method for method, call in methods.items() if (await self._ask([call]))[0] is None]
        if len(lacking) == len(methods) >= _ALL_OF_US:
            message = (
                f"{where} refuses every call (HTTP 403): is our address in its rpcallowip, our user in rpcwhitelist?"
            )
            raise SourceError(FailureReason.FORBIDDEN, message)
        until = self._clock.monotonic() + _FORBIDDEN_FOR
        self._forbidden |= dict.fromkeys(lacking, until)

    async def _ask(self, calls: Sequence[Call]) -> tuple[dict[int, Outcome] | None, float]:
        """Outcomes by position, without those known to be forbidden; None where the node says 403."""
        forbidden = self.forbidden
        asked = {n: call for n, call in enumerate(calls) if call.method not in forbidden}
        if not asked:
            return {}, 0.0
        answer = await self._post(asked)
        if answer.status == 403:
            return None, answer.seconds
        return _outcomes(answer, asked), answer.seconds

    async def _post(self, asked: dict[int, Call]) -> Answer:
        # From 28 on this framing is JSON-RPC 2.0; older nodes ignore the version and answer as 1.1.
        body = [
            {"jsonrpc": "2.0", "id": n, "method": call.method, "params": list(call.params)} for n, call in asked.items()
        ]
        content = json.dumps(body, separators=(",", ":")).encode()
        header = await self._authorization(content)
        answer = await self._send(content, header, len(asked))
        if answer.status == 401 and (fresh := self._login.header()) != header:
            answer = await self._send(content, fresh, len(asked))  # the node restarted and wrote a new cookie
        if answer.status == 401:
            raise SourceError(FailureReason.REJECTED, self._login.rejected(answer.where))
        return answer

    async def _authorization(self, content: bytes) -> str:
        """The login as it must be now. bitcoind deletes its cookie when it stops: then it is the node that
        is missing, which it tells by not answering at all."""
        try:
            return self._login.header()
        except SourceError:
            await self._send(content, None, 0)
            raise

    async def _send(self, content: bytes, header: str | None, calls: int) -> Answer:
        self._cost.calls += calls
        headers = {"Content-Type": "application/json", **({"Authorization": header} if header else {})}
        client = await self._connect()
        return await client.request("POST", content=content, headers=headers)


def _outcomes(answer: Answer, asked: dict[int, Call]) -> dict[int, Outcome]:
    if answer.status == 503 and b"Work queue" not in answer.body:
        raise SourceError(FailureReason.REFUSED, f"{answer.where} is shutting down")
    if answer.status != 200:
        raise _whole_failure(answer)
    items = _decode(answer)
    if not isinstance(items, list) or len(items) != len(asked):
        raise SourceError(FailureReason.MALFORMED, f"{answer.where} did not answer each call of a batch once")
    found = {}
    for item in items:
        n, outcome = _outcome(answer.where, item, asked)
        found[n] = outcome
    if len(found) != len(asked):
        raise SourceError(FailureReason.MALFORMED, f"{answer.where} answered one call of a batch twice")
    return found


def _outcome(where: str, item: Any, asked: dict[int, Call]) -> tuple[int, Outcome]:  # noqa: ANN401 - decoded JSON
    """One item of a batch: 1.1 has `result` and `error`, one of them null; 2.0 has only the one that counts."""
    n = item.get("id") if isinstance(item, dict) else None
    if not isinstance(n, int) or n not in asked:
        raise SourceError(FailureReason.MALFORMED, f"{where} answered a call that was not made")
    error = item.get("error")
    if error is None and "result" in item:
        return n, Outcome(asked[n], where, result=item["result"])
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        raise SourceError(FailureReason.MALFORMED, f"{where} answered {asked[n].method} with neither result nor error")
    message = str(error.get("message", ""))[:300]
    if error["code"] == WARM_UP:
        raise SourceError(FailureReason.STARTING, f"{where} is starting: {message}")
    return n, Outcome(asked[n], where, code=error["code"], message=message)


def _whole_failure(answer: Answer) -> SourceError:
    """An error for the request as a whole, with bitcoind's own words where the body has them."""
    try:
        answer.raise_for_status()
    except SourceError as error:
        body = _decode_or_none(answer)
        inner = body.get("error") if isinstance(body, dict) else None
        if not isinstance(inner, dict):
            return error
        if inner.get("code") == WARM_UP:
            return SourceError(FailureReason.STARTING, f"{answer.where} is starting: {str(inner.get('message'))[:300]}")
        return SourceError(error.reason, f"{error.message}: {str(inner.get('message'))[:300]}")
    return SourceError(FailureReason.MALFORMED, f"{answer.where} answered with HTTP {answer.status} and no batch")


def _decode_or_none(answer: Answer) -> Any:  # noqa: ANN401 - decoded JSON
    try:
        return _decode(answer)
    except SourceError:
        return None


def _decode(answer: Answer) -> Any:  # noqa: ANN401 - decoded JSON
    try:
        return json.loads(answer.body, parse_float=Decimal, parse_constant=_not_a_number)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise SourceError(FailureReason.MALFORMED, f"{answer.where} sent what is not JSON, or cut short") from error


def _not_a_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
