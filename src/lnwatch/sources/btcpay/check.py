"""One look at everything that can be wrong between lnwatch and a BTCPay Server, in sentences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from lnwatch.credentials import world_readable
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.snapshot import TargetState
from lnwatch.net import TlsPeek
from lnwatch.sources import Checkup, Place, Scope, state_after
from lnwatch.sources.btcpay.desk import Server, Shop
from lnwatch.sources.btcpay.pages import Pages, Window
from lnwatch.sources.btcpay.permissions import DELIVERIES_NEED, NEEDS, NODE, SETTINGS, WEBHOOKS
from lnwatch.sources.btcpay.rates import ask_rates
from lnwatch.sources.btcpay.settings import BtcpaySettings
from lnwatch.sources.btcpay.status import StatusCollector, report
from lnwatch.sources.btcpay.version import remark, supported
from lnwatch.sources.btcpay.webhooks import DELIVERIES, HOOKS

_UNREACHED: Final = frozenset({FailureReason.REFUSED, FailureReason.TLS})
_NEWEST: Final = 50  # invoices whose payments are looked at for the host's zone


@dataclass(slots=True)
class _Found:
    """What the questions brought."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Inspector:
    """Asks for the server, the key's own rights, and each store's newest invoices and rate."""

    place: Place
    settings: BtcpaySettings
    server: Server
    shops: Sequence[Shop]

    async def look(self) -> Checkup:
        """Everything in one answer; the server's failures are in it."""
        peek = await self._peek()
        found = _Found()
        try:
            status = await StatusCollector(self.server, self.settings.timeout, 0.0, 0.0).look()
            await self.server.look_at_key()
        except SourceError as error:
            return self._failed(error, peek)
        for shop in self.shops:
            await self._look_at(shop, found)
            await self._look_at_hooks(shop, found)
        self._note_zone(found)
        found.warnings += self._general()
        told = report(status, self.server)
        if told.state is not TargetState.UP:
            found.problems.append(told.detail)
        excess = self._excess()
        found.warnings += [f"the API key {right}: give lnwatch one that only reads" for right in excess]
        version = self.server.version
        return Checkup(
            reachable=True,
            state=told.state,
            version=str(version),
            supported=supported(version) if version else None,
            scope=Scope.TOO_LITTLE if found.missing else Scope.TOO_MUCH if excess else Scope.ENOUGH,
            missing=tuple(found.missing),
            excess=excess,
            tls_expires_at=peek.not_after if peek else None,
            tls_lifetime_left=peek.lifetime_left(self.place.clock.now()) if peek else None,
            clock_offset=self.server.client.clock_offset,
            synced=told.state is TargetState.UP,
            problems=tuple(found.problems),
            warnings=(*found.warnings, *self._file_warnings()),
        )

    async def _look_at(self, shop: Shop, found: _Found) -> None:
        needs = (*NEEDS, DELIVERIES_NEED) if self.settings.deliveries else NEEDS
        lacking = [need for need in needs if shop.lacks(need.permission)]
        found.missing += [(f"{need.permission} for store {shop.slug}", need.cost) for need in lacking]
        try:
            await Pages(shop, f"check {shop.slug}", _NEWEST).read(Window(), take=_NEWEST)
            rates = None if shop.lacks(SETTINGS) else await ask_rates(shop)
        except SourceError as error:
            if error.permission is None or error.permission not in {need.permission for need in lacking}:
                found.problems.append(f"store {shop.slug}: {error.message}")
            return
        for rate in rates.rates if rates is not None else ():
            if rate.rate is None:
                words = ", ".join(rate.errors) or "no words"
                found.problems.append(
                    f"store {shop.slug} has no rate for {rate.currency} ({words}): it can make no invoice"
                )

    async def _look_at_hooks(self, shop: Shop, found: _Found) -> None:
        """Whether the store's webhooks reach lnwatch and prove themselves, where it awaits them and the key may ask."""
        if self.settings.signs is None or self.server.grants is None or shop.lacks(WEBHOOKS):
            return
        path, what = f"/hooks/btcpay/{self.place.site}/{self.place.slug}", f"the webhooks of store {shop.slug}"
        register = f"lnwatch webhook register {self.place.slug} {shop.slug}"
        try:
            every = (await self.server.client.ask(shop.path("webhooks"), HOOKS, what)).value
            ours = [each for each in every if each.url.get_secret_value().endswith(path)]
            refused = [each for each in ours if await self._newest_code(shop, each.id) == HTTPStatus.UNAUTHORIZED]
        except SourceError as error:
            found.warnings.append(error.message)
            return
        if not any(each.enabled for each in ours):
            found.warnings.append(f"no webhook of store {shop.slug} that is on leads to {path}: `{register}`")
        if refused:
            found.warnings.append(
                f"lnwatch refuses what store {shop.slug} tells: the webhook has another secret than the file of "
                f"`webhook_secret_file`; remove that file and run `{register}` again"
            )

    async def _newest_code(self, shop: Shop, hook: str) -> int | None:
        path, what = shop.path(f"webhooks/{hook}/deliveries"), f"the webhook deliveries of store {shop.slug}"
        newest = (await self.server.client.ask(path, DELIVERIES, what, query={"count": 1})).value
        return newest[0].http_code if newest else None

    def _note_zone(self, found: _Found) -> None:
        shift = self.server.zone.shift
        if shift:
            hours = f"{abs(shift) / 3_600:g} h {'ahead' if shift > 0 else 'behind'}"
            found.warnings.append(
                f"BTCPay's host is not in UTC: it tells the times of payments {hours}. lnwatch takes them "
                "from webhooks and nodes instead; set the host's zone (TZ) to UTC"
            )

    def _general(self) -> Iterator[str]:
        text = remark(self.server.version)
        if text is not None:
            yield text
        for subject, words in sorted(self.server.remarks.texts.items()):
            if subject.startswith("unread"):
                yield words
        unseen = [what for right, what in _OPTIONAL if all(shop.lacks(right) for shop in self.shops)]
        if unseen and not self.settings.deliveries:
            yield f"this key does not show {' and '.join(unseen)}, as BTCPay has no right for that which only reads"
        parts = urlsplit(self.settings.url)
        host = parts.hostname or ""
        if parts.scheme == "http" and not host.endswith(".onion") and host not in ("localhost", "127.0.0.1", "::1"):
            yield f"the API key goes to {host} unencrypted: use https, or an address inside this machine"

    def _excess(self) -> tuple[str, ...]:
        grants = self.server.grants
        return tuple(grants.beyond_reading(deliveries=self.settings.deliveries)) if grants is not None else ()

    def _failed(self, error: SourceError, peek: TlsPeek | None) -> Checkup:
        return Checkup(
            reachable=error.reason not in _UNREACHED,
            state=state_after(error.reason),
            tls_expires_at=peek.not_after if peek else None,
            tls_lifetime_left=peek.lifetime_left(self.place.clock.now()) if peek else None,
            clock_offset=self.server.client.clock_offset,
            problems=(error.message,),
            warnings=tuple(self._file_warnings()),
        )

    async def _peek(self) -> TlsPeek | None:
        parts = urlsplit(self.settings.url)
        if parts.scheme != "https" or parts.hostname is None:
            return None
        try:
            return await self.server.client.certificate(parts.hostname, parts.port or 443)
        except SourceError:
            return None  # the questions fail for the same reason, and tell it

    def _file_warnings(self) -> Iterator[str]:
        path = self.settings.api_key_file
        if path is None or not world_readable(path):
            return
        yield f"everybody on this machine may read {path}: take that right away (chmod o-r)"


_OPTIONAL: Final = ((WEBHOOKS, "webhook deliveries"), (NODE, "the Lightning node's balance"))
