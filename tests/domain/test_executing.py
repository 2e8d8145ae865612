"""Proposals, approvals, budgets and the kill switch under random people, failures and restarts."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lnwatch.domain.approval import Approvers, Policy
from lnwatch.domain.book import LIVING, Book
from lnwatch.domain.budget import DAY, MONTH, Budget, Budgets, Ceiling, spent
from lnwatch.domain.guard import Terms, verdict
from lnwatch.model.action import (
    Approval,
    Deed,
    Ground,
    Intent,
    KillSwitch,
    Outcome,
    Proposal,
    ProposalRecord,
    ProposalState,
    Receipt,
    Rejection,
    Step,
    Withdrawal,
    Withdrawn,
    proposal_id,
)
from lnwatch.model.money import Msat
from tests.domain.proposals import NOW, move, proposed, step

ATTEMPT = Ceiling(1, 500_000_000, 200_000)
BUDGETS = Budgets(
    Budget(ATTEMPT, Ceiling(4, 1_200_000_000, 500_000), Ceiling(9, 3_000_000_000, 1_000_000)),
    Budget(ATTEMPT, Ceiling(2, 700_000_000, 300_000), Ceiling(5, 1_500_000_000, 700_000)),
)
PEOPLE = st.sampled_from(["ann", "ben", "Ann"])


class Desk(RuleBasedStateMachine):
    """The journal alone remembers; the guard alone decides."""

    approvers = Approvers.NOBODY

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.steps: list[Step] = []
        self.book = Book()
        self.held_to = Terms(Policy(self.approvers, holds=3_600, delay=600), BUDGETS, pause=0, stands=7_200)

    def put(self, about: str, deed: Deed, site: str = "main") -> None:
        taken = step(self.book, self.now, about, deed, site)
        self.book = self.book.after([taken])
        self.steps.append(taken)

    def some(self, data: st.DataObject, *states: ProposalState) -> ProposalRecord | None:
        found = [record for record in self.book.records.values() if record.state in states]
        return data.draw(st.sampled_from(found)) if found else None

    @rule(seconds=st.sampled_from([1.0, 60.0, 1_800.0, 3_600.0, DAY / 2, DAY]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(number=st.integers(0, 3), amount=st.integers(1, 600), fee=st.integers(0, 250))
    def propose(self, number: int, amount: int, fee: int) -> None:
        wanted = move(number, amount_msat=Msat(amount * 1_000_000), fee_limit_msat=Msat(fee * 1_000))
        identity = proposal_id(wanted, self.now)
        if identity not in self.book.records and self.book.living(wanted.need) is None:
            self.put(identity, wanted)

    @rule(data=st.data(), actor=PEOPLE)
    def approve(self, data: st.DataObject, actor: str) -> None:
        if record := self.some(data, ProposalState.PROPOSED):
            self.put(record.id, Approval(actor, record.proposal.digest))

    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        if record := self.some(data, ProposalState.PROPOSED):
            self.put(record.id, Rejection("ann", "no"))

    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        if record := self.some(data, ProposalState.PROPOSED):
            self.put(record.id, Withdrawal(Withdrawn.GONE))

    @rule(on=st.sampled_from([True, False, False]))
    def switch(self, on: bool) -> None:
        self.put("", KillSwitch(on), "lnwatch")

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        record = self.some(data, data.draw(st.sampled_from([ProposalState.PROPOSED] * 3 + list(ProposalState))))
        if record and verdict(record, self.book, self.held_to, "lnd", self.now).acts:
            assert not self.book.kill_switch.on
            assert record.intent is None
            if self.approvers is Approvers.TWO:
                assert len({each.actor.casefold() for at, each in record.approvals if self.now - at < 3_600}) > 1
            self.put(record.id, Intent(record.proposal.digest, "lnd", record.id))

    @rule(data=st.data(), number=st.integers(0, 3), amount=st.integers(200, 600), share=st.integers(0, 100))
    def go_all_the_way(self, data: st.DataObject, number: int, amount: int, share: int) -> None:
        """What usually happens, in one step, so that budgets come to be used up."""
        self.now += 1
        self.propose(number, amount, 200)
        for actor in ("ann", "ben"):
            for record in self.book.open:
                if record.state is ProposalState.PROPOSED:
                    self.put(record.id, Approval(actor, record.proposal.digest))
        self.act(data)
        self.know(data, share, works=True)

    @rule(data=st.data(), share=st.integers(0, 100), works=st.booleans())
    def know(self, data: st.DataObject, share: int, works: bool) -> None:
        if record := self.some(data, ProposalState.INTENDED):
            wanted = record.proposal
            if works:
                cost = Msat(wanted.fee_limit_msat * share // 100)
                self.put(record.id, Receipt(Outcome.DONE, "", wanted.amount_msat, cost))
            else:
                self.put(record.id, Receipt(Outcome.FAILED, ""))

    @rule()
    def start_anew(self) -> None:
        again = Book().after(self.steps)
        assert again == self.book
        self.book = again.forgetting(self.now)

    @precondition(lambda self: self.steps)
    @rule(data=st.data())
    def repeat_a_step(self, data: st.DataObject) -> None:
        told = data.draw(st.sampled_from(self.steps))
        with pytest.raises(ValueError, match="does not follow"):
            self.book.after([told])

    @invariant()
    def never_above_a_budget(self) -> None:
        taken = list(spent(Book().after(self.steps).records.values()))
        for each in taken:
            _within(ATTEMPT, [each])
        for end in [each.at for each in taken]:
            for seconds, name in ((DAY, "day"), (MONTH, "month")):
                window = [each for each in taken if end - seconds < each.at <= end]
                _within(getattr(BUDGETS.site, name), window)
                for subject in {subject for each in window for subject in each.touches}:
                    _within(getattr(BUDGETS.subject, name), [each for each in window if subject in each.touches])

    @invariant()
    def never_twice(self) -> None:
        begun = [taken.proposal for taken in self.steps if isinstance(taken.deed, Intent)]
        assert len(begun) == len(set(begun))

    @invariant()
    def nothing_forgotten(self) -> None:
        begun = {taken.proposal for taken in self.steps if isinstance(taken.deed, Intent)}
        known = {taken.proposal for taken in self.steps if isinstance(taken.deed, Receipt)}
        assert {record.id for record in self.book.unsettled} == begun - known

    @invariant()
    def one_living_for_each_need(self) -> None:
        needs = [record.proposal.need for record in self.book.records.values() if record.state in LIVING]
        assert len(needs) == len(set(needs))


def _within(ceiling: Ceiling, window: list[Any]) -> None:
    assert len(window) <= ceiling.actions
    assert sum(each.amount_msat for each in window) <= ceiling.amount_msat
    assert sum(each.fee_msat for each in window) <= ceiling.fee_msat


class CarefulDesk(Desk):
    """Two people must say yes to each."""

    approvers = Approvers.TWO


TestDesk = Desk.TestCase
TestCarefulDesk = CarefulDesk.TestCase
TestDesk.settings = TestCarefulDesk.settings = settings(max_examples=25, stateful_step_count=40)


@pytest.mark.parametrize(
    ("deeds", "words"),
    [
        ([Receipt(Outcome.DONE, "")], "no receipt can follow"),
        ([Approval("ann", "00")], "is of something else"),
        ([Intent("00", "lnd", "r")], "is of something else"),
        ([Rejection("ann", "no"), Approval("ann", move().digest)], "no approval can follow"),
        ([Intent(move().digest, "lnd", "r"), Intent(move().digest, "lnd", "r")], "no intent can follow"),
        ([Intent(move().digest, "lnd", "r"), Withdrawal(Withdrawn.GONE)], "no withdrawal can follow"),
        ([move()], "is there already"),
    ],
)
def test_what_can_t_follow(deeds: list[Deed], words: str) -> None:
    """A journal that tells of what can't have happened is not believed."""
    book, identity = proposed(Book(), move())
    last = book.heads["main"]
    steps = [Step("main", last + number, NOW + 1, identity, deed) for number, deed in enumerate(deeds, 1)]
    with pytest.raises(ValueError, match=words):
        book.after(steps)


def test_unsettled_action_holds_the_node() -> None:
    """While it is not known what became of one action, nothing else is done on that node."""
    book, first = proposed(Book(), move(0))
    book, second = proposed(book, move(5))
    book, elsewhere = proposed(book, move(7, node="ln2"))
    book = book.after([step(book, NOW, first, Intent(move(0).digest, "lnd", "r"))])
    terms = Terms(Policy(Approvers.NOBODY, 60, 60), BUDGETS, 0, 7_200)
    grounds = [verdict(book.records[each], book, terms, "lnd", NOW).ground for each in (first, second, elsewhere)]
    assert grounds == [Ground.OVER, Ground.UNSETTLED, Ground.ACT]


def test_long_ended_is_forgotten_but_nothing_open() -> None:
    """What no budget looks back on any more leaves the memory; what is open never does."""
    book, old = proposed(Book(), move(0))
    book, begun = proposed(book, move(5))
    book = book.after([step(book, NOW, old, Withdrawal(Withdrawn.GONE))])
    book = book.after([step(book, NOW, begun, Intent(move(5).digest, "lnd", "r"))])
    assert set(book.forgetting(NOW + MONTH).records) == {old, begun}
    assert set(book.forgetting(NOW + MONTH + 86_400).records) == {begun}


def test_digest_covers_everything_exact() -> None:
    """Whatever is exact in a proposal changes its digest."""
    usual = move()
    others: list[Proposal] = [
        move(site="shop"),
        move(automation="other"),
        move(subject="channel:ff:0"),
        move(touches=("channel:ff:0",)),
        move(parameters={}),
        move(amount_msat=Msat(1)),
        move(fee_limit_msat=Msat(1)),
        move(added={"fee_msat": "1"}),
    ]
    assert len({usual.digest, *(each.digest for each in others)}) == 1 + len(others)
