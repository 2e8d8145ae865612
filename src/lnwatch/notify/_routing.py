"""Who is told: from owner, severity and site of a case to channels, and not before when."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from lnwatch.fields import Settings, Slug
from lnwatch.model.case import Transition
from lnwatch.model.message import Notice, Pager
from lnwatch.model.rule import Owner, Severity
from lnwatch.notify._quiet import QuietHours

PAGER = "pagerduty"
CHAT = "slack"
OWN_SITE = "lnwatch"  # the daemon's own cases
# What calls somebody. The rest only follows it, to whom it was told, at any hour.
RINGING = frozenset({Transition.OPENED, Transition.REOPENED, Transition.ESCALATED, Transition.AWOKE})


class Route(Settings):
    """Cases of these owners, severities and sites (none named: all) go to these channels, to none if there is none."""

    owners: tuple[Owner, ...] = ()
    severities: tuple[Severity, ...] = ()
    sites: tuple[Slug, ...] = ()
    channels: tuple[Slug, ...]
    quiet_hours: QuietHours | None = None

    def matches(self, notice: Notice) -> bool:
        """Whether the route is for this notice."""
        pairs = ((self.owners, notice.owner), (self.severities, notice.severity), (self.sites, notice.fingerprint.site))
        return all(not wanted or found in wanted for wanted, found in pairs)


class RoutingSettings(Settings):
    """The first route that matches counts; what none matches goes the usual way.

    The usual way: critical to every channel of PagerDuty and Slack, warning to Slack, info to nobody, for
    it waits in the queue. With `paging = "alertmanager"` Prometheus and Alertmanager page, and nothing
    critical goes to a channel of PagerDuty.
    """

    paging: Pager = "lnwatch"
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel, and the epoch second before which nothing is sent there."""

    channel: str
    not_before: float


class Routing:
    """The routes, checked against what is configured."""

    def __init__(self, settings: RoutingSettings, channels: Mapping[str, str], sites: Collection[str]) -> None:
        """Take `channels` as kinds by slug. Raises ValueError: one sentence that names what is not configured."""
        self._settings = settings
        self._channels = dict(channels)
        for number, route in enumerate(settings.routes, start=1):
            for channel in route.channels:
                if channel not in channels:
                    raise ValueError(_missing(f"route {number} leads to the channel", channel, channels))
            for site in route.sites:
                if site not in (*sites, OWN_SITE):
                    raise ValueError(_missing(f"route {number} is for the site", site, [*sites, OWN_SITE]))

    @property
    def unreached(self) -> tuple[str, ...]:
        """Channels that nothing will ever be sent to: neither a route nor the usual way leads there."""
        led_to = {channel for route in self._settings.routes for channel in route.channels}
        usual = {slug for slug, kind in self._channels.items() if kind in (PAGER, CHAT)}
        return tuple(slug for slug in self._channels if slug not in led_to | usual)

    def destinations(self, notice: Notice, told: Collection[str]) -> tuple[Destination, ...]:
        """Where a notice goes.

        `told` are the channels that have, or are about to get, a message of this opening: what only follows
        (a resolve above all) goes there and nowhere else, at once.
        """
        followers = [channel for channel in self._channels if channel in told]
        if notice.transition not in RINGING:
            return tuple(Destination(channel, notice.at) for channel in followers)
        route = next((route for route in self._settings.routes if route.matches(notice)), None)
        wanted = self._usual(notice) if route is None else route.channels
        wanted = self._around(notice, wanted)
        begin = self._begin(route, notice)
        starts = dict.fromkeys(wanted, begin) | {channel: notice.at for channel in followers if channel not in wanted}
        return tuple(
            Destination(channel, start)
            for channel, start in starts.items()
            if not self._pages_elsewhere(channel, notice)
        )

    def _usual(self, notice: Notice) -> tuple[str, ...]:
        kinds = {Severity.CRITICAL: (PAGER, CHAT), Severity.WARNING: (CHAT,), Severity.INFO: ()}[notice.severity]
        return tuple(slug for slug, kind in self._channels.items() if kind in kinds)

    def _around(self, notice: Notice, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """That a channel fails is told through the others, through all of them where no other is named."""
        kind, _, broken = notice.fingerprint.subject.partition(":")
        if kind != "delivery" or broken not in self._channels:
            return wanted
        others = tuple(channel for channel in wanted if channel != broken)
        return others or tuple(channel for channel in self._channels if channel != broken)

    def _pages_elsewhere(self, channel: str, notice: Notice) -> bool:
        pager = self._channels[channel] == PAGER and notice.severity is Severity.CRITICAL
        return pager and self._settings.paging == "alertmanager"

    def _begin(self, route: Route | None, notice: Notice) -> float:
        if route is None or route.quiet_hours is None or notice.never_muted:
            return notice.at
        return route.quiet_hours.until(notice.at) or notice.at


def _missing(what: str, name: str, known: Collection[str]) -> str:
    """One sentence that names the nearest name there is, else all of them."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    if close:
        return f"{what} `{name}`, which is not configured: did you mean `{close[0]}`?"
    names = ", ".join(f"`{each}`" for each in sorted(known))
    return f"{what} `{name}`, which is not configured; " + (f"there is {names}" if names else "there is none at all")
