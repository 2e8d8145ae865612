"""`python -m tests.stories FILE...`: one line of JSON for each order of each recording."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import structlog

from lnwatch.sources.btcpay.parsing import decode
from tests.stories.faults import play_fault
from tests.stories.play import Outcome, opened, play_story


def lines(outcome: Outcome) -> Iterator[dict[str, object]]:
    """What is printed. A recording without an order has a line of its own when somebody was told of something."""
    for order in outcome.orders:
        yield {
            "order": order.order_id or order.id,
            "outcome": order.outcome.value,
            "rail": order.rail.value,
            "methods": [method.value for method in order.methods],
            "paid": str(order.paid),
            "due": str(order.due),
            "currency": order.currency,
            "evidence": list(dict.fromkeys(each.proof.value for each in order.evidence)),
            "cases": list(outcome.cases_of(order)),
            "invoices": list(order.invoices),
            "business": order.business,
            "refunded": order.refunded_at is not None,
        }
    if not outcome.orders and outcome.of_site:
        yield {"order": None, "cases": list(outcome.of_site)}


async def play(paths: list[Path]) -> None:
    """Play each, and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as (ledger, clock):
            for path in paths:
                one = play_fault if "fault" in decode(path.read_bytes()) else play_story
                for line in lines(await one(ledger, clock, path)):
                    sys.stdout.write(f"{json.dumps(line)}\n")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.stories", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(play(parser.parse_args().files))


if __name__ == "__main__":
    main()
