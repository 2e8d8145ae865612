"""Spans in which nothing could be received on a rail, from the states of what stands behind it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import attrgetter

from lnwatch.model.conditions import Outage
from lnwatch.model.order import Proof, Rail
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import StateSpan

_BOTH = (Rail.LIGHTNING, Rail.ONCHAIN)
# What a source of a kind carries, and what its absence is evidence of.
_CARRIES: Mapping[str, tuple[Proof, tuple[Rail, ...]]] = {
    "probe": (Proof.PROBE_FAILED, _BOTH),
    "bitcoind": (Proof.CHAIN_DOWN, (Rail.ONCHAIN,)),
    "nbxplorer": (Proof.CHAIN_DOWN, (Rail.ONCHAIN,)),
}
_OF_NODE = (Proof.NODE_DOWN, (Rail.LIGHTNING,))
_WORDS = {
    TargetState.DOWN: "did not answer",
    TargetState.HANGING: "did not answer",
    TargetState.LOCKED: "was locked",
    TargetState.STARTING: "was starting",
    TargetState.SYNCING: "was behind the chain",
}


def outages(spans: Iterable[StateSpan], kinds: Mapping[str, str], node: str | None) -> tuple[Outage, ...]:
    """Every outage in `spans`; `kinds` are those of the sources by slug, `node` is the store's Lightning node.

    Probes must be of the checkout alone. A credential that is refused says nothing of what it was to open.
    """
    ordered = sorted(spans, key=attrgetter("source", "at"))
    return tuple(
        outage
        for source, of_source in groupby(ordered, key=attrgetter("source"))
        if source in kinds and (source == node or kinds[source] in _CARRIES)
        for outage in _of(source, kinds[source], list(of_source))
    )


def _of(source: str, kind: str, spans: Sequence[StateSpan]) -> Iterator[Outage]:
    proof, rails = _CARRIES.get(kind, _OF_NODE)
    for span, following in pairwise((*spans, None)):
        if span is None or span.state not in _WORDS:
            continue
        until = following.at if following is not None else None
        cause = Proof.CHAIN_DOWN if proof is Proof.NODE_DOWN and span.state is TargetState.SYNCING else proof
        for rail in rails:
            yield Outage(cause, source, rail, span.at, until, _WORDS[span.state])
