"""Webhooks of the double against the recorded ones: retries, queues, what is lost, and how deliveries are listed."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from lnwatch.simulator.webhook_receiver import Fault
from tests.simulator.btcpay.likeness import Likeness
from tests.simulator.btcpay.openapi import Json
from tests.simulator.btcpay.world import World, recording, world

GAPS = [10, 60, 600, 600, 600, 600, 600, 600]


async def _seconds(world: World, seconds: float) -> None:
    """Time in small steps, so that deliveries are made when they are due."""
    for _ in range(int(seconds)):
        await world.pass_time(1)


async def _deliveries(world: World, hook: str, count: int | None = None) -> Json:
    query = {} if count is None else {"count": str(count)}
    return (await world.call("GET", f"{world.base}/webhooks/{hook}/deliveries", query=query)).json()


def _outline(received: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Which event each attempt was for, whether again, and its body's time against the first of all."""
    events = list(dict.fromkeys(each["originalDeliveryId"] for each in received))
    began = received[0]["timestamp"]
    return [
        (each["type"], events.index(each["originalDeliveryId"]), each["isRedelivery"], each["timestamp"] - began)
        for each in received
    ]


def _rows(listed: list[dict[str, Any]], ids: list[str]) -> list[tuple[Any, ...]]:
    return [(ids.index(row["id"]), row["httpCode"], row["errorMessage"], row["status"]) for row in listed]


@pytest.mark.parametrize(
    ("name", "statuses", "lasts"),
    [("404-is-final", [404] * 3, 5), ("500-twice-then-200", [500, 500], 75), ("302-redirect", [302] * 9, 5)],
)
async def test_answers_of_a_receiver_lead_to_the_recorded_deliveries(
    name: str, statuses: list[int], lasts: float
) -> None:
    """5xx is tried again and holds up what comes after, other answers are final; the list says how each went."""
    recorded = recording(f"webhooks/{name}")
    began = recorded["received"][0]["timestamp"]
    async with world() as made:
        hook = await made.register()
        made.hook.statuses = list(statuses)
        for event in {each["originalDeliveryId"]: each["timestamp"] for each in recorded["received"]}.values():
            await made.pass_time(max(0.0, made.began + event - began - made.clock.now()))
            await made.create()
        await _seconds(made, lasts)
        received, listed = made.hook.bodies, await _deliveries(made, hook)
    assert _outline(received) == _outline(recorded["received"])
    ours, theirs = ([each["deliveryId"] for each in some] for some in (received, recorded["received"]))
    assert _rows(listed, ours) == _rows(recorded["deliveries_listed"], theirs)
    Likeness(began, made.began).compare(recorded["deliveries_listed"], listed)


async def test_a_redirect_with_a_location_is_a_success_that_nobody_received() -> None:
    """A 302 becomes a GET of that place without a body, and is listed as HttpSuccess."""
    recorded = recording("webhooks/302-with-location")
    async with world() as made:
        hook = await made.register()
        made.hook.statuses, made.hook.location = [302], f"{made.hook.url}/elsewhere"
        await made.create()
        received, listed = made.hook.received, await _deliveries(made, hook)
    assert [(each.method, each.path) for each in received] == [tuple(each[:2]) for each in recorded["received"]]
    assert received[1].body == b""
    Likeness(recorded["deliveries_listed"][0]["timestamp"], made.began).compare(recorded["deliveries_listed"], listed)


async def test_a_receiver_that_hangs_is_given_up_after_100_seconds() -> None:
    """The event comes again 10 s after that, as `Failed` and a redelivery; what is behind it waits as long."""
    recorded = recording("webhooks/hangs-110-seconds")
    async with world() as made:
        hook = await made.register()
        made.hook.faults.append(Fault.SILENCE)
        for _ in range(3):
            await made.call("POST", f"{made.base}/invoices", {"amount": "1", "currency": "EUR"})
        for _ in range(1000):
            await asyncio.sleep(0.001 if not made.hook.received else 0)
        before = []
        for _ in range(112):
            await made.clock.advance(1)
            await asyncio.sleep(0.002)
            before.append(len(made.hook.received))
        await made.btcpay.settle()
        listed = await _deliveries(made, hook)
    assert (before[105], len(made.hook.received)) == (1, 4)
    failed, again = listed[-1], listed[0]
    Likeness(recorded["deliveries_listed"][-1]["timestamp"], made.began).compare(
        [recorded["deliveries_listed"][0], recorded["deliveries_listed"][-1]], [again, failed]
    )
    assert made.hook.bodies[1]["isRedelivery"]


async def test_a_restart_loses_the_queue_and_the_retries() -> None:
    """Of 3 events, the first refused with 500, neither its retry nor the other two come after a restart."""
    recorded = recording("webhooks/lost-over-a-restart")
    async with world() as made:
        hook = await made.register()
        made.hook.statuses = [500]
        for _ in range(3):
            await made.create()
        await made.pass_time(2)
        await made.btcpay.restart()
        await _seconds(made, 120)
        listed = await _deliveries(made, hook)
    assert [each["isRedelivery"] for each in made.hook.bodies] == [e["isRedelivery"] for e in recorded["received"]]
    Likeness(recorded["deliveries_listed"][0]["timestamp"], made.began).compare(recorded["deliveries_listed"], listed)


async def test_retries_end_after_an_hour() -> None:
    """A receiver that never recovers is tried 8 times more, 10 s, 1 min and six times 10 min after the try before."""
    async with world() as made:
        hook = await made.register()
        made.hook.statuses = [503] * 20
        await made.create(checkout={"expirationMinutes": 600})
        for gap in [*GAPS, 600]:
            await made.pass_time(gap)
        listed = await _deliveries(made, hook)
    times = [each["deliveryTime"] for each in reversed(listed)]
    assert [later - earlier for earlier, later in pairwise(times)] == GAPS


@pytest.mark.parametrize(("fields", "tries"), [({"automaticRedelivery": False}, 1), ({"enabled": False}, 0)])
async def test_a_webhook_may_be_told_to_try_once_or_not_at_all(fields: dict[str, bool], tries: int) -> None:
    """Without automatic redelivery a failure is final; a disabled webhook gets nothing."""
    async with world() as made:
        await made.register(**fields)
        made.hook.statuses = [500]
        await made.create()
        await made.pass_time(15)
    assert len(made.hook.received) == tries


async def test_only_the_events_that_were_asked_for_are_sent() -> None:
    """With `everything` off the named types come alone."""
    async with world() as made:
        await made.register(authorizedEvents={"everything": False, "specificEvents": ["InvoiceSettled"]})
        made.btcpay.pay_over_lightning(await made.create())
        await made.btcpay.settle()
    assert made.types == ["InvoiceSettled"]


async def test_an_unreachable_receiver_is_listed_as_failed_without_a_code() -> None:
    """No HTTP answer means `Failed`, a null code and the socket's words, and it is tried again."""
    async with world() as made:
        hook = await made.register()
        await made.hook.stop()
        await made.create()
        listed = await _deliveries(made, hook)
        await made.hook.start()
        await made.pass_time(10)
    assert (listed[0]["status"], listed[0]["httpCode"]) == ("Failed", None)
    assert made.types == ["InvoiceCreated"]


async def test_a_delivery_can_be_repeated_by_hand_until_it_is_pruned() -> None:
    """A redelivery has a new id, the first one as its original and the same time; after 60 days it is refused."""
    async with world() as made:
        hook = await made.register()
        await made.create()
        first = (await _deliveries(made, hook))[0]["id"]
        path = f"{made.base}/webhooks/{hook}/deliveries/{first}"
        again = await made.call("POST", f"{path}/redeliver")
        await made.btcpay.settle()
        body = (await made.call("GET", f"{path}/request")).json()
        made.clock._elapsed += 61 * 86_400
        pruned = [
            await made.call(method, f"{path}/{what}") for method, what in (("POST", "redeliver"), ("GET", "request"))
        ]
    assert made.hook.bodies[1] == made.hook.bodies[0] | {"deliveryId": again.json(), "isRedelivery": True}
    assert body == made.hook.bodies[0]
    assert [(each.status_code, each.json()["code"]) for each in pruned] == [(409, "webhookdelivery-pruned")] * 2


async def test_the_secret_is_told_once() -> None:
    """Only the answer to its creation has it; a change without one keeps the old one; one is made up if needed."""
    async with world() as made:
        created = await made.call("POST", f"{made.base}/webhooks", {"url": f"{made.hook.url}/hook"})
        path = f"{made.base}/webhooks/{created.json()['id']}"
        changed = await made.call("PUT", path, {"url": f"{made.hook.url}/other"})
        read = await made.call("GET", path)
        kept = made.btcpay.core.dispatcher.webhooks[created.json()["id"]].secret
        await made.call("DELETE", path)
        gone = await made.call("GET", path)
    assert created.json()["secret"] == kept != ""
    assert "secret" not in changed.json() | read.json()
    assert changed.json()["url"].endswith("/other")
    assert gone.status_code == 403
