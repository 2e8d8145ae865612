"""Which hands there are: dry ones for everything, real ones where their own macaroon and `dry_run = false` say so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lnwatch.executor.btcpay import HookReader, LentKeys, RegisteringHands
from lnwatch.executor.dry_run import DryRunHands
from lnwatch.executor.hands import Hands
from lnwatch.executor.lnd import CallingHands, LndReader
from lnwatch.model.action import MOVES_MONEY, Action, Post
from lnwatch.sources import Place
from lnwatch.sources.btcpay import BtcpaySettings
from lnwatch.sources.lnd.client import LndClient
from lnwatch.sources.lnd.settings import LndSettings

# The first of them acts; each looks up what it began itself, also under an earlier configuration.
Crew = Mapping[Post, tuple[Hands, ...]]


@dataclass(frozen=True, slots=True)
class Workplace:
    """One LND node as its source reads it, and the macaroon with which hands may act there, if any."""

    place: Place
    settings: LndSettings
    hands_macaroon: Path | None = None


@dataclass(frozen=True, slots=True)
class Shopfront:
    """One BTCPay Server as its source reads it; who wants it changed lends a key."""

    place: Place
    settings: BtcpaySettings


class Hired:
    """The hands at some workplaces, and their connections until `close`; `keys` are those lent to them."""

    def __init__(self, workplaces: Iterable[Workplace], shopfronts: Iterable[Shopfront] = (), *, dry_run: bool) -> None:
        self.keys = LentKeys()
        self._clients: list[LndClient] = []
        crew: dict[Post, tuple[Hands, ...]] = {}
        for each in workplaces:
            site, node = each.place.site, each.place.slug
            reader = LndReader(self._client(each.place, each.settings))
            dry, calling = DryRunHands(reader), self._calling(each, reader)
            live = each.hands_macaroon is not None and not dry_run
            crew[site, node, Action.CONNECT_PEER] = (calling, dry) if live else (dry, calling)
            for action in MOVES_MONEY:  # there are no hands that pay
                crew[site, node, action] = (dry,)
        for front in shopfronts:
            teller = HookReader(front.place, front.settings, self.keys)
            rehearsing, real = DryRunHands(teller), RegisteringHands(teller, front.settings)
            post = (front.place.site, front.place.slug, Action.REGISTER_WEBHOOK)
            crew[post] = (rehearsing, real) if dry_run else (real, rehearsing)
        self.crew: Crew = crew

    def _calling(self, workplace: Workplace, reader: LndReader) -> CallingHands:
        file = workplace.hands_macaroon
        own = workplace.settings.model_copy(update={"macaroon": None, "macaroon_file": file}) if file else None
        return CallingHands(reader, self._client(workplace.place, own or workplace.settings), file)

    def _client(self, place: Place, settings: LndSettings) -> LndClient:
        client = LndClient(place, settings)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Let go of the connections."""
        for client in self._clients:
            await client.close()
