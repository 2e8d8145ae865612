"""The rules as a whole: what the catalogue fixes, and that each rule has its test and its runbook."""

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lnwatch import rules
from lnwatch.discover import discover
from lnwatch.model.rule import Owner, Rule, Scope, Severity

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "runbooks"
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation"]

C, W, I = Severity.CRITICAL, Severity.WARNING, Severity.INFO  # noqa: E741 - as the catalogue writes them
ONCALL, OPERATORS, TREASURY, SECURITY = Owner.ONCALL, Owner.OPERATORS, Owner.TREASURY, Owner.SECURITY
SUPPORT = Owner.SUPPORT
MINUTE = 60.0


class Row(NamedTuple):
    """`severities` are all that a rule may find; `after` in seconds, None where the rule sets its own."""

    severities: tuple[Severity, ...]
    owner: Owner
    after: float | None = 0.0


CATALOGUE = {
    "bitcoind_down": Row((C,), ONCALL, MINUTE),
    "bitcoind_behind": Row((C,), ONCALL, 5 * MINUTE),
    "bitcoind_no_peers": Row((C,), ONCALL, 5 * MINUTE),
    "chain_stalled": Row((I,), OPERATORS),
    "reorg_deep": Row((W,), OPERATORS),
    "mempool_storm": Row((I,), TREASURY, 15 * MINUTE),
    "nbxplorer_down": Row((C,), ONCALL, 2 * MINUTE),
    "nbxplorer_behind": Row((C,), ONCALL, 2 * MINUTE),
    "lightning_down": Row((C,), ONCALL, MINUTE),
    "lightning_locked": Row((C,), ONCALL, MINUTE),
    "lightning_not_synced": Row((C,), ONCALL, 5 * MINUTE),
    "source_slow": Row((W,), OPERATORS, 10 * MINUTE),
    "source_stale": Row((W,), OPERATORS),
    "credential_rejected": Row((C,), ONCALL, MINUTE),
    "credential_missing_permission": Row((W,), OPERATORS),
    "credential_too_strong": Row((I,), SECURITY),
    "wrong_network": Row((C,), ONCALL),
    "version_unsupported": Row((I,), OPERATORS),
    "tls_expiring": Row((W, C), OPERATORS),
    "checkout_unreachable": Row((C,), ONCALL, MINUTE),
    "btcpay_down": Row((C,), ONCALL, 2 * MINUTE),
    "btcpay_degraded": Row((W, C), OPERATORS, 5 * MINUTE),
    "unpayable_invoices": Row((C,), TREASURY, 2 * MINUTE),
    "settlement_slow": Row((W,), OPERATORS, 10 * MINUTE),
    "onchain_slow": Row((I,), OPERATORS),
    "shop_webhooks_failing": Row((W,), OPERATORS, 5 * MINUTE),
    "rate_stale": Row((C, W), ONCALL, 5 * MINUTE),
    "inbound_cover_low": Row((W,), TREASURY, 15 * MINUTE),
    "inbound_exhausted": Row((C,), TREASURY, MINUTE),
    "largest_ticket_not_receivable": Row((W,), TREASURY, 15 * MINUTE),
    "refund_float_low": Row((W,), TREASURY, 15 * MINUTE),
    "hot_balance_high": Row((W,), TREASURY, 60 * MINUTE),
    "peer_concentration": Row((I,), TREASURY, 24 * 60 * MINUTE),
    "host_disk_low": Row((C,), ONCALL, 5 * MINUTE),
    "host_memory_low": Row((W,), ONCALL, 5 * MINUTE),
    "clock_skew": Row((W,), ONCALL, 5 * MINUTE),
    "restart_overrun": Row((C,), ONCALL),
    "channel_inactive": Row((C, W), ONCALL, 10 * MINUTE),
    "peer_flapping": Row((I,), OPERATORS, 10 * MINUTE),
    "htlc_near_expiry": Row((W, C), ONCALL),
    "invoice_held": Row((C,), ONCALL),
    "force_close": Row((C,), TREASURY),
    "breach": Row((C,), SECURITY),
    "limbo_overdue": Row((W,), TREASURY),
    "backup_stale": Row((C,), ONCALL, 10 * MINUTE),
    "watchtower_behind": Row((W,), OPERATORS, 30 * MINUTE),
    "anchor_reserve_short": Row((W,), TREASURY, 15 * MINUTE),
    "paid_not_settled": Row((C,), SUPPORT),
    "paid_late": Row((W,), SUPPORT),
    "paid_partial": Row((W,), SUPPORT),
    "paid_over": Row((W,), SUPPORT),
    "paid_twice": Row((W,), SUPPORT),
    "invoice_regressed": Row((C,), SUPPORT),
    "delivery_failing": Row((W,), OPERATORS, None),
    "ledger_trouble": Row((W,), OPERATORS, None),
    "loop_stalled": Row((W,), OPERATORS, None),
    "clock_jump": Row((W,), OPERATORS, None),
    "rule_broken": Row((W,), OPERATORS, None),
    "stream_gap": Row((W,), OPERATORS, None),
}
NEVER_MUTED = {"htlc_near_expiry", "invoice_held", "force_close", "breach"}

# Commands of lncli and bitcoin-cli that move money, bind it or give it up.
MOVES_MONEY = re.compile(
    r"\b(sendcoins|sendmany|sendtoaddress|sendpayment|payinvoice|openchannel|closechannel|closeallchannels|"
    r"abandonchannel|bumpfee|bumpclosefee|bumpforceclosefee|restorechanbackup|settleinvoice|cancelinvoice)\b"
)

RULES: dict[str, Rule[Any]] = discover(rules, "RULE", Rule)
each_rule = pytest.mark.parametrize("rule", [pytest.param(rule, id=stem) for stem, rule in RULES.items()])
each_fixed_rule = pytest.mark.parametrize(
    "rule", [pytest.param(rule, id=stem) for stem, rule in RULES.items() if stem in CATALOGUE]
)


def test_the_room_holds_the_catalogue() -> None:
    """No rule of it is missing; what comes beside it is held to everything below but its fixed figures."""
    assert set(CATALOGUE) <= set(RULES)


def test_a_rule_is_named_as_its_file() -> None:
    """One stem everywhere: file, id, and thereby test, runbook and label value."""
    assert {stem: rule.id for stem, rule in RULES.items()} == {stem: stem for stem in RULES}


@each_fixed_rule
def test_a_rule_is_as_the_catalogue_has_it(rule: Rule[Any]) -> None:
    """Severity, owner and `for` are fixed there, and only the four about money at risk are never muted."""
    row = CATALOGUE[rule.id]
    assert rule.severity in row.severities
    assert rule.owner is row.owner
    assert row.after is None or rule.after == row.after


@each_rule
def test_a_rule_says_what_it_takes(rule: Rule[Any]) -> None:
    """Coverage must tell what to configure or grant; nobody but the four about money at risk is never muted."""
    assert rule.grant or rule.scope is Scope.DAEMON
    assert rule.never_muted is (rule.id in NEVER_MUTED)


@each_fixed_rule
def test_no_finding_is_worse_than_the_catalogue(rule: Rule[Any]) -> None:
    """A rule may find something milder than it is known for, never something that pages out of turn."""
    named = {
        Severity[node.attr]
        for node in ast.walk(source_of(rule))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Severity"
    }
    worst = max(severity.rank for severity in CATALOGUE[rule.id].severities)
    assert max(severity.rank for severity in named) <= worst


@each_rule
def test_parents_exist_and_lead_to_a_root(rule: Rule[Any]) -> None:
    """A rule that inhibits itself, over however many others, would never be told."""
    above, seen = list(rule.parents), set[str]()
    while above:
        parent = above.pop()
        assert parent in CATALOGUE or parent in RULES
        assert parent != rule.id
        if parent in RULES and parent not in seen:
            seen.add(parent)
            above.extend(RULES[parent].parents)


@each_rule
def test_thresholds_have_defaults(rule: Rule[Any]) -> None:
    """A frozen dataclass of plain figures that can be made of nothing."""
    thresholds = rule.thresholds()
    assert dataclasses.is_dataclass(thresholds)
    assert type(thresholds).__doc__
    for field in dataclasses.fields(thresholds):
        assert isinstance(getattr(thresholds, field.name), int | float), field.name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thresholds, field.name, 1)


@each_rule
def test_a_rule_has_a_test(rule: Rule[Any]) -> None:
    """And it tests that rule."""
    text = (Path(__file__).parent / f"test_{rule.id}.py").read_text()
    assert f"lnwatch.rules.{rule.id}" in text


@each_rule
def test_sentences_end_with_a_full_stop(rule: Rule[Any]) -> None:
    """A finding is one whole sentence, wherever in its module it is put together."""
    tree = source_of(rule)
    sentences = list(sentences_of(tree))
    assert sentences
    for sentence in sentences:
        endings = list(endings_of(sentence, tree))
        assert endings, f"line {sentence.lineno}: the sentence's end can't be seen"
        for ending in endings:
            assert ending.endswith("."), ending
            assert not ending.endswith(".."), ending


@each_rule
def test_a_rule_has_a_runbook(rule: Rule[Any]) -> None:
    """With its headings in order, an opening sentence, and as long as somebody reads at night."""
    lines = (RUNBOOKS / f"{rule.id}.md").read_text().splitlines()
    headings = [line for line, inside in in_code(lines) if not inside and line.startswith("#")]
    assert headings == [f"# {rule.id}", *(f"## {heading}" for heading in HEADINGS)]
    opening = " ".join(lines[1 : lines.index("## Meaning")]).strip()
    assert opening.endswith(".")
    assert 35 <= len(lines) <= 70


@each_rule
def test_a_runbook_gives_commands_for_both_homes(rule: Rule[Any]) -> None:
    """The first command answers whether it is real; each home has its own."""
    diagnosis = section(rule.id, "Diagnosis")
    assert "```" in diagnosis
    assert "is it real" in diagnosis.partition("```")[0].lower()
    text = (RUNBOOKS / f"{rule.id}.md").read_text()
    assert "btcpayserver-docker" in text
    assert "bare installation" in text.lower()


@each_rule
def test_a_runbook_warns_before_it_moves_money(rule: Rule[Any]) -> None:
    """The box stands above the first command that could cost something."""
    warned = False
    for line, inside in in_code((RUNBOOKS / f"{rule.id}.md").read_text().splitlines()):
        warned = warned or line.startswith("> **Warning**: ")
        assert warned or not (inside and MOVES_MONEY.search(line)), line


@each_rule
def test_a_runbook_stands_on_its_own(rule: Rule[Any]) -> None:
    """At night and offline: no links out of the house, and none to a runbook that is not there."""
    text = (RUNBOOKS / f"{rule.id}.md").read_text()
    assert "](http" not in text
    for name in re.findall(r"\]\(([^)#]+)", text):
        assert (RUNBOOKS / name).is_file(), name


def test_no_runbook_is_an_orphan() -> None:
    """Every file there belongs to a rule."""
    assert {path.stem for path in RUNBOOKS.iterdir()} == set(RULES)
    assert {path.suffix for path in RUNBOOKS.iterdir()} == {".md"}


def source_of(rule: Rule[Any]) -> ast.Module:
    return ast.parse((ROOT / "src" / "lnwatch" / "rules" / f"{rule.id}.py").read_text())


def sentences_of(tree: ast.Module) -> Iterator[ast.expr]:
    """What is given to each Finding as its sentence."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            named = [keyword.value for keyword in node.keywords if keyword.arg == "sentence"]
            yield (named or node.args[1:2])[0]


def endings_of(expression: ast.expr, tree: ast.Module) -> Iterator[str]:
    """How the text of an expression can end, as far as the module alone tells."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value
    for tail in tails_of(expression, tree):
        yield from endings_of(tail, tree)


def tails_of(expression: ast.expr, tree: ast.Module) -> list[ast.expr]:
    """The expressions that a text ends with: its last part, its branches, what a name or a function stands for."""
    match expression:
        case ast.JoinedStr(values=[*_, last]):
            return [last]
        case ast.BinOp(op=ast.Add(), right=right):
            return [right]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.Name(id=name):
            assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
            return [node.value for node in assigned if name in map(ast.unparse, node.targets)]
        case ast.Call(func=ast.Name(id=name)):
            functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
            returns = [node for function in functions for node in ast.walk(function) if isinstance(node, ast.Return)]
            return [node.value for node in returns if node.value is not None]
    return []


def section(rule: str, heading: str) -> str:
    text = (RUNBOOKS / f"{rule}.md").read_text()
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def in_code(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it stands in a block of code, the fences included."""
    inside = False
    for line in lines:
        fence = line.lstrip().startswith("```")
        yield line, inside or fence
        inside = inside is not fence
