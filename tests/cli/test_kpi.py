"""`lnwatch kpi` shows what the ledger adds up to, with what each share stands on."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lnwatch.clock import SystemClock
from lnwatch.domain.tally import contribution
from lnwatch.model.kpi import CanPay, PayabilitySpan
from lnwatch.model.money import msat
from lnwatch.model.order import Evidence, Leg, Order, Outcome, Proof, Rail
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.store import Group, GroupChange, Kept, LedgerSettings, open_ledger
from lnwatch.store.orders.values import Taken
from tests.cli.commands import invoke
from tests.domain.purchases import failed, leg, order

CONFIG = """
data_dir = "data"
[site.main.btcpay.pay]
url = "https://pay.example.org"
api_key = "0123456789abcdef0123456789abcdef01234567"
stores = { shop = "C8H1", bar = "D9J2" }
[site.main.lnd.ln1]
address = "ln:10009"
macaroon = "0201036c6e64"
[site.main.orders]
nodes = { shop = "ln1" }
[site.main.kpis.stores.shop]
payment_success = 0.9
daily_volume = "700_000 sat"
[site.other.host.here]
"""
DAY = 86_400.0
LATE = Evidence(Proof.PAID_LATE, "pay", "inv1", 0.0, Rail.LIGHTNING, "It was paid after it expired.")


def bought(now: float) -> list[Order]:
    """Nineteen that settled within 5 s, one that failed, two that nobody paid, one that fell back and was refunded; one
    of the bar."""
    legs = (leg(Leg.ACCEPT_SETTLE, Rail.LIGHTNING, 2.0, at=now - 60),)
    usual = order(created_at=int(now) - 90, settled_at=now - 60, final_at=now - 60, legs=legs)
    lately: dict[str, Any] = {"created_at": int(now) - 4_000, "final_at": now - 60}
    return [
        *(replace(usual, id=f"inv{number}") for number in range(19)),
        failed(Outcome.FAILED, id="failed", evidence=(LATE,), **lately),
        *(failed(Outcome.UNEXPLAINED, Rail.NONE, id=f"left{number}", **lately) for number in range(2)),
        replace(
            usual,
            id="chain",
            rail=Rail.ONCHAIN,
            refunded_at=now,
            legs=(leg(Leg.SEEN_CONFIRMED, Rail.ONCHAIN, 480, 1, at=now - 60),),
        ),
        replace(usual, id="beer", store="bar", legs=()),
    ]


@pytest.fixture
def left(folder: Path) -> None:
    """A ledger as a daemon left it; for 36 s of the last hour nobody could pay at the shop, but for maintenance."""
    (folder / "lnwatch.toml").write_text(CONFIG)
    (folder / "data").mkdir()
    now = SystemClock().now()
    answers = [(now - 40 * DAY, CanPay.YES), (now - 1_000, CanPay.NO), (now - 864, CanPay.YES)]
    spans = [PayabilitySpan("shop", Rail.LIGHTNING, at, answer) for at, answer in answers]
    window = Silence("m", SilenceKind.MAINTENANCE, "anna", "cables", now - 1_100, now - 900, site="main")

    async def write() -> None:
        ledger = await open_ledger(LedgerSettings(), folder / "data", SystemClock())
        changes = [
            GroupChange(Group("main", each.store, f"invoice:{each.id}"), Taken(0, 0, False), (kept,))
            for each in bought(now)
            for kept in [Kept(each, contribution(each), None)]
        ]
        assert await ledger.orders.commit(changes) == len(changes)
        await ledger.orders.note_payability("main", spans)
        await ledger.put_silence(window)
        await ledger.close()

    asyncio.run(write())


def told(*arguments: str) -> dict[str, Any]:
    result = invoke("kpi", "--json", *arguments)
    assert result.exit_code == 0
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def figure(document: dict[str, Any], kpi: str, store: str, rail: str | None, window: int = 3_600) -> dict[str, Any]:
    (found,) = (
        each
        for each in document["kpis"]
        if (each["kpi"], each["store"], each["rail"], each["window"], each["source"]) == (kpi, store, rail, window, "")
    )
    return dict(found)


@pytest.mark.usefixtures("left")
def test_what_the_ledger_adds_up_to() -> None:
    """Each figure with its events, its interval and the target that is set for that store."""
    document = told()
    assert document["daemon_runs"] is False
    for window in (3_600, 86_400, 604_800, 2_592_000):
        shop = figure(document, "payment_success", "shop", "lightning", window)
        assert (shop["events"], shop["bad"], shop["ratio"], shop["target"]) == (20, 1, 0.95, 0.9)
        assert (round(shop["low"], 3), round(shop["high"], 3)) == (0.764, 0.991)
    assert figure(document, "payment_success", "bar", None)["target"] == 0.95
    assert figure(document, "payment_success", "", None)["events"] == 22
    assert figure(document, "lightning_fast", "shop", "lightning")["mean_seconds"] == 2.0
    assert figure(document, "refund", "shop", None)["bad"] == figure(document, "fallback", "shop", None)["bad"] == 1
    uptime = figure(document, "uptime", "shop", "lightning")
    assert (uptime["events"], uptime["bad"]) == (3_400, 36)
    assert uptime["low"] is None
    why = [each for each in document["causes"] if (each["store"], each["window"]) == ("shop", 2_592_000)]
    assert [(each["cause"], each["orders"]) for each in why] == [("paid_late", 1), ("unexplained", 2)]
    (demand,) = document["demand"]
    assert (demand["node"], demand["daily_msat"], demand["days"], demand["sure"]) == ("ln1", msat(700_000), 0, False)
    assert (demand["median_msat"], demand["tickets"], demand["cover"]) == (msat(20_000), 20, None)


@pytest.mark.usefixtures("left")
def test_people_read_what_it_stands_on() -> None:
    """No share is shown bare: how many of how many, and between what the true one lies."""
    result = invoke("kpi", "--store", "shop")
    assert result.exit_code == 0
    assert result.stderr == "lnwatch: the daemon does not run: this is how it left things\n"
    assert result.stdout.startswith("site main, store shop\nkpi ")
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert (
        "payment success lightning 19 of 20, 95 % (76-99) 19 of 20, 95 % (76-99) 19 of 20, 95 % (76-99) "
        "19 of 20, 95 % (76-99) > 90 %"
    ) in rows
    assert any(row.startswith("quick over Lightning lightning 19 of 19, 100 % (83-100), mean 2 s") for row in rows)
    assert any(row.startswith("quick on the chain onchain 1 of 1, 100 % (21-100), mean 8 min") for row in rows)
    shown = "uptime lightning 98.941 % of 56 min 40 s, down 36 s"
    assert any(row.startswith(shown) and row.endswith("> 99.9 %") for row in rows)
    assert any(row.startswith("refunded all 1 of 20, 5 % (1-24)") and row.endswith("< 1 %") for row in rows)
    assert any(row.startswith("fell back to the chain all") and row.endswith("its own past") for row in rows)
    assert "did not settle in 30d: 2 unexplained, 1 paid late" in rows
    assert rows[-1] == (
        "node ln1 is expected to receive 700,000 sat a day (0 days known, too few to be sure); "
        "tickets: median 20,000 sat, p95 20,000 sat"
    )


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--site", "mian"), "there is no site `mian`; did you mean `main`?"),
        (("--store", "shopp"), "there is no store `shopp`; did you mean `shop`?"),
    ],
)
def test_names_that_are_not_there(arguments: tuple[str, ...], words: str) -> None:
    """What is misspelt is said in one line, with the nearest that there is."""
    result = invoke("kpi", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.usefixtures("left")
def test_a_site_without_stores_has_none() -> None:
    """There is nothing to measure."""
    document = told("--site", "other")
    assert (document["kpis"], document["demand"]) == ([], [])


def test_before_anything_was_read(folder: Path) -> None:
    """A new ledger says so."""
    (folder / "lnwatch.toml").write_text(CONFIG)
    (folder / "data").mkdir()

    async def write() -> None:
        await (await open_ledger(LedgerSettings(), folder / "data", SystemClock())).close()

    asyncio.run(write())
    lines = invoke("kpi").stdout.splitlines()
    assert lines[::2][:3] == [
        f"site main, {place}: nothing is known yet" for place in ("all stores", "store bar", "store shop")
    ]
