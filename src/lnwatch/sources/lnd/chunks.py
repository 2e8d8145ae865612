"""Converts long answers without holding up the event loop."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

M = TypeVar("M")
V = TypeVar("V")

CHUNK = 500  # channels, edges or invoices: a few milliseconds


async def in_chunks(messages: Iterable[M], convert: Callable[[M], V]) -> tuple[V, ...]:
    """`convert` applied to each message, in order; other tasks get a turn after each chunk."""
    found: list[V] = []
    waiting = iter(messages)
    while chunk := list(islice(waiting, CHUNK)):
        found.extend(map(convert, chunk))
        await asyncio.sleep(0)
    return tuple(found)
