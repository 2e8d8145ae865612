"""The first page: what stands on it, and what can't get onto it."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from lnwatch.model.assessment import Assessment, LedgerHealth
from lnwatch.model.chain import FeeEstimate
from lnwatch.model.lightning import Channels
from lnwatch.model.money import Msat, msat
from lnwatch.model.probe import ProbeStage
from lnwatch.model.snapshot import Backfill, TargetState
from lnwatch.model.view import Fault, TargetView
from lnwatch.web.pages import words
from lnwatch.web.pages.status import StatusPage, status_page
from tests import assessments as build
from tests import secrets
from tests.web.outline import Outline
from tests.web.stage import Stage

NOW = build.NOW
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


WRITABLE = LedgerHealth(writable=True, trouble="", backend="sqlite")


def page(*targets: TargetView, stuck: str = "", ledger: LedgerHealth = WRITABLE) -> StatusPage:
    return status_page(build.assessment(build.view(*targets), ledger=ledger), NOW, stuck)


def figures(shown: StatusPage) -> dict[str, str]:
    """Every figure of the page by heading and name."""
    groups = [group for site in shown.sites for group in site.figures]
    return {f"{group.title}/{name}": figure for group in groups for name, figure, _ in group.rows}


async def html(current: Callable[[], Assessment | None] = build.merchant, path: str = "/") -> Outline:
    answer = await Stage(current).get(path)
    assert answer.status_code == 200
    return Outline(answer.text)


def test_what_stands_before_the_customers() -> None:
    """NBXplorer's height and bitcoind, and each stage of the visit to the checkout."""
    found = figures(page(*build.shopfront()))
    assert found == {
        "NBXplorer: nbx/Synchronised": "yes",
        "NBXplorer: nbx/Indexed block": "900,000",
        "NBXplorer: nbx/Its bitcoind": "at 900,000",
        "Public address: checkout/Name": "well",
        "Public address: checkout/Connection": "well",
        "Public address: checkout/Certificate": "well",
        "Public address: checkout/Page": "well",
    }


def test_a_checkout_that_fails() -> None:
    """It is told at which stage, by which way, and what was not tried; NBXplorer alone says so."""
    alone = build.nbxplorer_status(synced=False, sync_height=None, chain_height=None, node=None)
    visit = build.probe_status(ProbeStage.CONNECT, via="socks5h://127.0.0.1:9050")
    found = figures(page(*build.shopfront(alone, visit)))
    assert found == {
        "NBXplorer: nbx/Synchronised": "no",
        "NBXplorer: nbx/Indexed block": "none yet",
        "NBXplorer: nbx/Its bitcoind": "does not answer it",
        "Public address: checkout/Name": "well",
        "Public address: checkout/Connection": "fails",
        "Public address: checkout/Certificate": "not tried",
        "Public address: checkout/Page": "not tried",
        "Public address: checkout/By way of": "socks5h://127.0.0.1:9050",
    }


def test_everything_is_well() -> None:
    """One line says so; each source tells state, since when, age, version, network and cost."""
    shown = status_page(build.merchant(), NOW + 2, "")
    assert (shown.mark, shown.headline) == ("good", "Everything that lnwatch watches is up.")
    assert shown.assessed == "2 s ago"
    core, ln1, _ = shown.sites[0].sources
    assert (core.slug, core.kind, core.mark, core.state) == ("core", "bitcoind", "good", "Up")
    assert {name: text for name, text, _ in ln1.facts} == {
        "Since": "1 hour ago",
        "Newest data": "2 s ago",
        "Version": "0.21.2-beta",
        "Network": "regtest",
        "Asked": "1,000 calls",
        "Received": "2.0 MB",
        "Certificate": "ends in 199 days",
    }


def test_lightning_chain_and_machine() -> None:
    """The figures that a merchant looks at first, in whole satoshis and words."""
    channel = build.channel(0, htlcs=(build.htlc(1), build.htlc(2, incoming=False)), local_msat=Msat(4_000_000_999))
    shown = figures(status_page(build.merchant([channel]), NOW, ""))
    assert shown["Lightning: ln1/Channels"] == "1 active, 0 inactive, 1 opening or closing"
    assert shown["Lightning: ln1/Synchronised"] == "yes"
    assert shown["Lightning: ln1/Usable inbound"] == "5,890,280 sat"
    assert shown["Lightning: ln1/Usable outbound"] == "3,900,000 sat"
    assert shown["Lightning: ln1/Largest in one part"] == "5,890,280 sat"
    assert shown["Lightning: ln1/HTLCs in flight"] == "1 in, 1 out; the next expires in 40 blocks"
    assert shown["Lightning: ln1/On-chain wallet"] == "2,000,000 sat and 50,000 sat unconfirmed"
    assert shown["Lightning: ln1/In limbo"] == "900,000 sat"
    assert shown["Chain: core/Height"] == "900,000"
    assert shown["Chain: core/Newest block"] == "5 min ago"
    assert shown["Chain: core/Peers"] == "10 out, 3 in"
    assert shown["Chain: core/Fees, sat/vB"] == "12.345 within 2 blocks, 8 within 6 blocks"
    assert shown["Machine: machine/Disk /data"] == "900.0 GB free, 45 %"
    assert shown["Machine: machine/Process bitcoind"] == "does not run"


def test_what_is_old_is_not_shown_as_true() -> None:
    """Figures that are older than three intervals are left out, and their collectors are called late."""
    shown = status_page(build.merchant(), NOW + 46, "")
    assert figures(shown) == {}
    assert {line.state for line in shown.sites[0].sources[0].collectors} == {"late"}


def test_a_node_that_is_behind() -> None:
    """What is not synchronised is named."""
    node = build.node_status(synced_to_chain=False, wallet_synced=False)
    shown = figures(page(build.target("ln1", "lnd", {"node": node})))
    assert shown["Lightning: ln1/Synchronised"] == "not to the chain and the wallet"


def test_a_chain_that_is_being_fetched() -> None:
    """The first download shows its share, missing figures are words, Core's warnings are passed on."""
    status = build.bitcoind_status(
        initial_block_download=True,
        verification_progress=0.9999,
        fees=(FeeEstimate(2, None), FeeEstimate(6, Decimal("1.00000000")), FeeEstimate(144, Decimal("10.50"))),
        mempool_transactions=None,
        warnings=("Unknown new rules activated",),
    )
    shown = figures(page(build.target("core", "bitcoind", {"status": status})))
    assert shown["Chain: core/First download"] == "99 %"
    assert shown["Chain: core/Fees, sat/vB"] == "1 within 6 blocks, 10.5 within 144 blocks"
    assert shown["Chain: core/Warning"] == "Unknown new rules activated"
    assert "Chain: core/Mempool" not in shown


def test_trouble_says_what_to_do() -> None:
    """A failure has its time, its words, what to do and the missing permission; its site shows sources first."""
    fault = Fault(NOW - 130, "forbidden", "permission denied", "onchain:read")
    lnd = build.lightning_target(Channels(()), state=TargetState.HANGING, detail="GetInfo does not come back")
    lnd = replace(lnd, collectors={**lnd.collectors, "wallet": build.failed("wallet", fault)})
    shown = page(lnd)
    (source,) = shown.sites[0].sources
    assert shown.headline == "Needs a look: ln1 (hangs). 0 of 1 sources are up."
    assert shown.sites[0].troubled
    assert (source.mark, source.detail) == ("bad", "GetInfo does not come back")
    (trouble,) = source.troubles
    assert (trouble.collectors, trouble.since, trouble.message) == ("wallet", "2 min ago", "permission denied")
    assert trouble.advice == (
        "Give lnwatch's credential the permission that is missing. Missing permission: onchain:read."
    )


def test_a_trouble_that_many_collectors_have_is_said_once() -> None:
    """A server that is away fails all that is read from it: one block, with when it last failed."""
    names = [f"reading{number}" for number in range(9)]
    faults = [Fault(NOW - 40 + place, "refused", "127.0.0.1:10009 can't be reached") for place in range(9)]
    failed = {name: build.failed(name, fault) for name, fault in zip(names, faults, strict=True)}
    other = {"wallet": build.failed("wallet", Fault(NOW, "forbidden", "permission denied"))}
    lnd = replace(build.target("ln1", "lnd", {}), collectors={**failed, **other})
    first, second = page(lnd).sites[0].sources[0].troubles
    assert first.collectors == "reading0, reading1, reading2, reading3 and 5 more"
    assert (first.since, first.message) == ("32 s ago", "127.0.0.1:10009 can't be reached")
    assert second.collectors == "wallet"


async def test_commands_are_shown_as_such() -> None:
    """What stands between backticks is code on the page, and no backtick is left."""
    lnd = build.target("ln1", "lnd", {}, state=TargetState.LOCKED, detail="unlock it with `lncli unlock`")
    lnd = replace(lnd, collectors={"node": build.failed("node", Fault(NOW, "locked", "unlock it with `lncli unlock`"))})
    outline = await html(lambda: build.assessment(build.view(lnd)))
    assert "`" not in outline.text
    assert [tag for tag, _ in outline.tags].count("code") >= 2


def test_webhooks_that_can_not_be_proved_say_what_to_do() -> None:
    """Not the usual words for such a failure, for nothing failed there."""
    fault = Fault(NOW - 5, "failed", "a webhook came that is not signed with the secret here", None)
    pay = build.target("pay", "btcpay", {}, version="2.4.1")
    pay = replace(pay, collectors={"hook_stream": build.failed("hook_stream", fault)})
    (source,) = page(pay).sites[0].sources
    (trouble,) = source.troubles
    assert trouble.advice.startswith("Polls go on. Is the secret wrong?")
    assert page(pay).headline == "Every source is up, but not everything can be read from pay."


@pytest.mark.parametrize(
    ("state", "mark", "headline"),
    [
        (TargetState.UP, "good", "Everything that lnwatch watches is up."),
        (TargetState.SYNCING, "wait", "Not serving yet: core (catching up). 0 of 1 sources are up."),
        (TargetState.DOWN, "bad", "Needs a look: core (down). 0 of 1 sources are up."),
        (TargetState.LOCKED, "bad", "Needs a look: core (wallet locked). 0 of 1 sources are up."),
        (None, "wait", "Not serving yet: core (not asked yet). 0 of 1 sources are up."),
    ],
)
def test_headlines(state: TargetState | None, mark: str, headline: str) -> None:
    """The worst state of any source makes the headline."""
    shown = page(build.target("core", "bitcoind", {}, state=state))
    assert (shown.mark, shown.headline) == (mark, headline)


def test_a_partly_readable_source() -> None:
    """A source that is up while one of its collectors fails is not called well."""
    lnd = build.lightning_target()
    collectors = {**lnd.collectors, "wallet": build.failed("wallet", Fault(NOW, "forbidden", "permission denied"))}
    shown = page(replace(lnd, collectors=collectors))
    assert shown.headline == "Every source is up, but not everything can be read from ln1."


def test_lnwatch_s_own_trouble_comes_first() -> None:
    """A stuck engine, then a ledger that can't be written, outrank any source."""
    down = build.target("core", "bitcoind", {}, state=TargetState.DOWN)
    ledger = LedgerHealth(writable=False, trouble="the disk is full", backend="sqlite")
    assert page(down, ledger=ledger).headline == (
        "The ledger can't be written (the disk is full): nothing new is kept until that is mended."
    )
    assert page(down, ledger=ledger, stuck="the last cycle was 90 s ago").headline == (
        "lnwatch itself stands still: the last cycle was 90 s ago. What is shown here is old."
    )


@pytest.mark.parametrize(
    ("history", "text"),
    [
        (Backfill(12_500, 50_000, finished=False), "12,500 of 50,000 rows"),
        (Backfill(1, None, finished=False), "1 row so far"),
        (Backfill(50_000, 50_000, finished=True), None),
    ],
)
async def test_history(history: Backfill, text: str | None) -> None:
    """Back-fill has a bar while it runs, and none once it is done."""
    lnd = build.lightning_target()
    lnd = replace(lnd, collectors={"invoices": build.health("invoices", backfill=history)})
    outline = await html(lambda: build.assessment(build.view(lnd)))
    bars = [attributes for tag, attributes in outline.tags if tag == "progress"]
    assert len(bars) == (0 if text is None else 1)
    assert text is None or text in outline.text


def named(name: str) -> Assessment:
    """An assessment in which everything that others may name bears that name."""
    lnd = build.target("ln1", "lnd", {"node": build.node_status(alias=name)}, version=name, detail=name)
    fault = Fault(NOW, "failed", name, name)
    lnd = replace(lnd, collectors={**lnd.collectors, name: build.failed(name, fault)})
    core = build.target("core", "bitcoind", {"status": build.bitcoind_status(warnings=(name,), subversion=name)})
    disk = replace(build.host_status().disks[0], path=name)
    host = build.target("machine", "host", {"status": build.host_status(disks=(disk,))}, network=name)
    ledger = LedgerHealth(writable=False, trouble=name, backend=name)
    return build.assessment(build.view(lnd, core, host), ledger=ledger)


async def test_hostile_names_stay_text() -> None:
    """Alias, version, detail, warnings, errors and paths can't bring a tag or an attribute onto the page."""
    hostile, harmless = await html(lambda: named(HOSTILE)), await html(lambda: named("harmless"))
    assert [(tag, list(attributes)) for tag, attributes in hostile.tags] == [
        (tag, list(attributes)) for tag, attributes in harmless.tags
    ]
    assert hostile.text.count(HOSTILE) == harmless.text.count("harmless") > 8


async def test_no_secret_reaches_the_page() -> None:
    """What a source says about its credential is covered before it is shown."""
    fault = Fault(NOW, "rejected", f"bad macaroon {secrets.MACAROON.hex()} for {secrets.EMAIL}")
    lnd = build.target("ln1", "lnd", {}, detail=f"preimage={secrets.PREIMAGE}")
    lnd = replace(lnd, collectors={"node": build.failed("node", fault)})
    outline = await html(lambda: build.assessment(build.view(lnd)))
    assert "bad macaroon [redacted]" in outline.text
    assert not secrets.leaked(outline.text)


async def test_works_alone() -> None:
    """No script, no inline style, nothing from elsewhere; the page asks for itself again."""
    outline = await html()
    assert not [tag for tag, attributes in outline.tags if tag == "script" or "style" in attributes or tag == "style"]
    links = [value for _, attributes in outline.tags for name, value in attributes.items() if name in {"src", "href"}]
    assert links
    assert not [link for link in links if link is None or "//" in link or link.startswith("/")]
    assert ("meta", {"http-equiv": "refresh", "content": "15"}) in outline.tags
    assert ("html", {"lang": "en"}) in outline.tags


async def test_tables_stay_open() -> None:
    """Tables of collectors are folded away, or open across refreshes where the address says so."""
    folded, opened = await html(), await html(path="/?collectors=all")
    assert [attributes for tag, attributes in folded.tags if tag == "details"] == [{}] * 3
    assert [attributes for tag, attributes in opened.tags if tag == "details"] == [{"open": None}] * 3


async def test_before_the_first_cycle() -> None:
    """A page that knows nothing yet says so, and says when that lasts too long."""
    assert "lnwatch has just started" in (await html(lambda: None)).text
    assert status_page(None, NOW, "no first cycle after 61 s").headline == "no first cycle after 61 s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_600, "1 hour"), (7_300, "2 hours"), (90_000, "1 day")],
)
def test_spans(seconds: float, text: str) -> None:
    """Lengths of time in their largest unit."""
    assert words.span(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"), (5e15, "5,000.0 TB")],
)
def test_sizes(count: float, text: str) -> None:
    """Bytes in their largest unit."""
    assert words.size(count) == text


def test_amounts_and_shares_are_not_rounded_up() -> None:
    """Nobody is shown a satoshi or a per cent that is not there."""
    assert words.amount(msat(1_000_000) - 1) == "999,999 sat"
    assert words.percent(999_999, 1_000_000) == "99 %"
    assert words.percent(1, 0) == ""


@pytest.mark.parametrize("at", [1e300, -1e300, float("nan")])
def test_times_out_of_this_world(at: float) -> None:
    """A time that no calendar has is left blank."""
    assert words.instant(at) == ""


def test_every_failure_has_its_advice() -> None:
    """Each reason of the closed list says what to do; an unknown one says nothing."""
    assert {words.advice(reason) for reason in words.ADVICE} == set(words.ADVICE.values())
    assert words.advice("something new") == ""
