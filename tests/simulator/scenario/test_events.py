import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from lnwatch.simulator.scenario import Scenario, shipped
from lnwatch.simulator.scenario.alone import events
from lnwatch.simulator.scenario.causes import CAUSES

BEGIN = datetime(2026, 3, 3, 14, tzinfo=UTC)


def scenario(*causes: dict[str, Any], lasts: str = "2h", **more: object) -> Scenario:
    base = {"about": "x", "seed": "one", "begin": BEGIN, "stores": {"games": 800}, "history": "6h"}
    return Scenario.model_validate({**base, "lasts": lasts, "causes": causes, **more})


def told(of: Scenario, begin: float = 0, end: float = 7_200) -> list[dict[str, Any]]:
    """Events between two moments, seconds from the beginning."""
    found = [json.loads(line) for line in events(of)]
    first = int(BEGIN.timestamp() * 1_000)
    return [each for each in found if begin * 1_000 <= each["at"] - first < end * 1_000]


@pytest.mark.parametrize("name", shipped())
def test_a_file_makes_one_log(name: str) -> None:
    """Twice the same, by time, with its causes and its truth at their moments."""
    found = Scenario.read(shipped()[name])
    lines = events(found)
    assert events(found) == lines
    at = [json.loads(line)["at"] for line in lines]
    assert at == sorted(at)
    kinds = Counter(json.loads(line)["what"] for line in lines)
    assert (kinds["Cause"], kinds["Truth"]) == (2 * len(found.causes), 2 * len(found.opens))


def wrong(what: str, lasts: str = "60m", **more: object) -> dict[str, Any]:
    return {"what": what, "at": "30m", "lasts": lasts, **more}


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (wrong("btcpay_down"), "InvoiceMade"),
        (wrong("nbxplorer_hangs"), "InvoiceMade"),
        (wrong("lnd_hangs"), "HtlcsAdded"),
        (wrong("upstream", amount=1), "HtlcsAdded"),
        (wrong("drought"), "BlockMined"),
    ],
)
def test_what_is_wrong_stops_what_it_stops(cause: dict[str, Any], kind: str) -> None:
    """It happened before, not while it lasts, and happens again after."""
    of = scenario(cause, lasts="150m")
    before, during, after = (
        Counter(each["what"] for each in told(of, *window)) for window in ((0, 1_800), (1_830, 5_400), (5_400, 9_000))
    )
    assert (before[kind] > 0, during[kind], after[kind] > 0) == (True, 0, True)


def test_the_past_is_not_changed_by_what_comes() -> None:
    """Until the first cause a scenario is that without any."""
    plain, hurt = (told(scenario(*causes), 0, 1_800) for causes in ((), (wrong("lnd_down"),)))
    assert plain == hurt


def every_way(name: str) -> list[dict[str, Any]]:
    """Whom a cause can happen to, and how."""
    kind = CAUSES[name]
    amount = {"amount": 20} if kind.amount else {}
    if not kind.whom:
        return [{**amount, **({"who": "harbour"} if kind.who else {})}]
    return [{**amount, "who": who, "kind": each} for who, kinds in kind.whom.items() for each in kinds or ("",)][:3]


@pytest.mark.parametrize(
    ("name", "takes"),
    [(name, each) for name, kind in CAUSES.items() if not kind.at_once for each in every_way(name)],
)
def test_every_cause_ends(name: str, takes: dict[str, Any]) -> None:
    """Afterwards nothing stands in the customers' way any more."""
    of = scenario({"what": name, "at": "1m", "lasts": "5m", **takes}, lasts="30m")
    phases = [each["phase"] for each in told(of) if each["what"] == "Cause"]
    assert phases == ["begins", "ends"]
    after = [each for each in told(of, 600) if each["what"] == "InvoiceMade"]
    assert any("BTC-LN" in each["methods"] for each in after)
