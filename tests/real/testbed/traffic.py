"""Customers: invoices that are paid, cancelled and left to expire, one after the other, in the background."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread

from tests.real.testbed.bed import Bed

SHORT = 2  # seconds that an invoice lives that nobody pays
PAUSE = 0.05


class Traffic:
    """What was done so far, by what has to come of it; `failure` where the nodes themselves failed."""

    def __init__(self, bed: Bed) -> None:
        self.outcomes: Counter[str] = Counter()
        self.received = 0
        self.failure: Exception | None = None
        self._bed = bed
        self._enough = Event()
        self._thread = Thread(target=self._run, name="traffic", daemon=True)

    def _run(self) -> None:
        try:
            for number in count():
                if self._enough.is_set():
                    return
                self._one(number)
                time.sleep(PAUSE)
        except Exception as error:  # noqa: BLE001 - it is raised again in the test's own thread
            self.failure = error

    def _one(self, number: int) -> None:
        merchant, satoshis = self._bed.merchant, 100 + number
        if number % 10 == 3:
            merchant.cancel(merchant.add_invoice(satoshis)["r_hash"])
            self.outcomes["canceled"] += 1
        elif number % 10 == 7:
            merchant.add_invoice(satoshis, expiry=SHORT)
            self.outcomes["expired"] += 1
        else:
            payer = self._bed.customer if number % 4 == 0 else self._bed.hub
            self._bed.pay(merchant.add_invoice(satoshis)["payment_request"], payer)
            self.outcomes["settled"] += 1
            self.received += satoshis

    def stop(self) -> None:
        """Finish the one in hand. Raises what went wrong."""
        self._enough.set()
        self._thread.join(60)
        if self.failure is not None:
            raise self.failure

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Customers come while the block runs."""
        self._thread.start()
        try:
            yield
        finally:
            self.stop()
