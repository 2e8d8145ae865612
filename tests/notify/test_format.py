"""Messages in words: compared whole, cut without losing what matters, and without secrets."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.model.case import CaseState, Transition
from lnwatch.model.message import Message, runbook_url
from lnwatch.notify._format import Text, change, cut, fit, plain, render
from lnwatch.notify.slack.blocks import FALLBACK, SECTION, TOTAL, blocks, escape, fallback, units
from lnwatch.simulator.block_kit import content_error
from tests import secrets
from tests.notify.goldens import FOLDER, MESSAGES, shown
from tests.notify.notices import LINKS, Marking, message, mixed, notice, storm

RUNBOOK = runbook_url(LINKS, "lightning_down")
ANYTHING = st.text(st.characters(), max_size=400)  # lone surrogates included
LONG = st.one_of(ANYTHING, st.builds(lambda piece, times: piece * times, ANYTHING, st.integers(1, 60)))


def messages() -> st.SearchStrategy[Message]:
    """One case whose every text may be anything, of any length."""
    facts = st.dictionaries(ANYTHING, LONG, max_size=40)
    traits = st.fixed_dictionaries({"sentence": LONG, "facts": facts, "actor": LONG, "note": LONG, "root": LONG})
    return st.builds(
        lambda transition, found, marking: message(notice(transition, **found), marking=marking),
        st.sampled_from(Transition),
        traits,
        st.sampled_from(Marking),
    )


@pytest.mark.parametrize("name", MESSAGES)
def test_message_reads_as_it_should(name: str) -> None:
    """Title, text, thread reply, Slack's text and blocks are those of the golden file, to the letter."""
    assert shown(MESSAGES[name]) == (FOLDER / f"{name}.txt").read_text()


def test_no_golden_file_without_a_message() -> None:
    """Every file of the folder belongs to a message."""
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(MESSAGES)


@given(messages())
def test_slack_takes_whatever_a_case_holds(sent: Message) -> None:
    """Every message is within Slack's limits, with its sentence and the runbook's link still there."""
    text = render(sent)
    made = blocks(text)
    assert content_error({"text": fallback(text), "blocks": made}, text_limit=4_000) == ""
    assert RUNBOOK in json.dumps(made)
    assert RUNBOOK in fallback(text)
    assert any(block["type"] == "section" and "text" in block for block in made)


@given(messages(), st.integers(600, 5_000))
def test_plain_text_is_cut_at_its_least_important_part(sent: Message, limit: int) -> None:
    """Whatever the limit, what is left has the sentence's beginning and the links, before any line or fact."""
    text = render(sent)
    told = plain(text, limit)
    assert len(told) <= limit
    assert RUNBOOK in told
    assert text.sentence[:100] in told
    if text.lines and text.lines[0] not in told:
        assert not any(f"{name}: {value}" in told.splitlines() for name, value in text.facts if len(value) > 50)


def test_facts_go_first_then_lines_and_the_sentence_last() -> None:
    """The order in which a message is given up, one step after the other."""
    text = Text("", "title", "s" * 100, ("line one", "line two"), (("a", "1"), ("b", "2")), (("Runbook", "u"),))

    def size(tried: Text) -> int:
        return len(tried.sentence) + sum(map(len, tried.lines)) + 10 * len(tried.facts)

    left = [fit(text, limit, size) for limit in (136, 126, 116, 108, 100, 50)]
    assert [(len(each.facts), len(each.lines)) for each in left] == [(2, 2), (1, 2), (0, 2), (0, 1), (0, 0), (0, 0)]
    assert [len(each.sentence) for each in left[:-1]] == [100] * 5
    assert size(left[-1]) <= 50
    assert all(each.links == text.links for each in left)


@given(ANYTHING, st.integers(1, 500))
def test_escaped_text_holds_no_markup_and_no_half_escape(text: str, limit: int) -> None:
    """Control characters are escaped; unescaped again, it is the beginning of the text."""
    told = escape(text, limit)
    assert units(told) <= limit
    assert not {"<", ">"} & set(told)
    kept = told.removesuffix("…") if told != text else told
    plainly = kept.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert text.startswith(plainly)
    assert escape(plainly, 10_000) == kept


@given(st.text(max_size=50), st.integers(1, 60))
def test_cut_never_exceeds_and_marks_what_it_cut(text: str, limit: int) -> None:
    """What fits stays as it is; what does not ends in an ellipsis."""
    told = cut(text, limit)
    assert len(told) <= limit
    assert told == text if len(text) <= limit else told.endswith("…")


@pytest.mark.parametrize("marking", Marking)
@pytest.mark.parametrize("transition", Transition)
def test_no_secret_leaves_in_any_field(transition: Transition, marking: Marking) -> None:
    """A secret in whatever a rule or a person wrote is covered in every form of every message."""
    planted = (secrets.MACAROON.hex(), f"preimage {secrets.PREIMAGE}", secrets.PAYMENT_REQUEST, secrets.EMAIL)
    words = " ".join(planted)
    facts: Mapping[str, str] = {"macaroon": secrets.RUNE, "token": secrets.TOKEN, "note": words, words: "x"}
    risky = notice(transition, sentence=words, facts=facts, actor=secrets.EMAIL, note=words, root=words)
    single, many = message(risky, marking=marking), message(*[risky] * 12, marking=marking)
    assert secrets.leaked(shown(single) + shown(many)) == []


def test_secret_in_a_subject_does_not_leave_by_a_link() -> None:
    """A subject that holds a secret is covered where it is shown and where it is linked."""
    assert secrets.leaked(shown(message(notice(subject=f"invoice:{secrets.PAYMENT_REQUEST}")))) == []


def test_digest_names_the_root_first_and_counts_the_rest() -> None:
    """The root is on top though it came last, then kinds by severity, with how many of each."""
    text = render(message(*mixed()))
    assert text.sentence == "Most of it comes from bitcoind_down source:core."
    assert [line.split(":")[0] for line in text.lines] == [
        "🔴 CRITICAL bitcoind_down, opened",
        "🔴 7x CRITICAL lightning_down, opened",
        "🟠 4x WARNING channel_inactive, opened",
        "✅ host_disk_low, resolved",
    ]
    assert text.links[0][1] == runbook_url(LINKS, "bitcoind_down")


def test_digest_links_the_root_that_was_told_before() -> None:
    """Where the root itself is not among what is told, its runbook is still the one to read."""
    assert render(message(*storm(12))).links[0][1] == runbook_url(LINKS, "bitcoind_down")


def test_digest_without_a_root_leads_with_the_worst() -> None:
    """Nothing in common: the sentence and the runbook are those of the most severe."""
    found = [notice(subject=f"node:{number}", root="") for number in range(11)]
    text = render(message(*found))
    assert text.sentence == found[0].sentence
    assert text.links[0][1] == RUNBOOK


def test_digest_tells_a_case_once_as_it_stands_now() -> None:
    """Of two changes of one case only the newest is told."""
    opened = storm(11)
    text = render(message(*opened, *[notice(Transition.RESOLVED, subject=each.fingerprint.subject) for each in opened]))
    assert text.title == "11 cases at main: 11 resolved"
    assert text.icon == "✅"


def test_digest_of_many_kinds_is_short() -> None:
    """Over a dozen kinds, the rest is counted."""
    found = [notice(rule=f"rule_{number}", subject=f"node:{number}") for number in range(40)]
    text = render(message(*found))
    assert len(text.lines) == 13
    assert text.lines[-1] == "… and 28 more cases of 28 other kinds"


@given(st.lists(st.builds(notice, st.sampled_from(Transition), subject=LONG, rule=ANYTHING, sentence=LONG), min_size=2))
def test_slack_takes_every_digest(found: list[object]) -> None:
    """A digest of anything is within Slack's limits."""
    text = render(message(*found))  # type: ignore[arg-type]  # notices
    made = blocks(text)
    assert content_error({"text": fallback(text), "blocks": made}, text_limit=4_000) == ""
    assert units(json.dumps(made, ensure_ascii=False)) <= TOTAL
    assert units(fallback(text)) <= FALLBACK


def test_reply_in_a_shared_thread_names_its_case() -> None:
    """In a thread of many cases each reply says which one it is about."""
    assert change(message(notice(Transition.RESOLVED)), named=True) == (
        "lightning_down node:ln1 at main: Resolved by itself after 1 h."
    )


def test_sentence_is_as_long_as_slack_allows() -> None:
    """A long sentence fills its section and no more."""
    made = blocks(render(message(notice(sentence="Xy, " * 1_500, facts={}))))
    assert SECTION - 2 <= units(made[1]["text"]["text"]) <= SECTION


def test_every_state_has_its_own_look() -> None:
    """Who can't tell colours apart, or sees no emoji, reads the state in the title's first word."""
    titles = {
        state: render(message(notice(transition, state=state))).title.split()[0].rstrip(":")
        for state, transition in (
            (CaseState.OPEN, Transition.OPENED),
            (CaseState.ACKNOWLEDGED, Transition.ACKNOWLEDGED),
            (CaseState.SNOOZED, Transition.SNOOZED),
            (CaseState.RESOLVED, Transition.RESOLVED),
            (CaseState.CLOSED, Transition.CLOSED),
        )
    }
    assert list(titles.values()) == ["CRITICAL", "Acknowledged", "Snoozed", "Resolved", "Closed"]
