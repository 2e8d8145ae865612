"""Pages in a real browser."""

import asyncio
import re
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.domain.proposals import standing
from tests.requirements import require
from tests.web import casebook as book
from tests.web.stage import Stage
from tests.web.test_server import serving


class Asked:
    """Notes what the browser asks of an application, and with which status it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.statuses: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses[scope["path"]] = message["status"]
            await send(message)

        await self._app(scope, receive, noted)


async def dom(url: str, folder: Path) -> tuple[str, str]:
    """The page as the browser made it, and what it complained of."""
    browser = await asyncio.create_subprocess_exec(
        *(str(require("chromium")), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *(f"--user-data-dir={folder}", "--enable-logging=stderr", "--virtual-time-budget=2000"),
        *("--dump-dom", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    shown, complaints = await browser.communicate()
    return shown.decode(), complaints.decode()


@pytest.mark.real("chromium")
@pytest.mark.parametrize(
    ("path", "count", "says"),
    [
        ("/", 0, "Everything that lnwatch watches is up."),
        ("/", 300, "303 open cases, 8 of them critical"),
        ("/cases", 300, "Channel 800299x12x1 of node:ln1 is offline"),
        ("/cases/main/lightning_down/node%3Aln1", 0, "node:ln1 (lnd) has given no answer"),
        ("/cases/main/lightning_down/node:ln1", 0, "node:ln1 (lnd) has given no answer"),
        ("/proposals", 0, "lnwatch approve beefed4567"),
        ("/coverage", 0, "All 1 rule can fire"),
        ("/runbooks/invoice_held", 0, "both commands move money"),
        ("/runbooks/nothing", 0, "There is no rule"),
    ],
)
async def test_a_browser_shows_it(tmp_path: Path, path: str, count: int, says: str) -> None:
    """It finds the style sheet from wherever the page lies, and has no complaint about the page's policy."""
    cases = [*book.night(), *book.storm(count)] if count or path != "/" else []
    asked = Asked(Stage(lambda: book.assessed(cases, acting=standing())).app)
    async with serving(asked) as url:
        shown, complaints = await dom(f"{url}{path}", tmp_path)
    assert says in shown
    assert asked.statuses["/static/style.css"] == 200
    assert not re.search(r"Content Security Policy|Refused to|Failed to load", complaints)
