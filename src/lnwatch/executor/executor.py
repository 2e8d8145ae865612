"""From proposals to receipts: each step is stored before the next is taken, and decided on all that is stored."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

import structlog

from lnwatch.clock import Clock
from lnwatch.domain.book import Book
from lnwatch.domain.budget import exceeded, spent, used, wanted
from lnwatch.domain.guard import Terms, stopped, verdict
from lnwatch.domain.offering import offers
from lnwatch.errors import LedgerError, SourceError
from lnwatch.executor.hands import FutileError, Hands
from lnwatch.executor.opening import Crew
from lnwatch.executor.settings import AUTOMATIONS, ExecutorSettings
from lnwatch.model.action import (
    UNKNOWN,
    Action,
    Deed,
    Ground,
    Need,
    Nothing,
    Offer,
    Proposal,
    ProposalRecord,
    ProposalState,
    ProposalView,
    Receipt,
    Standing,
    Step,
    Used,
    Verdict,
    Withdrawal,
    Withdrawn,
    proposal_id,
)
from lnwatch.model.view import View
from lnwatch.store.journal import BrokenChainError, Journal, JournalMovedError

log = structlog.get_logger()

OWN_SITE = "lnwatch"  # the kill switch's chain
SPACING = 5.0  # seconds between two rounds of questions to the automations
SHOWN = 86_400.0  # seconds after its end that a proposal is shown
BROKEN = "broken"
PAUSED = "paused"

Deeds = Sequence[tuple[str, Deed]]  # with the id of the proposal that each is about
Decide = Callable[[Book, float], Deeds]


class Executor:
    """Takes up proposals, waits for those who must approve them, and has them carried out, each once.

    `consider` is to be given all offers of all sites, again and again; it may wait for other systems. What
    people say is taken meanwhile. Methods raise LedgerError where a step can't be stored: then the next is
    not taken.
    """

    def __init__(self, journal: Journal, hands: Crew, settings: ExecutorSettings, clock: Clock) -> None:
        self._journal = journal
        self._hands = hands
        self._terms = settings.terms()
        self._thresholds = settings.thresholds()
        self._clock = clock
        self._posts = {post: crew[0].name for post, crew in hands.items() if crew}
        self._book = Book()
        self._trouble = ""
        self._behind = True  # what is in the journal may be more than we know
        self._told: Sequence[Offer] | None = None  # by the automations, the last time
        self._wanted: dict[Need, Proposal] = {}  # by people
        self._offers: Mapping[Need, Proposal] = {}
        self._nothing: tuple[Nothing, ...] = ()
        self._held: dict[Need, Nothing] = {}
        self._futile: dict[Need, tuple[float, Nothing]] = {}
        self._storing = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._views: Mapping[str, View] = {}
        self._shown = asyncio.Event()

    @property
    def book(self) -> Book:
        """What the journal says."""
        return self._book

    def terms_for(self, proposal: Proposal) -> Terms:
        """What it is held to."""
        return self._terms[proposal.action]

    async def restore(self) -> None:
        """Read and verify the journal, and find out what became of everything that was begun."""
        async with self._turn:
            await self._catch_up()
            await self._settle()
        log.info("journal verified", rows=sum(self._book.heads.values()), unsettled=len(self._book.unsettled))

    def show(self, views: Mapping[str, View]) -> None:
        """Leave the newest Views of all sites for `run`; returns at once."""
        self._views = views
        self._shown.set()

    async def run(self) -> None:
        """Ask the automations and consider what they say, again with new Views, until cancelled."""
        while True:
            await self._shown.wait()
            self._shown.clear()
            try:
                await self.consider(await asyncio.to_thread(self._ask, tuple(self._views.values())))
            except LedgerError as error:
                log.warning("executor waits for the ledger", error=error.message)
            await self._clock.sleep(SPACING)

    def _ask(self, views: Sequence[View]) -> list[Offer]:
        return [offer for view in views for offer in offers(AUTOMATIONS.values(), view, self._thresholds)]

    async def consider(self, told: Sequence[Offer]) -> None:
        """Take up what is new, withdraw what is no longer wanted, carry out what may be."""
        async with self._turn:
            self._told = told
            self._offers = {offer.need: offer for offer in told if isinstance(offer, Proposal)} | self._wanted
            self._nothing = tuple(offer for offer in told if isinstance(offer, Nothing))
            self._held = {}
            async with self._storing:
                if self._behind:
                    await self._catch_up()
            await self._settle()
            if self._trouble or self._book.kill_switch.on:
                return
            await self._withdraw()
            for draft in self._offers.values():
                await self._take_up(draft)
            for record in self._book.open:
                await self._carry_out(record)

    async def want(self, draft: Proposal) -> None:
        """Somebody asks for it: it is offered as by an automation, from now on until `unwant`."""
        self._wanted[draft.need] = draft
        if self._told is not None:  # else the automations were not asked yet: theirs would be taken for gone
            await self.consider(self._told)

    def unwant(self, need: Need) -> None:
        """It is over, or nobody asks for it any more."""
        self._wanted.pop(need, None)

    def standing(self) -> Standing:
        """Everything that is open or ended lately, with why it is not carried out, and why there is no more."""
        now = self._clock.now()
        shown = [
            record for record in self._book.records.values() if record.ended_at is None or record.ended_at > now - SHOWN
        ]
        return Standing(
            tuple(ProposalView(record, self.verdict(record, self._book, now)) for record in shown),
            (*self._nothing, *self._held.values()),
            self._book.kill_switch,
            self._trouble,
            tuple(self._thresholds),
            self._posts,
            self._book.came_of,
            tuple(self._budgets(now)),
        )

    def _budgets(self, now: float) -> Iterator[Used]:
        """Hands of two kinds at one site have a budget each: the one that is spent more counts."""
        spends = list(spent(self._book.records.values()))
        acting = {(site, action, name) for (site, _, action), name in self._posts.items()}
        shares: dict[tuple[str, Action, str], float] = {}
        for site, action, name in acting:
            own = [each for each in spends if (each.site, each.action, each.hands) == (site, action, name)]
            for window, share in used(self._terms[action].budgets.site, own, now).items():
                shares[site, action, window] = max(share, shares.get((site, action, window), 0.0))
        yield from (Used(*key, share) for key, share in sorted(shares.items()))

    def verdict(self, record: ProposalRecord, book: Book, now: float) -> Verdict:
        """Whether a proposal may be carried out now, by all that is known."""
        proposal = record.proposal
        if record.state is not ProposalState.PROPOSED:
            return Verdict(Ground.OVER, f"it is {record.state}")
        if self._trouble:
            return Verdict(Ground.UNTRUSTED, self._trouble)
        if book.kill_switch.on:
            return stopped(book.kill_switch)
        hands = self._acting(proposal)
        if hands is None:
            return Verdict(Ground.NO_HANDS, f"{proposal.node} of site {proposal.site} can't be acted on")
        if not _still_wanted(record, self._offers.get(proposal.need)):
            return Verdict(Ground.NOT_OFFERED, f"{proposal.automation} does not ask for it just now")
        return verdict(record, book, self.terms_for(proposal), hands.name, now)

    async def store(self, site: str, decide: Decide) -> bool:
        """Decide on the newest book, and store what follows in one transaction; False where nothing was stored.

        What `decide` raises comes through. Raises LedgerError.
        """
        async with self._storing:
            for _ in range(2):  # once more where somebody else's step came between
                if self._behind:
                    await self._catch_up()
                now = self._clock.now()
                deeds = () if self._trouble else decide(self._book, now)
                if not deeds:
                    return False
                if await self._add(site, deeds, now):
                    return True
            return False

    async def _add(self, site: str, deeds: Deeds, now: float) -> bool:
        last = self._book.heads.get(site, 0)
        steps = [Step(site, last + count, now, about, deed) for count, (about, deed) in enumerate(deeds, 1)]
        after = self._book.after(steps)
        self._behind = True  # until we know that it was stored, and nothing else
        try:
            await self._journal.add(steps, {OWN_SITE: self._book.heads.get(OWN_SITE, 0), site: last})
        except JournalMovedError:
            log.warning("journal was added to by somebody else")
            return False
        self._book, self._behind = after.forgetting(now), False
        return True

    async def _catch_up(self) -> None:
        try:
            book = await asyncio.to_thread(Book().after, await self._journal.read())
            self._book = book.forgetting(self._clock.now())
        except (BrokenChainError, ValueError) as error:
            self._trouble = f"{error}: nothing is done any more; restore the ledger from a backup, or ask what happened"
            log.error("journal can't be trusted", error=str(error))  # noqa: TRY400 - the row says all
        self._behind = False

    async def _settle(self) -> None:
        """Find out what became of what was begun: before anything else, and until it is known."""
        for record in () if self._trouble else self._book.unsettled:
            if record.intent is None:
                continue
            hands = self._began(record.proposal, record.intent.hands)
            if hands is None:
                log.warning("nobody can tell what became of it", proposal=record.id, hands=record.intent.hands)
                continue
            try:
                receipt = await hands.look_up(record.proposal, record.intent)
            except SourceError as error:
                log.warning("can't look up what became of it", proposal=record.id, error=error.message)
                continue
            await self._note(record, receipt)

    async def _withdraw(self) -> None:
        for record in self._book.open:
            reason = self._why_withdrawn(record)
            if reason is not None:
                await self._note(record, Withdrawal(reason))

    async def _note(self, record: ProposalRecord, end: Receipt | Withdrawal) -> None:
        due = ProposalState.INTENDED if isinstance(end, Receipt) else ProposalState.PROPOSED

        def decide(book: Book, _: float) -> Deeds:
            present = book.records.get(record.id)
            return [(record.id, end)] if present is not None and present.state is due else []

        await self.store(record.proposal.site, decide)

    def _why_withdrawn(self, record: ProposalRecord) -> Withdrawn | None:
        proposal = record.proposal
        if record.state is not ProposalState.PROPOSED:
            return None
        if self._clock.now() - record.at > self.terms_for(proposal).stands:
            return Withdrawn.EXPIRED
        offer = self._offers.get(proposal.need)
        if offer is not None:
            return None if _still_wanted(record, offer) else Withdrawn.CHANGED
        silent = {proposal.subject, f"node:{proposal.node}", f"site:{proposal.site}"}
        for each in self._nothing:
            about = (each.site, each.automation) == (proposal.site, proposal.automation)
            if about and each.subject in silent and each.reason in {UNKNOWN, BROKEN}:
                return None
        return Withdrawn.GONE

    async def _take_up(self, draft: Proposal) -> None:
        need, now = draft.need, self._clock.now()
        if self._book.living(need) is not None:
            return
        hands = self._acting(draft)
        if hands is None:
            self._hold(draft, "no_hands", f"{draft.node} of site {draft.site} can't be acted on.")
            return
        terms = self.terms_for(draft)
        if (last := self._book.last(need)) is not None and 0 <= now - last < terms.pause:
            self._hold(draft, PAUSED, "It was proposed a short while ago, and that is over: the next try has to wait.")
            return
        if need in self._futile and 0 <= now - self._futile[need][0] < terms.pause:
            self._held[need] = self._futile[need][1]
            return
        candidate = ProposalRecord("", draft, now)
        if over := exceeded(wanted(candidate, hands.name, now), terms.budgets, spent(self._book.records.values())):
            self._hold(draft, "over_budget", f"{over[0].upper()}{over[1:]}.")
            return
        try:
            ready = await hands.prepare(draft)
        except FutileError as error:
            self._hold(draft, error.reason, error.sentence)
            self._futile[need] = (now, self._held[need])
        except SourceError as error:
            self._hold(draft, UNKNOWN, f"{error.message.rstrip('.')}.")
        else:
            self._futile.pop(need, None)
            await self.store(draft.site, lambda book, at: _if_new(book, ready, at))

    def _hold(self, draft: Proposal, reason: str, sentence: str) -> None:
        self._held[draft.need] = Nothing(draft.site, draft.automation, draft.subject, reason, sentence)

    async def _carry_out(self, record: ProposalRecord) -> None:
        proposal, hands = record.proposal, self._acting(record.proposal)
        if hands is None or not self.verdict(record, self._book, self._clock.now()).acts:
            return
        intent = hands.intend(proposal)

        def decide(book: Book, now: float) -> Deeds:
            present = book.records.get(record.id)
            acts = present is not None and self.verdict(present, book, now).acts
            return [(record.id, intent)] if acts else []

        if not await self.store(proposal.site, decide):
            return
        log.info("acting", proposal=record.id, action=proposal.action.value, hands=hands.name)
        try:
            receipt = await hands.act(proposal, intent)
        except SourceError as error:
            log.warning("it is not known what came of it", proposal=record.id, error=error.message)
            return
        log.info("acted", proposal=record.id, outcome=receipt.outcome.value, words=receipt.words)
        await self._note(record, receipt)

    def _acting(self, proposal: Proposal) -> Hands | None:
        return next(iter(self._hands.get((proposal.site, proposal.node, proposal.action), ())), None)

    def _began(self, proposal: Proposal, name: str) -> Hands | None:
        crew = self._hands.get((proposal.site, proposal.node, proposal.action), ())
        return next((hands for hands in crew if hands.name == name), None)


def _still_wanted(record: ProposalRecord, offer: Proposal | None) -> bool:
    """Whether the automation asks for the same, and for no less: what is proposed may wait, it must not overshoot."""
    if offer is None:
        return False
    same = (offer.node, offer.touches, dict(offer.parameters))
    ours = (record.proposal.node, record.proposal.touches, dict(record.proposal.parameters))
    return same == ours and offer.amount_msat >= record.proposal.amount_msat


def _if_new(book: Book, ready: Proposal, at: float) -> Deeds:
    return [] if book.living(ready.need) is not None else [(proposal_id(ready, at), ready)]
