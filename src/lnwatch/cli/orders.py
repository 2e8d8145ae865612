"""`lnwatch order` and `lnwatch exceptions`: what became of one purchase, and what is wrong with whose money.

JSON:

    order       {"orders": [ORDER with "offered", "evidence", "legs", "unseen_legs" and "timeline": [{"at", "source",
                "invoice", "what"}, …]], "daemon_runs": true | false | null where it can't be told}
    exceptions  {"orders": [ORDER, …], "complete": false where there are more, "daemon_runs"}

    ORDER       {"site", "store", "order", "order_id", "invoices", "outcome", "rail", "methods", "currency", "due",
                "paid", "paid_msat", "created_at", "settled_at", "final_at", "refunded_at", "sequence", "history",
                "business", "exceptions": [{"rule", "subject", "invoice", "since", "due", "credited", "gross",
                "sentence", …}, …]}
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from lnwatch.cli.options import AsJson, ConfigFile, since_when
from lnwatch.cli.output import say, say_json, say_table
from lnwatch.cli.visit import visiting
from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.config.nearest import instead
from lnwatch.domain.order_documents import Told, summary, told_document, unseen
from lnwatch.domain.timeline import timeline
from lnwatch.domain.wording import count, duration, moment
from lnwatch.domain.worth import written
from lnwatch.errors import InboxError
from lnwatch.model.order import InvoiceStory, Order
from lnwatch.redaction import redact, scrub
from lnwatch.store import Gathered

MOST: Final = 5_000  # orders that are listed
SHOWN: Final = 20  # orders of one order id

Words = Annotated[
    str,
    typer.Argument(
        metavar="FIND",
        help="An order id, invoice id, payment hash, transaction, address or BOLT11.",
        show_default=False,
    ),
]


def order(find: Words, config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Show what became of a purchase: one timeline over all systems.

    Ends with 1 where nothing is known by that name.
    """
    found, runs = asyncio.run(_find(config, find))
    if not found:
        raise InboxError(
            f"no order is known by `{redact(find)}`: it takes an order id, invoice id, payment hash, transaction, "
            "address or BOLT11, whole"
        )
    if as_json:
        say_json({"orders": [scrub(told_document(told)) for told in found], "daemon_runs": runs})
        return
    for told in found:
        _show(told)


def exceptions(
    *,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Of orders made since then: `180d` ago, or a date.")
    ] = "180d",
    site: Annotated[str | None, typer.Option(metavar="NAME", help="Of one site.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List what is wrong with payments, those from before lnwatch watched the store too.

    What history holds opens no case: look through it once. Ends with 0 whether there is any or not.
    """
    loaded = load(config, os.environ)
    if site is not None and site not in loaded.sites:
        raise typer.BadParameter(f"there is no site `{site}`; {instead(site, list(loaded.sites))}", param_hint="--site")
    clock = SystemClock()
    start = since_when(since, clock.now())

    async def look() -> tuple[list[tuple[str, Order]], bool, bool | None]:
        async with visiting(loaded, clock) as visit:
            orders, whole = list[tuple[str, Order]](), True
            for each in [site] if site is not None else loaded.sites:
                of_site = await visit.ledger.orders.troubled(each, start, MOST)
                whole &= len(of_site) < MOST
                orders += [(each, order) for order in of_site]
            return orders, whole, await visit.note_absence()

    orders, whole, runs = asyncio.run(look())
    if as_json:
        told = [scrub(summary(site, order)) for site, order in orders]
        say_json({"orders": told, "complete": whole, "daemon_runs": runs})
        return
    _list(orders, whole=whole)


async def _find(config: ConfigFile, words: str) -> tuple[list[Told], bool | None]:
    clock = SystemClock()
    async with visiting(load(config, os.environ), clock) as visit:
        gathered = await visit.ledger.orders.find(words)
        return [told for each in gathered for told in _named(each, words)], await visit.note_absence()


def _named(gathered: Gathered, words: str) -> list[Told]:
    """The orders that the words mean: whoever asks for one invoice of a donation button wants that one alone."""
    orders = [kept.order for kept in gathered.kept]
    by_name = {story.invoice.id: story for story in gathered.stories}
    meant = [each for each in orders if any(_means(by_name[name], words) for name in each.invoices if name in by_name)]
    return [Told(gathered.group.site, each, gathered.stories) for each in (meant or orders)[-SHOWN:]]


def _means(story: InvoiceStory, words: str) -> bool:
    invoice = story.invoice
    names = {invoice.id, *story.node, *story.chain, *story.repaid}
    names |= {method.destination for method in invoice.methods or ()}
    names |= {known.payment.id for known in story.payments}
    return words.strip() in names


def _show(told: Told) -> None:
    order = told.order
    name = f"order {order.order_id}" if order.order_id else f"invoice {order.id}"
    say(f"{redact(name)} of store {order.store} at {told.site}: {_state(order)}{_until(told)}")
    methods = f" by {', '.join(order.methods)}" if order.methods else ""
    say(f"{written(order.paid, order.currency)} of {written(order.due, order.currency)} credited{methods}")
    for exception in order.exceptions:
        say(f"{exception.trouble}: {redact(exception.sentence)}")
    say()
    steps = timeline(order, told.stories)
    several = len(order.invoices) > 1
    heads = ("at", "source", *(["invoice"] if several else []), "what")
    rows = [
        (moment(step.at), step.source, *([step.invoice or "-"] if several else []), redact(step.what)) for step in steps
    ]
    say_table(heads, rows)
    _show_legs(told)
    say()


def _show_legs(told: Told) -> None:
    several = len(told.order.invoices) > 1
    for leg in told.order.legs:
        blocks = f", {count(leg.blocks, 'block')}" if leg.blocks is not None else ""
        whose = f" of {leg.invoice}" if several else ""
        say(f"{leg.leg} ({leg.rail}){whose}: {duration(leg.seconds)}{blocks}")
    for name, why in unseen(told):
        say(f"{name}: not measured: {why}")


def _state(order: Order) -> str:
    if order.final_at is None:
        return "open"
    return f"{order.outcome} ({order.rail})" if order.rail != "none" else order.outcome


def _until(told: Told) -> str:
    """By when an open order is decided at the latest, as far as its customer goes."""
    if told.order.final_at is not None:
        return ""
    ends = [story.invoice.expires_at for story in told.stories if story.invoice.id in told.order.invoices]
    return f", its last invoice expires at {moment(max(ends))}" if ends else ""


def _list(orders: Sequence[tuple[str, Order]], *, whole: bool) -> None:
    rows = [
        (
            moment(exception.since),
            exception.trouble,
            f"{site}/{order.store}",
            exception.subject,
            f"{'history: ' if order.history else ''}{redact(exception.sentence)}",
        )
        for site, order in orders
        for exception in order.exceptions
    ]
    if rows:
        say_table(("since", "rule", "store", "subject", "what"), rows)
        say()
    more = "" if whole else f" in the newest {MOST:,} orders; ask for a shorter time to see all"
    say(f"{count(len(rows), 'exception')}{more}" if rows else "no exception")
