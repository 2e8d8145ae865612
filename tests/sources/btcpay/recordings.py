"""What a real BTCPay Server answered, as the client would get it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lnwatch.net import Answer
from lnwatch.sources.btcpay.invoice_reading import Sight
from lnwatch.sources.btcpay.parsing import decode
from lnwatch.sources.btcpay.zone import HostZone

Json = Any  # what JSON holds
FOLDER = Path(__file__).parents[2] / "recorded" / "btcpay-2.4.1"
STORE = "C8H1yvN6ZamjevMuWkHJcPvnWH8RsCHegqKu1oZRy3ES"
SEEN_AT = 1_795_560_000.0  # after everything that was recorded


def packed(value: Json) -> bytes:
    """As it came over the wire."""
    return json.dumps(value, indent=2, default=float).encode()


@dataclass(frozen=True, slots=True)
class Recording:
    """One answer: where it stands, what was asked, and what came."""

    name: str
    method: str
    path: str
    status: int
    headers: dict[str, str]
    response: Json

    @property
    def body(self) -> bytes:
        return b"" if self.response == "" else packed(self.response)

    def answer(self) -> Answer:
        return Answer(self.status, self.headers, self.body, 0.01, SEEN_AT, "127.0.0.1:14142")

    def __str__(self) -> str:
        return self.name


def load(name: str) -> Json:
    """The whole file of that name."""
    return decode((FOLDER / f"{name}.json").read_bytes())


def single() -> Iterator[Recording]:
    """The answers that stand in a file each."""
    for path in sorted(FOLDER.glob("*.json")):
        held = decode(path.read_bytes())
        if "request" in held:
            request = held["request"]
            yield Recording(
                path.stem, request["method"], request["path"], held["http_status"], held["headers"], held["response"]
            )


def told() -> Iterator[Recording]:
    """The answers within stories."""
    for path in sorted(FOLDER.glob("stories/*.json")):
        for number, step in enumerate(decode(path.read_bytes())["steps"]):
            if "call" in step:
                method, place = step["call"].split(" ")
                yield Recording(f"{path.stem}#{number}", method, place, step["http_status"], {}, step["response"])


def bodies_of_webhooks() -> Iterator[tuple[str, Json]]:
    """The bodies of the webhooks of all stories."""
    for path in sorted(FOLDER.glob("stories/*.json")):
        for number, step in enumerate(decode(path.read_bytes())["steps"]):
            if "webhook" in step:
                yield f"{path.stem}#{number}", step["webhook"]


def sight(at: float = SEEN_AT, offset: float = 0.0, zone: HostZone | None = None) -> Sight:
    """From where the recordings are looked at."""
    return Sight("shop", at, offset, zone or HostZone())
