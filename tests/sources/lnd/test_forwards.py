from hypothesis import given
from hypothesis import strategies as st

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import Forward
from lnwatch.model.money import Msat
from lnwatch.sources.lnd.forwards import NANOSECONDS, PAGE, Window, read_forward
from tests.sources.lnd.bench import Bench, Builder


def test_every_field() -> None:
    """A forward arrives whole; without an HTLC's index its nanosecond keeps the natural id unique."""
    message = ln.ForwardingEvent(
        chan_id_in=1 << 40,
        chan_id_out=2 << 40,
        fee_msat=1,
        amt_in_msat=11,
        amt_out_msat=10,
        timestamp_ns=1_700_000_000_500_000_000,
        incoming_htlc_id=0,
    )
    told = Forward(1_700_000_000.5, "1x0x0", "2x0x0", 0, None, Msat(11), Msat(10), Msat(1))
    assert read_forward(message) == told
    message.ClearField("incoming_htlc_id")
    assert read_forward(message).htlc_in == 1_700_000_000_500_000_000


@given(
    st.lists(st.integers(100 * NANOSECONDS, 110 * NANOSECONDS), unique=True, max_size=40).map(sorted),
    st.integers(1, 7),
    st.lists(st.integers(1, 40), min_size=1, max_size=10),
)
def test_window_skips_and_repeats_nothing(stamps: list[int], size: int, arrivals: list[int]) -> None:
    """However the log grows between the questions, the moved window tells each forward once."""
    window, told, there = Window(100, 0), [], 0
    for more in [*arrivals, *([40] * 50)]:
        there = min(len(stamps), there + more)
        inside = [stamp for stamp in stamps[:there] if stamp >= window.start * NANOSECONDS]
        page = inside[window.offset : window.offset + size]
        answer = ln.ForwardingHistoryResponse(forwarding_events=[ln.ForwardingEvent(timestamp_ns=at) for at in page])
        told += page
        window = window.after(answer, full=len(page) == size)
    assert told == stamps


async def told(bench: Bench) -> list[int]:
    await bench.drain("forwards")
    return [event.htlc_in for event in bench.ledger.others if isinstance(event, Forward)]


async def test_live_forwards(build: Builder) -> None:
    """From birth on each forward is told once, across pages and restarts."""
    bench = await build(forwards=30)
    assert (await bench.read("forwards")).events == ()
    bench.clock.shift += 5
    for _ in range(PAGE + 3):
        bench.node.forwards.forward()
    assert await told(bench) == list(range(30, 30 + PAGE + 3))
    bench.restart()
    bench.clock.shift += 5
    bench.node.forwards.forward()
    assert await told(bench) == list(range(30, 30 + PAGE + 4))
    assert await told(bench) == list(range(30, 30 + PAGE + 4))


async def test_old_release(build: Builder) -> None:
    """LND 0.19 tells no HTLC index, and yet no two forwards fall together."""
    bench = await build(release="0.19.3")
    await bench.read("forwards")
    for _ in range(3):
        bench.clock.shift += 1
        bench.node.forwards.forward()
    assert len(set(await told(bench))) == 3
