"""Compares what the double says with what was recorded: everything but ids, times and encoded invoices."""

import re
from typing import Any

from tests.simulator.btcpay.openapi import Json

IDS = frozenset(
    [
        "id",
        "invoiceId",
        "deliveryId",
        "webhookId",
        "originalDeliveryId",
        "storeId",
        "destination",
        "paymentHash",
        "preimage",
        "nodeInfo",
        "pullPaymentId",
        "payoutId",
        "paymentRequestId",
        "keyPath",
        "keyIndex",
        "Id",
        "Preimage",
        "PaymentHash",
        "TransactionId",
        "Candidates",
        "pr",
        "apiKey",
        "accountDerivation",
        "accountOriginal",
        "accountKey",
        "BOLT11",
        "remoteNode",
        "channelPoint",
        "nodeURIs",
        "transactionHash",
        "blockHash",
        "outpoint",
        "address",
        "ref",
        "color",
    ]
)
TIMES = frozenset(
    [
        "createdTime",
        "expirationTime",
        "monitoringExpiration",
        "receivedDate",
        "timestamp",
        "deliveryTime",
        "date",
        "startsAt",
        "paidAt",
        "expiresAt",
        "createdAt",
    ]
)
_LEAST = 8  # characters of an identifier that is looked for inside other texts
_BASE = re.compile(r"http://127\.0\.0\.1:\d+")


class Likeness:
    """One recording against one run. Ids may differ, but the same one must stand for the same one throughout."""

    def __init__(self, recorded_at: float, ours_at: float, slack: float = 3.0) -> None:
        self.shift = ours_at - recorded_at
        self.slack = slack
        self.ours: dict[Any, Any] = {}
        self.recorded: dict[Any, Any] = {}

    def bind(self, recorded: Json, ours: Json, where: str = "") -> None:
        """Let one id stand for another."""
        assert type(recorded) is type(ours), f"{where}: {recorded!r} was recorded, not {ours!r}"
        if recorded is None:
            return
        known = self.ours.setdefault(recorded, ours), self.recorded.setdefault(ours, recorded)
        assert known == (ours, recorded), f"{where}: {recorded!r} is {known[0]!r} already, not {ours!r}"

    def translate(self, text: str) -> str:
        """A recorded text with our ids in it."""
        for recorded, ours in self.ours.items():
            if isinstance(recorded, str) and len(recorded) >= _LEAST:
                text = text.replace(recorded, ours)
        return text

    def compare(self, recorded: Json, ours: Json, where: str = "$", key: str = "") -> None:
        """Fail with the place of the first difference."""
        assert type(recorded) is type(ours), f"{where}: {recorded!r} was recorded, not {ours!r}"
        if isinstance(recorded, dict):
            assert list(recorded) == list(ours), f"{where}: fields {list(recorded)} were recorded, not {list(ours)}"
            for name in recorded:
                self.compare(recorded[name], ours[name], f"{where}.{name}", name)
        elif isinstance(recorded, list):
            assert len(recorded) == len(ours), f"{where}: {len(recorded)} were recorded, not {len(ours)}: {ours}"
            for at, (left, right) in enumerate(zip(recorded, ours, strict=True)):
                self.compare(left, right, f"{where}[{at}]", key)
        elif key in TIMES and isinstance(recorded, int):
            apart = ours - recorded - self.shift
            assert abs(apart) <= self.slack, f"{where}: {apart:+.1f} s from what was recorded"
        elif key in IDS:
            self.bind(recorded, ours, where)
        elif isinstance(recorded, str):
            self._compare_text(recorded, ours, where)
        else:
            assert recorded == ours, f"{where}: {recorded!r} was recorded, not {ours!r}"

    def _compare_text(self, recorded: str, ours: str, where: str) -> None:
        if recorded.startswith("lightning:lnurl1"):
            assert ours.startswith("lightning:lnurl1"), where
            return
        left, right = _BASE.sub("", self.translate(recorded)), _BASE.sub("", ours)
        assert left == right, f"{where}: {recorded!r} was recorded, not {ours!r}"
