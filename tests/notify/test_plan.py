"""What is sent next: order, storms, what is over before it was told, and what may have been sent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.model.case import Fingerprint, Transition
from lnwatch.model.message import Notice
from lnwatch.model.rule import Severity
from lnwatch.notify._outbox import Parcel
from lnwatch.notify._plan import DIGEST_OVER, Drop, Send, plan
from tests.notify.notices import NOW, notice, storm
from tests.notify.outbox import Row

OPENED, RESOLVED, ACKED = Transition.OPENED, Transition.RESOLVED, Transition.ACKNOWLEDGED


def row(change: Notice, place: int = 0, **traits: object) -> Row:
    name = f"{change.fingerprint.subject}/{change.number}.{change.transition_number}"
    return replace(Row(name, "ops", replace(change, at=NOW + place)), **traits)  # type: ignore[arg-type]  # as the case says


def story(*transitions: Transition, subject: str = "node:ln1", **traits: object) -> list[Row]:
    """The changes of one case, in order."""
    return [row(notice(each, subject=subject, transition_number=n), n, **traits) for n, each in enumerate(transitions)]


def step(
    waiting: Sequence[Row], *, batches: bool = True, calls: bool = False, singly: Sequence[str] = ()
) -> Send | Drop | None:
    return plan(cast("Sequence[Parcel]", waiting), batches=batches, calls=calls, singly=singly)


def test_nothing_waits() -> None:
    """Then there is nothing to do."""
    assert step([]) is None


def test_few_go_one_by_one_in_their_order() -> None:
    """Up to ten messages go singly, the oldest first."""
    waiting = [row(each, place) for place, each in enumerate(storm(DIGEST_OVER))]
    assert step(waiting) == Send((waiting[0],))


def test_more_become_one_digest() -> None:
    """The eleventh makes a storm of them: all of them in one message."""
    waiting = [row(each, place) for place, each in enumerate(storm(DIGEST_OVER + 1))]
    assert step(waiting) == Send(tuple(waiting))


def test_service_that_can_t_take_many_gets_one_by_one() -> None:
    """No digest where a sending carries one case."""
    waiting = [row(each, place) for place, each in enumerate(storm(30))]
    assert step(waiting, batches=False) == Send((waiting[0],))


def test_never_muted_are_told_singly_and_first() -> None:
    """In the midst of a storm a never muted one is a message of its own, and the first to leave."""
    loud = row(notice(rule="force_close", subject="channel:x", never_muted=True), 99)
    waiting = [*(row(each, place) for place, each in enumerate(storm(30))), loud]
    assert step(waiting) == Send((loud,))
    assert step(waiting[:-1]) == Send(tuple(waiting[:-1]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"severity": Severity.WARNING}, {"severity": Severity.CRITICAL}, id="the more severe"),
        pytest.param({}, {"claimed_before": True}, id="what may have been sent"),
    ],
)
def test_later_one_goes_before(first: dict[str, object], second: dict[str, object]) -> None:
    """Among cases the order of age gives way to what matters more."""

    def made(subject: str, place: int, traits: dict[str, object]) -> Row:
        severity = cast("Severity", traits.get("severity", Severity.CRITICAL))
        rest = {name: value for name, value in traits.items() if name != "severity"}
        return row(notice(subject=subject, severity=severity), place, **rest)

    waiting = [made("node:a", 0, first), made("node:b", 1, second)]
    found = step(waiting)
    assert isinstance(found, Send)
    assert found.parcels == (waiting[1],)


LATE = [
    (OPENED, RESOLVED),
    (OPENED, Transition.CLOSED),
    (OPENED, ACKED, RESOLVED),
    (OPENED, RESOLVED, Transition.REOPENED, RESOLVED),
    (Transition.REOPENED, RESOLVED),
]
GROWN = [(Transition.ESCALATED, RESOLVED), (Transition.ESCALATED, ACKED, Transition.CLOSED)]
CALLED = "nothing to tell: it was over before anybody could be called"


@pytest.mark.parametrize("transitions", [*LATE, *GROWN])
def test_what_was_over_before_it_could_be_told_is_one_message(transitions: tuple[Transition, ...]) -> None:
    """Its end is told, and stands for all of it."""
    waiting = story(*transitions)
    found = step(waiting)
    assert found == Send(tuple(waiting), late=True)
    assert isinstance(found, Send)
    assert found.told == (waiting[-1],)


@pytest.mark.parametrize("transitions", LATE)
def test_nobody_is_called_for_what_is_over(transitions: tuple[Transition, ...]) -> None:
    """Beginning and end are dropped where a message wakes somebody, and the reason is named."""
    waiting = story(*transitions)
    assert step(waiting, batches=False, calls=True) == Drop(tuple(waiting), CALLED)


@pytest.mark.parametrize("transitions", GROWN)
def test_an_earlier_call_is_ended_though_what_followed_it_is_dropped(transitions: tuple[Transition, ...]) -> None:
    """Of what only grew worse before it ended somebody may have been called: the end leaves."""
    waiting = story(*transitions)
    assert step(waiting, batches=False, calls=True) == Drop(tuple(waiting[:-1]), CALLED)
    assert step(waiting[-1:], batches=False, calls=True) == Send((waiting[-1],))


def test_what_began_again_is_told_by_itself() -> None:
    """After the message of what is over, what goes on is told as ever."""
    waiting = story(OPENED, RESOLVED, Transition.REOPENED)
    assert step(waiting) == Send(tuple(waiting[:2]), late=True)
    assert step(waiting[2:]) == Send((waiting[2],))
    assert step(waiting, batches=False, calls=True) == Drop(tuple(waiting[:2]), CALLED)


def test_each_opening_is_a_message() -> None:
    """What came twice, a day apart, is told as having come twice."""
    first, second = (
        [
            replace(each, id=f"{number}/{each.id}", notice=replace(each.notice, number=number))
            for each in story(OPENED, RESOLVED)
        ]
        for number in (1, 2)
    )
    assert step([*first, *second]) == Send(tuple(first), late=True)
    assert step(second) == Send(tuple(second), late=True)


@pytest.mark.parametrize("over", [DIGEST_OVER, DIGEST_OVER + 1])
def test_a_digest_is_made_of_too_many_messages_not_of_too_many_changes(over: int) -> None:
    """Ten cases that came and went are ten messages; the eleventh makes one digest of all."""
    waiting = [each for number in range(over) for each in story(OPENED, RESOLVED, subject=f"node:{number}")]
    waiting.sort(key=lambda each: each.notice.at)
    one = tuple(each for each in waiting if each.notice.fingerprint.subject == "node:0")
    assert step(waiting) == (Send(one, late=True) if over == DIGEST_OVER else Send(tuple(waiting)))


def test_what_was_claimed_together_is_settled_together() -> None:
    """After a crash the same message is told again, whatever came since, so that it can be found."""
    opened, resolved, again, over = story(OPENED, RESOLVED, Transition.REOPENED, RESOLVED)
    doubtful = tuple(replace(each, claimed_before=True) for each in (opened, resolved))
    assert step([*doubtful, again, over]) == Send(doubtful, again=True, late=True)
    assert step([again, over]) == Send((again, over), late=True)


@pytest.mark.parametrize(
    "waiting",
    [
        pytest.param(story(RESOLVED), id="its beginning was told"),
        pytest.param(story(ACKED, RESOLVED), id="its beginning was told, and more"),
        pytest.param(story(OPENED, ACKED), id="it goes on"),
    ],
)
@pytest.mark.parametrize("calls", [True, False])
def test_what_must_be_told_is_told_by_itself(waiting: list[Row], calls: bool) -> None:
    """A resolve whose opening left always leaves, and so does the opening of what goes on."""
    assert step(waiting, calls=calls) == Send((waiting[0],))


def test_never_muted_are_told_though_over() -> None:
    """A never muted one that came and went is told, beginning and end."""
    waiting = [replace(each, notice=replace(each.notice, never_muted=True)) for each in story(OPENED, RESOLVED)]
    assert step(waiting) == step(waiting, calls=True) == Send((waiting[0],), over=False)


def test_doubtful_opening_is_looked_up_before_its_end() -> None:
    """It may have been told: it is settled first, and need not be told once more if nothing is found."""
    opened, resolved = story(OPENED, RESOLVED)
    doubtful = replace(opened, claimed_before=True)
    assert step([doubtful, resolved]) == Send((doubtful,), again=True, over=True)
    assert step([resolved]) == Send((resolved,))


def test_doubtful_digest_is_told_again_as_the_same_one() -> None:
    """After a crash the very same set goes out, whatever came since, so that it can be found."""
    doubtful = [row(each, place, claimed_before=True) for place, each in enumerate(storm(12))]
    fresh = [row(notice(subject=f"node:new{number}"), 50 + number) for number in range(20)]
    assert step([*doubtful, *fresh]) == Send(tuple(doubtful), again=True)


def test_few_doubtful_ones_are_settled_one_by_one_before_a_digest() -> None:
    """No digest mixes what may have been sent with what was not."""
    doubtful = row(notice(subject="node:x"), 99, claimed_before=True)
    waiting = [*(row(each, place) for place, each in enumerate(storm(20))), doubtful]
    assert step(waiting) == Send((doubtful,), again=True)


def test_spoilt_digest_goes_singly() -> None:
    """Rows of a digest that was refused are not put into the next."""
    waiting = [row(each, place) for place, each in enumerate(storm(12))]
    assert step(waiting, singly=[each.id for each in waiting]) == Send((waiting[0],))


def rows() -> st.SearchStrategy[list[Row]]:
    """Any mixture of cases in any part of their lives."""
    one = st.builds(
        lambda changes, loud, doubtful, subject: [
            replace(each, claimed_before=doubtful and place == 0, notice=replace(each.notice, never_muted=loud))
            for place, each in enumerate(story(*changes, subject=f"node:{subject}"))
        ],
        st.lists(st.sampled_from(Transition), min_size=1, max_size=4),
        st.booleans(),
        st.booleans(),
        st.integers(),
    )
    cases = st.lists(one, max_size=15, unique_by=lambda case: case[0].notice.fingerprint)
    return cases.map(lambda found: sorted((each for case in found for each in case), key=lambda each: each.notice.at))


@given(rows(), st.booleans(), st.booleans())
def test_everything_is_settled_and_in_order(waiting: list[Row], batches: bool, calls: bool) -> None:
    """Step by step nothing is left; each case keeps its order; never muted ones leave each by itself."""
    left, told = list(waiting), dict[Fingerprint, list[int]]()
    while left:
        found = step(left, batches=batches, calls=calls)
        assert found is not None
        assert len(found.parcels) > 0
        for parcel in found.parcels:
            told.setdefault(parcel.notice.fingerprint, []).append(parcel.notice.transition_number)
            if parcel.notice.never_muted:
                assert isinstance(found, Send)
                assert len(found.parcels) == 1
        assert batches or isinstance(found, Drop) or len(found.told) == 1
        assert not calls or isinstance(found, Send) or not any(each.claimed_before for each in found.parcels)
        gone = {parcel.id for parcel in found.parcels}
        left = [each for each in left if each.id not in gone]
    assert all(numbers == sorted(numbers) for numbers in told.values())
    assert sum(map(len, told.values())) == len(waiting)
