"""The bench's line to the stand-in node: what was asked of it, by method, and how much it sent."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import grpc

METHOD = "/bench.Control/Counts"


@dataclass(frozen=True, slots=True)
class Counts:
    """Unary calls by method, streams by method, and the bytes of all answers."""

    calls: dict[str, int]
    streams: dict[str, int]
    sent_bytes: int

    @property
    def total(self) -> int:
        """Unary calls of every method."""
        return sum(self.calls.values())

    def __sub__(self, before: Self) -> "Counts":
        """What came since `before`."""
        return Counts(
            calls=_less(self.calls, before.calls),
            streams=_less(self.streams, before.streams),
            sent_bytes=self.sent_bytes - before.sent_bytes,
        )


def _less(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {name: count - before.get(name, 0) for name, count in now.items() if count != before.get(name, 0)}


class Node:
    """A running stand-in, by its control port."""

    def __init__(self, port: int) -> None:
        """Connect; nothing is asked yet."""
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._call: Callable[..., bytes] = self._channel.unary_unary(METHOD)

    def counts(self, timeout: float = 5) -> Counts:
        """What was asked until now. Raises grpc.RpcError while it is not up."""
        return Counts(**json.loads(self._call(b"", timeout=timeout, wait_for_ready=True)))

    def close(self) -> None:
        """Hang up."""
        self._channel.close()
