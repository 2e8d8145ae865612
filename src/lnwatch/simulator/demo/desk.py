"""The demo's own page: what was told to whom, and a button for each incident."""

import html
import time
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import parse_qs

from lnwatch.clock import Clock
from lnwatch.simulator.demo.house import House
from lnwatch.simulator.demo.incidents import INCIDENTS
from lnwatch.simulator.demo.people import People, Told
from lnwatch.simulator.webhook_receiver import Receiver, Reply, Request

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
:root { color-scheme: light dark }
h2 { margin-top: 2rem } form { display: inline } button { font: inherit; margin: .2rem }
li { margin: .5rem 0 } .where { opacity: .65 } ul ul { opacity: .8 }
pre { white-space: pre-wrap; font: inherit; margin: 0 }
"""


class DemoDesk(Receiver):
    """`begin` lets an incident happen for so many seconds, and says what is wrong with that, or nothing."""

    def __init__(self, clock: Clock, people: People, house: House, begin: Callable[[str, float], str]) -> None:
        """Nothing listens before `start`."""
        super().__init__(clock, house.desk_port)
        self.diary: list[tuple[float, str]] = []
        self._people, self._lnwatch, self._begin = people, house.page, begin

    def answer(self, request: Request) -> Reply:
        """The page, the same as JSON at /told, and what begins at /incidents/NAME."""
        self.received.clear()
        if request.path.startswith("/incidents/") and request.method == "POST":
            return self._incident(request)
        if request.path == "/told":
            told = [{"at": e.at, "where": e.where, "text": e.text, "replies": e.replies} for e in self._people.told()]
            return Reply.of(200, {"diary": self.diary, "told": told})
        if request.path == "/":
            return Reply(200, self._page().encode(), {"Content-Type": "text/html; charset=utf-8"})
        return Reply(404)

    def note(self, text: str) -> None:
        """Something began or ended now."""
        self.diary.append((self.clock.now(), text))

    def _incident(self, request: Request) -> Reply:
        asked = parse_qs(request.body.decode(errors="replace"))
        try:
            lasts = float(asked.get("seconds", ["180"])[0])
        except ValueError:
            lasts = 180.0
        wrong = self._begin(request.path.removeprefix("/incidents/"), lasts)
        if request.headers.get("accept", "").startswith("text/html"):
            if wrong:
                self.note(wrong)
            return Reply(303, headers={"Location": "/"})
        return Reply.of(409 if wrong else 202, {"error": wrong} if wrong else {"seconds": lasts})

    def _page(self) -> str:
        buttons = "".join(
            f'<form method="post" action="/incidents/{name}"><button title="{html.escape(each.sentence)}">{name}'
            "</button></form>"
            for name, each in INCIDENTS.items()
        )
        diary = "".join(f"<li>{_time(at)} {html.escape(text)}</li>" for at, text in reversed(self.diary))
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
            f"<title>lnwatch demo</title><style>{_STYLE}</style><h1>The demo's own page</h1>"
            f'<p>Here is what people were told. lnwatch itself is at <a href="{self._lnwatch}">{self._lnwatch}</a>.</p>'
            f"<h2>Let something go wrong</h2><p>{buttons}</p><p>Each lasts three minutes, one at a time. "
            "What comes back within a quarter of an hour is the same case, and takes longer to be called over.</p>"
            f"<h2>What went wrong</h2><ul>{diary or '<li>nothing yet</li>'}</ul>"
            f"<h2>What was told</h2><ul>{''.join(_items(self._people.told())) or '<li>nothing yet</li>'}</ul></html>"
        )


def _items(told: Iterable[Told]) -> Iterable[str]:
    for each in told:
        replies = "".join(f"<li><pre>{html.escape(text)}</pre></li>" for text in each.replies)
        yield (
            f'<li><span class="where">{_time(each.at)} {html.escape(each.where)}</span>'
            f"<pre>{html.escape(each.text)}</pre>{f'<ul>{replies}</ul>' if replies else ''}</li>"
        )


def _time(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
