"""The question that comes first: can customers pay? One sentence for each site that has stores."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.wording import listing
from lnwatch.model.kpi import CanPay, Payability
from lnwatch.model.order import Rail
from lnwatch.model.view import ShopView, View
from lnwatch.redaction import redact

_RAILS = {Rail.LIGHTNING: "over Lightning", Rail.ONCHAIN: "on-chain", Rail.NONE: ""}
_MARKS = {CanPay.YES: "good", CanPay.PARTLY: "wait", CanPay.NO: "bad", CanPay.UNKNOWN: "none"}
_GRAVEST = (CanPay.NO, CanPay.PARTLY, CanPay.UNKNOWN, CanPay.YES)
_MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class PayingLine:
    """The answer for one site; `site` is empty where there is no other."""

    site: str
    mark: str
    sentence: str


def paying(views: Iterable[View], now: float, stale_after: float) -> tuple[PayingLine, ...]:
    """A line for each site with stores. What was seen longer ago than `stale_after` seconds tells nothing of now."""
    shown = [view for view in views if view.shops]
    return tuple(_line(view, "" if len(shown) == 1 else view.site, old=now - view.at > stale_after) for view in shown)


def _line(view: View, site: str, *, old: bool) -> PayingLine:
    if old:
        return PayingLine(site, "none", "Whether customers can pay is not known: what was seen is too old.")
    by_answer: dict[tuple[CanPay, str], list[str]] = {}
    for shop in view.shops.values():
        by_answer.setdefault(_answer(shop), []).append(shop.store)
    answers = sorted(by_answer, key=lambda each: _GRAVEST.index(each[0]))
    if len(answers) == 1:
        clauses = [f"Customers {answers[0][1]}"]
    else:
        clauses = [
            f"{'customers' if place else 'Customers'} of {listing(by_answer[each])} {each[1]}"
            for place, each in enumerate(answers)
        ]
    return PayingLine(site, _MARKS[answers[0][0]], f"{redact('; '.join(clauses))}.")


def _answer(shop: ShopView) -> tuple[CanPay, str]:
    """The answer for a store, and the end of a sentence that begins with its customers."""
    rails = [each for each in shop.payability if each.rail is not None]
    whole = next((each for each in shop.payability if each.rail is None), None)
    if whole is None:
        return CanPay.UNKNOWN, "may be able to pay or not: nothing was read yet"
    if whole.answer is CanPay.YES:
        return whole.answer, f"can pay, {_named(rails)}"
    if whole.answer is CanPay.NO:
        return whole.answer, f"can't pay: {_why(whole)}"
    good = [each for each in rails if each.answer is CanPay.YES]
    if whole.answer is CanPay.PARTLY:
        rest = [each for each in rails if each.answer is not CanPay.YES]
        others = "; ".join(f"not {_named([each])}: {_why(each)}" for each in rest)
        return whole.answer, f"can pay {_named(good)}, but {others}"
    sure = f"can pay {_named(good)}; beyond that nothing is known" if good else "may be able to pay or not"
    return whole.answer, f"{sure}: {_why(whole)}"


def _named(answers: Iterable[Payability]) -> str:
    return listing([_RAILS[each.rail] for each in answers if each.rail is not None])


def _why(answer: Payability) -> str:
    return listing(answer.reasons, _MOST_REASONS)
