"""Takes the picture of the status page for README: `python -m tests.deploy.screenshot` (needs Chromium).

The daemon reads doubles: a bitcoind, an LND whose long history it is still reading, and one that does not answer.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from lnwatch.clock import SystemClock
from lnwatch.simulator.bitcoind import BitcoindDouble, Chain
from lnwatch.simulator.bitcoind import Node as BitcoinNode
from lnwatch.simulator.lnd import LndDouble
from lnwatch.simulator.lnd import Node as LightningNode
from lnwatch.simulator.lnd.node import Scale
from tests.real.testbed.ports import free_port
from tests.requirements import require

PICTURES = Path(__file__).parents[2] / "docs"
_CONFIG = """\
data_dir = "{folder}"

[web]
listen = "127.0.0.1:{port}"

[site.shop.bitcoind.core]
url = "{bitcoind}"
cookie_file = "{folder}/cookie"

[site.shop.lnd.ln1]
address = "{lnd}"
tls_cert_file = "{folder}/tls.cert"
macaroon_file = "{folder}/readonly.macaroon"
backup_file = "{folder}/channel.backup"

[site.shop.lnd.ln2]
address = "127.0.0.1:{nobody}"
tls_cert_file = "{folder}/tls.cert"
macaroon_file = "{folder}/readonly.macaroon"

[site.shop.host.here]

[rules.lightning_down]
after = "5s"
"""


async def picture(folder: Path) -> None:
    """Start the doubles and the daemon, wait for a first cycle, and take it."""
    chain = Chain(SystemClock())
    chain.mine(120)
    bitcoind = BitcoindDouble(BitcoinNode(chain), cookie=folder / "cookie")
    lightning = LightningNode(now=time.time, scale=Scale(channels=42, invoices=4_000_000), height=120)
    lnd = LndDouble(lightning, folder)
    (folder / "channel.backup").write_bytes(lightning.backup())
    await bitcoind.start()
    await lnd.start()
    lnd.macaroon.chmod(0o640)
    port = free_port()
    config = folder / "lnwatch.toml"
    config.write_text(
        _CONFIG.format(folder=folder, port=port, bitcoind=bitcoind.url, lnd=lnd.address, nobody=free_port()),
    )
    daemon = await asyncio.create_subprocess_exec(sys.executable, "-m", "lnwatch", "run", "--config", config)
    try:
        await _ready(f"http://127.0.0.1:{port}")
        await asyncio.sleep(20)
        await asyncio.to_thread(_shoot, f"http://127.0.0.1:{port}/", PICTURES / "status-light.png")
    finally:
        daemon.terminate()
        await daemon.wait()
        await lnd.stop()
        await bitcoind.stop()


async def _ready(base: str) -> None:
    async with httpx.AsyncClient(base_url=base) as client:
        for _ in range(100):
            await asyncio.sleep(0.2)
            try:
                if (await client.get("/readyz")).is_success:
                    return
            except httpx.TransportError:
                continue  # it is not listening yet
    raise TimeoutError("the daemon was not ready in time")


def _shoot(url: str, path: Path) -> None:
    flags = [
        "--headless",
        "--no-sandbox",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
        "--window-size=1180,885",
    ]
    subprocess.run(
        [str(require("chromium")), *flags, f"--screenshot={path}", url], check=True, capture_output=True, timeout=120
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="lnwatch-picture-") as temporary:
        asyncio.run(picture(Path(temporary)))
