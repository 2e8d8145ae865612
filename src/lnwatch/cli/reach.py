"""Whom the channels of delivery reach with what, and what is doubtful about it: found out without sending anything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from urllib.parse import urlsplit

from lnwatch.config import Config
from lnwatch.domain.wording import listing
from lnwatch.model.case import CaseState, Fingerprint, Transition
from lnwatch.model.message import Notice
from lnwatch.model.rule import Owner, Severity
from lnwatch.notify._routing import OWN_SITE, PAGER, Routing
from lnwatch.web.settings import is_loopback


@dataclass(frozen=True, slots=True)
class Reach:
    """What would be told where: for each sort of case the channels that it goes to."""

    config: Config
    told: dict[tuple[Severity, Owner, str], tuple[str, ...]]

    @classmethod
    def of(cls, config: Config) -> "Reach":
        """As the daemon itself would route a fresh case of each severity, owner and site."""
        routing = Routing(config.routing, {each.slug: each.kind.kind for each in config.notify.values()}, config.sites)
        return cls(
            config,
            {
                sort: tuple(each.channel for each in routing.destinations(_fresh(*sort), ()))
                for sort in product(Severity, Owner, (*config.sites, OWN_SITE))
            },
        )

    def gets(self, channel: str) -> tuple[str, ...]:
        """The severities that a channel is told of, `some` before those that it gets in part."""
        said: list[str] = []
        for severity in Severity:
            sorts = [channel in channels for (each, *_), channels in self.told.items() if each is severity]
            if any(sorts):
                said.append(severity.value if all(sorts) else f"some {severity}")
        return tuple(said)

    def doubts(self) -> Iterator[str]:
        """What the operator may not have meant; nothing where nobody is to be told of anything."""
        for channel in self.config.notify.values():
            if not self.gets(channel.slug):
                yield f"{channel.key}: nothing is ever sent there: {self._instead(channel.kind.kind)}"
        if not self.config.notify:
            return
        yield from self._unheard()
        if self.config.routing.paging == "lnwatch":
            yield from self._unpaged()
        yield from doubtful_links(self.config)

    def _instead(self, kind: str) -> str:
        if kind == PAGER and self.config.routing.paging == "alertmanager":
            return 'with `paging = "alertmanager"` critical cases are paged from there'
        return "name it in the `channels` of a route"

    def _unheard(self) -> Iterator[str]:
        if owners := self._owners(()):
            yield f"critical cases for {owners} are told to nobody: routes lead them nowhere"

    def _unpaged(self) -> Iterator[str]:
        pagers = tuple(each.slug for each in self.config.notify.values() if each.kind.kind == PAGER)
        if not pagers:
            yield 'nobody is paged: `routing.paging` is "lnwatch", and there is no channel of PagerDuty'
        elif owners := self._owners(pagers):
            yield f"critical cases for {owners} page nobody: routes lead them past PagerDuty"

    def _owners(self, wanted: Sequence[str]) -> str:
        """Owners of critical cases that reach none of the wanted channels; with none wanted, that reach none at all."""
        owners = [
            owner.value
            for owner in Owner
            if any(
                not (set(channels) & set(wanted) if wanted else channels)
                for (severity, each, _), channels in self.told.items()
                if severity is Severity.CRITICAL and each is owner
            )
        ]
        return "all owners" if len(owners) == len(Owner) else listing(owners, len(Owner))


def doubtful_links(config: Config) -> Iterator[str]:
    """That links lead to where only this machine can follow."""
    if is_loopback(urlsplit(config.web.link_base).hostname or ""):
        yield f"links will begin with {config.web.link_base}, which only this machine can open: set web.public_url"


def _fresh(severity: Severity, owner: Owner, site: str) -> Notice:
    return Notice(
        fingerprint=Fingerprint(site, "any", "any:case"),
        number=1,
        transition_number=1,
        transition=Transition.OPENED,
        state=CaseState.OPEN,
        severity=severity,
        owner=owner,
        sentence="",
        at=0.0,
        found_at=0.0,
    )
