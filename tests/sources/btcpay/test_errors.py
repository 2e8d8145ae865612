"""Every refusal that was recorded, and those that nobody recorded, through the error table."""

import json
from typing import Final, NamedTuple

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Answer
from lnwatch.sources.btcpay.errors import AbsentError, PartInactiveError, WordlessError, failure, not_json
from tests.sources.btcpay.recordings import Recording, load, packed, single, told

REJECTED, FORBIDDEN, FAILED = FailureReason.REJECTED, FailureReason.FORBIDDEN, FailureReason.FAILED
UNSUPPORTED, MALFORMED = FailureReason.UNSUPPORTED, FailureReason.MALFORMED


class Meaning(NamedTuple):
    """What a refusal must become: a reason, the right that is lacking, and words of the sentence."""

    reason: FailureReason
    words: str
    permission: str | None = None
    kind: type[SourceError] = SourceError


def lacks(permission: str) -> Meaning:
    return Meaning(FORBIDDEN, f"lacks btcpay.{permission}", f"btcpay.{permission}")


INVOICES: Final = "store.canviewinvoices"
SETTINGS: Final = "store.canviewstoresettings"
HOOKS: Final = "store.webhooks.canmodifywebhooks"
NODE: Final = "store.canuselightningnode"
KEY_LOST: Final = Meaning(REJECTED, "does not know the API key")
NO_ROUTE: Final = Meaning(UNSUPPORTED, "too old")

RECORDED: Final = {
    "error-bad-key": KEY_LOST,
    "error-key-deleted": KEY_LOST,
    "error-no-auth": KEY_LOST,
    "misc-permissions-no-auth": KEY_LOST,
    "error-bad-start-date": Meaning(FAILED, "startDate: Invalid unix timestamp"),
    "error-create-expiration": Meaning(FAILED, "Expiration time must be at least 30 seconds"),
    "error-create-negative": Meaning(FAILED, "should be 0 or more"),
    "error-create-no-rate": Meaning(FAILED, "Error retrieving a matching payment method or rate"),
    "error-create-not-json": Meaning(FAILED, "Invalid character"),
    "error-create-unknown-currency": Meaning(FAILED, "BTC_XXX"),
    "error-deliveries-monitor": lacks(HOOKS),
    "error-foreign-store": lacks(SETTINGS),
    "error-foreign-store-invoices": lacks(INVOICES),
    "error-internal-node-absent": Meaning(UNSUPPORTED, "no Lightning node", kind=PartInactiveError),
    "error-invoice-not-found-flat": lacks(INVOICES),
    "error-invoice-not-found-flat-admin": lacks(INVOICES),
    "error-invoice-not-found-flat-monitor": lacks(INVOICES),
    "error-invoice-not-found-flat-owner": lacks(INVOICES),
    "error-invoice-not-found-nested": lacks(INVOICES),
    "error-invoice-not-found-nested-admin": lacks(INVOICES),
    "error-invoice-not-found-nested-monitor": lacks(INVOICES),
    "error-invoice-not-found-nested-owner": lacks(INVOICES),
    "error-lightning-foreign": lacks(NODE),
    "error-lightning-info-monitor": lacks(NODE),
    "error-lightning-not-configured": Meaning(UNSUPPORTED, "no Lightning node", kind=PartInactiveError),
    "error-missing-permission-create": lacks("store.cancreateinvoice"),
    "error-missing-permission-payouts": lacks("store.canviewpayouts"),
    "error-missing-permission-store": lacks(SETTINGS),
    "error-missing-permission-wallet": lacks("store.canviewwallet"),
    "error-missing-permission-webhooks": lacks(HOOKS),
    "error-notifications-monitor": lacks("user.canviewnotificationsforuser"),
    "error-payment-requests-not-found-nested": lacks("store.canviewpaymentrequests"),
    "error-payouts-not-found-nested": lacks("store.canviewpayouts"),
    "error-pull-payments-not-found-nested": NO_ROUTE,
    "error-unknown-route": NO_ROUTE,
    "error-unknown-store": lacks(SETTINGS),
    "error-webhook-delivery-not-found": Meaning(FAILED, "does not know", kind=AbsentError),
    "error-webhooks-not-found-nested": lacks(HOOKS),
    "error-wrong-method": NO_ROUTE,
    "invoices-take-minus-one": Meaning(FAILED, "no words", kind=WordlessError),
    "rates-configuration-fallback": Meaning(FAILED, "does not know", kind=AbsentError),
}
STORIES: Final = {
    "08-marking-a-settled-one": Meaning(FAILED, "does not take the question"),
    "21-refund-chain-fiat-needs-approval": Meaning(FAILED, "refuses to tell"),
    "22-refund-refused": Meaning(FAILED, ""),
}
REFUSALS: Final = [each for each in (*single(), *told()) if each.status != 200]


@pytest.mark.parametrize("recording", REFUSALS, ids=str)
def test_every_recorded_refusal(recording: Recording) -> None:
    """Each recorded refusal has a row of its own, and becomes one clear reason and sentence."""
    story = recording.name.partition("#")[0]
    meaning = RECORDED[recording.name] if story == recording.name else STORIES[story]
    error = failure(recording.answer(), "a thing")
    assert error is not None
    assert (type(error), error.reason, error.permission) == (meaning.kind, meaning.reason, meaning.permission)
    assert meaning.words in error.message


def test_no_row_without_a_recording() -> None:
    """The tables above hold nothing that was not recorded."""
    names = {recording.name.partition("#")[0] for recording in REFUSALS}
    assert {*RECORDED, *STORIES} == names


@pytest.mark.parametrize("name", [name for name in RECORDED if "invoice-not-found" in name])
def test_denial_of_one_invoice_says_nothing_of_the_key(name: str) -> None:
    """403 on a single invoice is its absence, whoever asks: the key may be as good as before."""
    recording = next(each for each in REFUSALS if each.name == name)
    assert isinstance(failure(recording.answer(), "an invoice", single=True), AbsentError)


@pytest.mark.parametrize("fault", ["lightning-node-killed", "lightning-node-hangs", "nbxplorer-killed"])
def test_recorded_faults(fault: str) -> None:
    """The refusals that were seen in faults: a node away is said so, and so is an empty 500."""
    seen = [step for step in load(f"faults/{fault}")["steps"] if step.get("http_status") in (500, 503)]
    assert seen or fault == "lightning-node-hangs"
    for step in seen:
        body = packed(step["response"]) if step["response"] != "" else b""
        error = failure(answer(step["http_status"], body), "a thing")
        assert error is not None
        assert error.reason is FAILED
        assert isinstance(error, WordlessError) == (step["http_status"] == 500)


def answer(status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> Answer:
    return Answer(status, {"content-type": kind, **headers}, body, 0.1, 1_800_000_000.0, "pay.example:443")


def told_error(status: int, code: str, message: str = "Words.") -> Answer:
    return answer(status, json.dumps({"code": code, "message": message}).encode())


PAGE: Final = b"<!DOCTYPE html><html><title>Just a moment...</title></html>"


@pytest.mark.parametrize(
    ("refusal", "meaning"),
    [
        (told_error(404, "invoice-not-found"), Meaning(FAILED, "does not know", kind=AbsentError)),
        (told_error(404, "webhookdelivery-not-found"), Meaning(FAILED, "does not know", kind=AbsentError)),
        (told_error(404, "unknown-cryptocode"), Meaning(UNSUPPORTED, "", kind=PartInactiveError)),
        (told_error(409, "webhookdelivery-pruned"), Meaning(FAILED, "HTTP 409")),
        (told_error(429, "too-many"), Meaning(FailureReason.OVERLOADED, "slow down")),
        (
            told_error(503, "lightning-node-unavailable", "SocketException: refused"),
            Meaning(FAILED, "can't reach the Lightning node"),
        ),
        (
            told_error(503, "lightning-node-unavailable", "NotSupportedException: no balance"),
            Meaning(UNSUPPORTED, "", kind=PartInactiveError),
        ),
        (answer(503, PAGE, "text/html"), Meaning(FailureReason.OVERLOADED, "HTTP 503")),
        (answer(502, PAGE, "text/html"), Meaning(FailureReason.REFUSED, "HTTP 502")),
        (answer(504), Meaning(FailureReason.TIMEOUT, "HTTP 504")),
        (answer(500, PAGE, "text/html"), Meaning(FAILED, "HTTP 500")),
        (answer(403, PAGE, "text/html"), Meaning(REJECTED, "in front of BTCPay")),
        (answer(401, b"Unauthorized", "text/plain"), Meaning(REJECTED, "in front of BTCPay")),
        (answer(302, b"", location="/login"), Meaning(FAILED, "redirect")),
        (answer(400, b'"a string"'), Meaning(FAILED, "HTTP 400")),
        (answer(400, b"[" * 100_000), Meaning(FAILED, "HTTP 400")),
        (answer(403, b'{"code": 7, "missingPermission": ["a"]}'), Meaning(REJECTED, "in front of BTCPay")),
    ],
    ids=lambda value: value.reason if isinstance(value, Meaning) else str(value.status),
)
def test_refusals_that_nobody_recorded(refusal: Answer, meaning: Meaning) -> None:
    """Older servers, proxies in between and nonsense become one reason and sentence each, too."""
    error = failure(refusal, "a thing")
    assert error is not None
    assert (type(error), error.reason) == (meaning.kind, meaning.reason)
    assert meaning.words in error.message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answer(200, PAGE, "text/html; charset=utf-8"), "with a web page"),
        (answer(200, b"  <html>", "application/json"), "with a web page"),
        (answer(200, b"", "application/json"), "something else than JSON"),
        (answer(200, b'[{"id": "a"', "application/json"), "cut short"),
    ],
)
def test_good_status_without_json(given: Answer, words: str) -> None:
    """A page instead of JSON is told as such, with what to look at."""
    assert failure(given, "a thing") is None
    error = not_json(given, "a thing")
    assert error.reason is MALFORMED
    assert words in error.message


def test_asks_to_be_left_alone() -> None:
    """How long a server asks to be left alone is passed on."""
    error = failure(answer(429, b'{"code": "slow", "message": "x"}', **{"retry-after": "17"}), "a thing")
    assert error is not None
    assert error.retry_after == 17
