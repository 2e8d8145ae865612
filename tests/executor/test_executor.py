"""The path from proposal to receipt, step by step."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from lnwatch.errors import InboxError
from lnwatch.executor.hands import FutileError
from lnwatch.model.action import NONE_AT_ALL, Action, Nothing, Outcome
from lnwatch.model.money import Msat
from tests.domain.proposals import move
from tests.executor.office import CALL, LOST, MOVE, Office, make_office

HOUR = 3_600.0


async def test_nobody_has_to_approve_a_call(office: Office) -> None:
    """A call is proposed, intended, done and receipted, once, however often it is asked for."""
    for _ in range(3):
        await office.consider(CALL)
    assert office.hands.done == [CALL.subject]
    assert await office.steps() == ["Proposal", "Intent", "Receipt"]
    assert office.states == ["done"]
    assert office.reasons == ["paused"]


async def test_move_waits_for_one_person(office: Office) -> None:
    """Nothing moves before somebody said yes; the same yes serves once."""
    await office.consider(MOVE)
    assert office.grounds == ["needs_approval"]
    answer = await office.approve("ann")
    assert answer["verdict"]["ground"] == "act"
    await office.consider(MOVE)
    await office.consider(MOVE)
    assert office.hands.done == [MOVE.subject]
    with pytest.raises(InboxError, match="is done: it can't be approved"):
        await office.approve("ben")


async def test_two_people(office: Office) -> None:
    """One person twice is not two."""
    await office.restart(rebalance_channel={"approval": "two"})
    await office.consider(MOVE)
    await office.approve("ann")
    await office.approve("Ann ")
    await office.consider(MOVE)
    assert office.grounds == ["needs_second"]
    await office.approve("ben")
    await office.consider(MOVE)
    assert office.states == ["done"]


async def test_alone_with_a_delay(office: Office) -> None:
    """One who works alone gets time to think again, and a no counts until then."""
    await office.restart(rebalance_channel={"approval": "solo", "solo_delay": "30m"})
    await office.consider(MOVE)
    await office.approve("ann")
    await office.clock.advance(1_799)
    await office.consider(MOVE)
    assert office.grounds == ["delayed"]
    await office.clock.advance(1)
    await office.consider(MOVE)
    assert office.states == ["done"]


async def test_approval_runs_out(office: Office) -> None:
    """A yes that was not used in time is none."""
    await office.consider(MOVE)
    await office.approve("ann")
    await office.clock.advance(HOUR)
    await office.consider(MOVE)
    assert office.grounds == ["needs_approval"]
    assert office.hands.done == []


async def test_approval_of_something_else(office: Office) -> None:
    """Who saw other parameters has not approved these."""
    await office.consider(MOVE)
    (record,) = office.executor.book.records.values()
    with pytest.raises(InboxError, match="not what was approved"):
        await office.ask("approve", proposal=record.id, digest="00" * 32, actor="ann", note="")
    with pytest.raises(InboxError, match="no proposal `zz`"):
        await office.ask("approve", proposal="zz", digest="00", actor="ann")
    with pytest.raises(InboxError, match="`actor` must be given"):
        await office.ask("approve", proposal=record.id, digest=record.proposal.digest, actor=" ")


async def test_rejected(office: Office) -> None:
    """A no ends it, with its reason, and it is not proposed again at once."""
    await office.consider(MOVE)
    (record,) = office.executor.book.records.values()
    answer = await office.ask("reject", proposal=record.id, actor="ann", note="not today")
    assert (answer["state"], answer["outcome"]) == ("rejected", "rejected by ann: not today")
    await office.consider(MOVE)
    assert office.states == ["rejected"]
    assert office.reasons == ["paused"]


@pytest.mark.parametrize("late", [False, True])
async def test_answer_that_is_lost(office: Office, late: bool) -> None:
    """Where it is not known what came of it, it is asked, not done again; meanwhile nothing else is done there."""
    office.hands.fault, office.hands.late = LOST, late
    office.hands.away = False
    other = replace(CALL, subject="peer:other", touches=("peer:other",))
    elsewhere = replace(CALL, subject="peer:else", touches=("peer:else",), node="ln2")
    await office.consider(CALL)
    office.hands.away = True
    await office.consider(CALL, other, elsewhere)
    assert office.states == ["intended"]
    office.hands.away = False
    await office.consider(CALL, other, elsewhere)
    assert office.states == ["done" if late else "failed", "done", "done"]
    assert office.hands.done.count(CALL.subject) == int(late)


async def test_restart_asks_first(office: Office) -> None:
    """A new process finds out what became of everything that was begun before it does anything else."""
    office.hands.fault, office.hands.late = LOST, True
    await office.consider(CALL)
    await office.restart()
    assert office.states == ["done"]
    assert (await office.steps())[-1] == "Receipt"


async def test_budget_of_a_peer(office: Office) -> None:
    """A peer is called four times a day, then not, and the reason is told; another peer still is."""
    await office.restart(connect_peer={"pause": "1m", "stands": "30m"})
    other = replace(CALL, subject="peer:other", touches=("peer:other",))
    for _ in range(6):
        await office.consider(CALL)
        await office.clock.advance(61)
    assert office.hands.done == [CALL.subject] * 4
    assert office.reasons == ["over_budget"]
    await office.consider(CALL, other)
    assert office.hands.done[4:] == ["peer:other"]


async def test_budget_holds_for_those_that_come_together(office: Office) -> None:
    """Ten approved moves at once: as many as the budget allows, never one more."""
    await office.restart(rebalance_channel={"approval": "nobody"})
    await asyncio.gather(*(office.consider(*(move(3 * number) for number in range(10))) for _ in range(3)))
    assert len(office.hands.done) == 6  # `site_day_actions`
    assert len(set(office.hands.done)) == 6


async def test_two_executors_over_one_ledger(office: Office) -> None:
    """Whoever decided on less than all there is decides anew: together they keep to the one budget."""
    second = make_office(office.ledger, rebalance_channel={"approval": "nobody"})
    await office.restart(rebalance_channel={"approval": "nobody"})
    moves = [move(3 * number) for number in range(10)]
    await asyncio.gather(office.consider(*moves[:6]), second.consider(*moves[4:]))
    for _ in range(5):
        await office.consider(*moves)
        await second.consider(*moves)
    done = office.hands.done + second.hands.done
    assert len(done) == len(set(done)) == 6


async def test_kill_switch(office: Office) -> None:
    """On, nothing is asked, proposed or done; it survives a restart; off, things go on."""
    await office.consider(MOVE)
    await office.approve("ann")
    answer = await office.ask("kill_switch", on=True, actor="ben", note="incident 7")
    assert answer == {"on": True, "changed": True, "actor": "ben", "note": "incident 7"}
    await office.consider(MOVE, CALL)
    await office.restart()
    await office.consider(MOVE, CALL)
    assert office.hands.done == []
    assert office.hands.asked == [MOVE.subject]
    assert office.grounds == ["stopped"]
    assert (await office.ask("kill_switch", on=True, actor="ann"))["changed"] is False
    await office.ask("kill_switch", on=False, actor="ben", note="over")
    await office.consider(MOVE, CALL)
    assert sorted(office.hands.done) == sorted([MOVE.subject, CALL.subject])


async def test_what_was_begun_is_settled_while_stopped(office: Office) -> None:
    """Looking up changes nothing elsewhere, so the kill switch does not keep it."""
    office.hands.fault, office.hands.late = LOST, True
    await office.consider(CALL)
    await office.ask("kill_switch", on=True, actor="ann")
    await office.consider(CALL)
    assert office.states == ["done"]


async def test_no_longer_wanted(office: Office) -> None:
    """What its automation no longer asks for is withdrawn; where it can't tell, it stands and is not done."""
    await office.consider(MOVE)
    await office.approve("ann")
    blind = Nothing("main", MOVE.automation, "node:ln1", "unknown", "The node is away.")
    await office.consider(blind)
    assert (office.states, office.grounds) == (["proposed"], ["not_offered"])
    await office.consider(replace(blind, reason="well_spread"))
    assert office.states == ["withdrawn"]
    assert office.hands.done == []


@pytest.mark.parametrize(
    ("offer", "state"),
    [
        (replace(MOVE, amount_msat=Msat(MOVE.amount_msat + 1)), "proposed"),
        (replace(MOVE, amount_msat=Msat(MOVE.amount_msat - 1)), "withdrawn"),
        (replace(MOVE, parameters={"source_channel": "1x1x0", "target_channel": "9x1x0"}), "withdrawn"),
        (replace(MOVE, sentence="In other words."), "proposed"),
    ],
)
async def test_changed_meanwhile(office: Office, offer: object, state: str) -> None:
    """A proposal stands while as much as it is wanted; never is more done than is wanted by then."""
    await office.consider(MOVE)
    await office.executor.consider([offer])  # type: ignore[list-item]  # a table of offers
    assert office.states == [state]


async def test_expires(office: Office) -> None:
    """An old proposal ends; a new one, with new questions, takes its place."""
    await office.consider(MOVE)
    await office.clock.advance(6 * HOUR + 1)
    await office.consider(MOVE)
    assert office.states == ["withdrawn", "proposed"]
    assert len(office.hands.asked) == 2


async def test_asked_once_for_each_new_proposal(office: Office) -> None:
    """However often it is offered, the other system is asked once; also where that showed it to be futile."""
    for _ in range(5):
        await office.consider(MOVE)
    assert len(office.hands.asked) == 1
    office.hands.futile = FutileError("no_route", "LND knows no route.")
    other = move(7)
    for _ in range(5):
        await office.consider(MOVE, other)
    assert len(office.hands.asked) == 2
    assert office.reasons == ["no_route"]


async def test_nobody_to_do_it(office: Office) -> None:
    """Without hands for a node nothing is proposed for it, and it is said."""
    await office.consider(replace(CALL, node="ln9"))
    assert office.reasons == ["no_hands"]
    assert office.states == []


async def test_changed_journal_stops_everything(office: Office) -> None:
    """A row that was tampered with is found at the next start, and nothing is done from then on."""
    await office.consider(CALL)
    await office.ledger._workers.write(
        lambda connection: connection.execute(text("UPDATE journal SET deed = replace(deed, 'done', 'gone')"))
    )
    await office.restart()
    stands = office.executor.standing()
    assert "row 3 of site main in the journal is not what was written" in stands.trouble
    await office.consider(replace(CALL, subject="peer:other", touches=("peer:other",)))
    assert office.hands.done == [CALL.subject]
    with pytest.raises(InboxError, match="not what was written"):
        await office.ask("kill_switch", on=True, actor="ann")


async def test_what_was_done_is_counted(office: Office) -> None:
    """Receipts count since the journal began, whatever is forgotten of proposals; budgets open again."""
    done = ("main", Action.CONNECT_PEER, Outcome.DONE)
    await office.consider(CALL)
    stands = office.executor.standing()
    assert stands.came_of == {done: 1}
    assert stands.hands["main", "ln1", Action.CONNECT_PEER] == "lnd"
    assert {(each.action, each.window): each.share for each in stands.budgets} == {
        (Action.CONNECT_PEER, "day"): 1 / 24,
        (Action.CONNECT_PEER, "month"): 1 / 300,
        (Action.REBALANCE_CHANNEL, "day"): 0.0,
        (Action.REBALANCE_CHANNEL, "month"): 0.0,
        (Action.REGISTER_WEBHOOK, "day"): 0.0,
        (Action.REGISTER_WEBHOOK, "month"): 0.0,
    }
    await office.clock.advance(40 * 24 * HOUR)
    await office.restart()
    stands = office.executor.standing()
    assert (stands.came_of, len(office.executor.book.records)) == ({done: 1}, 0)
    assert not any(each.share for each in stands.budgets)
    await office.consider(CALL)
    assert office.executor.standing().came_of == {done: 2}


async def test_proposals_as_json(office: Office) -> None:
    """What stands is told with why it is not done, and why there is no more."""
    why = Nothing("main", "peer_reconnect", "node:ln1", "all_online", "Every channel is online.")
    await office.consider(MOVE, why)
    told = await office.ask("proposals")
    (each,) = told["proposals"]
    assert (each["amount_msat"], each["parameters"]["found"], each["state"]) == (300_000_000, "it", "proposed")
    assert each["verdict"]["words"] == "it needs the approval of one person"
    assert [each["reason"] for each in told["nothing"]] == ["all_online"]
    assert told["kill_switch"] == {"on": False, "actor": "", "note": ""}
    assert CALL.amount_msat == NONE_AT_ALL
