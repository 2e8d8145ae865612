"""Asks a double from within its own process, as over a connection that ends when the double does."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(connections: set[asyncio.Task[Any]], work: Coroutine[Any, Any, T]) -> T:
    """What comes of `work`, which is one of `connections` as long as it lasts.

    Raises ConnectionResetError where somebody cancelled it there.
    """
    task = asyncio.get_running_loop().create_task(work)
    connections.add(task)
    task.add_done_callback(connections.discard)
    try:
        return await task
    except asyncio.CancelledError:
        ours = asyncio.current_task()
        if ours is not None and ours.cancelling():
            raise
        raise ConnectionResetError("Connection reset by peer") from None
