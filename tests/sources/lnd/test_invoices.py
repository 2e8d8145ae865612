from collections.abc import Sequence

import pytest

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import InvoiceHtlc, InvoiceState, LightningInvoice
from lnwatch.model.money import Msat
from lnwatch.sources.lnd.invoices import GRACE, Observer, identity, settle_index, settled_at

CREATED, EXPIRY = 1_000_000, 600
EXPIRES = CREATED + EXPIRY


def held(until: int, amount: int = 5_000) -> ln.InvoiceHTLC:
    return ln.InvoiceHTLC(amt_msat=amount, accept_time=EXPIRES - 60, resolve_time=until, state=ln.CANCELED)


def invoice(
    state: ln.Invoice.InvoiceState, *, settle_date: int = 0, htlcs: Sequence[ln.InvoiceHTLC] = ()
) -> ln.Invoice:
    return ln.Invoice(
        creation_date=CREATED, expiry=EXPIRY, state=state, value_msat=5_000, settle_date=settle_date, htlcs=htlcs
    )


# Lightning's own word for each case, seen at a time of our clock that is given relative to the expiry.
@pytest.mark.parametrize(
    ("message", "seen", "state", "final_at"),
    [
        (invoice(ln.Invoice.OPEN), -100, InvoiceState.OPEN, None),
        (invoice(ln.Invoice.OPEN), 1_000, InvoiceState.OPEN, None),  # LND has not cancelled it yet: not final
        (invoice(ln.Invoice.ACCEPTED), -100, InvoiceState.ACCEPTED, None),
        (invoice(ln.Invoice.ACCEPTED), 1_000, InvoiceState.ACCEPTED, None),  # held past its expiry: not final
        (invoice(ln.Invoice.SETTLED, settle_date=CREATED + 5), -100, InvoiceState.SETTLED, CREATED + 5),
        (invoice(ln.Invoice.SETTLED, settle_date=EXPIRES + 5), 9_999, InvoiceState.SETTLED, EXPIRES + 5),
        (invoice(ln.Invoice.CANCELED), 0, InvoiceState.EXPIRED, EXPIRES),
        (invoice(ln.Invoice.CANCELED), 90_000, InvoiceState.EXPIRED, EXPIRES),
        (invoice(ln.Invoice.CANCELED), -GRACE, InvoiceState.EXPIRED, EXPIRES),  # our clock may be late
        (invoice(ln.Invoice.CANCELED), -GRACE - 1, InvoiceState.CANCELED, EXPIRES - GRACE - 1),
        (invoice(ln.Invoice.CANCELED), -10_000, InvoiceState.CANCELED, CREATED),  # never before it was made
        (invoice(ln.Invoice.CANCELED, htlcs=[held(EXPIRES + 300)]), 400, InvoiceState.CANCELED, EXPIRES + 300),
        (invoice(ln.Invoice.CANCELED, htlcs=[held(EXPIRES + 300, 100)]), 400, InvoiceState.EXPIRED, EXPIRES),
        (invoice(ln.Invoice.CANCELED, htlcs=[held(EXPIRES + 1)]), 400, InvoiceState.EXPIRED, EXPIRES),
        (invoice(ln.Invoice.CANCELED, htlcs=[held(EXPIRES - 30)]), 400, InvoiceState.EXPIRED, EXPIRES),
    ],
)
def test_states(message: ln.Invoice, seen: int, state: InvoiceState, final_at: int | None) -> None:
    """Expired and cancelled are told apart by when the end was seen, and by what was held."""
    at = float(EXPIRES + seen)
    read = Observer(now=at, seen_at=at).read(message)
    assert (read.state, read.final_at, read.expires_at) == (state, final_at, EXPIRES)


def test_every_field() -> None:
    """An invoice arrives whole."""
    message = ln.Invoice(
        r_hash=b"\xab" * 32,
        creation_date=CREATED,
        expiry=EXPIRY,
        settle_date=CREATED + 9,
        add_index=7,
        settle_index=4,
        state=ln.Invoice.SETTLED,
        value_msat=5_000,
        amt_paid_msat=6_000,
        private=True,
        is_keysend=True,
        htlcs=[
            ln.InvoiceHTLC(
                chan_id=1 << 40,
                htlc_index=3,
                amt_msat=6_000,
                accept_time=CREATED + 8,
                resolve_time=CREATED + 9,
                expiry_height=800_144,
                state=ln.SETTLED,
            )
        ],
    )
    part = InvoiceHtlc("1x0x0", 3, Msat(6_000), CREATED + 8, CREATED + 9, True, False, 800_144)
    assert Observer(0.0, 0.0).read(message) == LightningInvoice(
        payment_hash="ab" * 32,
        add_index=7,
        settle_index=4,
        state=InvoiceState.SETTLED,
        value_msat=Msat(5_000),
        paid_msat=Msat(6_000),
        created_at=CREATED,
        expires_at=EXPIRES,
        final_at=CREATED + 9,
        keysend=True,
        amp=False,
        private=True,
        htlcs=(part,),
    )


def test_default_expiry() -> None:
    """An invoice without an expiry lives for an hour, as BOLT 11 says."""
    assert Observer(0.0, 0.0).read(ln.Invoice(creation_date=CREATED)).expires_at == CREATED + 3_600


def test_unknown_state_is_open() -> None:
    """A state that a later release may add is not taken for an end."""
    later = ln.Invoice.FromString(b"\xa8\x01\x09")
    assert later.state == 9
    assert Observer(1e10, 1e10).read(later).state is InvoiceState.OPEN


@pytest.mark.parametrize(("now", "state"), [(EXPIRES - 100, "canceled"), (EXPIRES + 100, "expired")])
def test_deleted(now: int, state: str) -> None:
    """One that LND no longer has was cancelled: by somebody, or at its expiry."""
    observer = Observer(now=float(now), seen_at=float(now))
    gone = observer.deleted(observer.read(invoice(ln.Invoice.OPEN)))
    assert (gone.state.value, gone.final_at) == (state, min(now, EXPIRES))


def test_amp() -> None:
    """An AMP invoice keeps its settlements in its parts: the first counts, the last moves the cursor."""
    message = ln.Invoice(
        is_amp=True,
        payment_addr=b"\x05" * 32,
        amp_invoice_state={
            "aa": ln.AMPInvoiceState(settle_index=8, settle_time=CREATED + 50),
            "bb": ln.AMPInvoiceState(settle_index=9, settle_time=CREATED + 90),
            "cc": ln.AMPInvoiceState(settle_time=-62_135_596_800),  # Go's zero time: accepted, not settled
        },
    )
    assert (identity(message), settle_index(message), settled_at(message)) == ("05" * 32, 9, CREATED + 50)
