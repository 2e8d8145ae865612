from pathlib import Path

from lnwatch.config import load
from lnwatch.notify.pagerduty import PagerDutySettings
from lnwatch.notify.slack import SlackSettings
from lnwatch.sources.bitcoind.settings import BitcoindSettings
from lnwatch.sources.btcpay import BtcpaySettings
from lnwatch.sources.lnd.settings import LndSettings
from lnwatch.sources.nbxplorer import NbxplorerSettings
from lnwatch.sources.probe import ProbeSettings
from tests.cli.terminal import Terminal
from tests.secrets import RPC_PASSWORD, TOKEN, leaked, plant

API_KEY = "planted2" * 5
KEY = "planted1planted1planted1planted1"
plant(KEY)
plant(API_KEY)
SLACK_SECRET = "Address of an incoming webhook (https://...), or a bot's token (xoxb-...), typed unseen"
PAGER_KEY = "Key of an Events API v2 integration (32 characters), typed unseen"


def test_a_person_is_asked(folder: Path) -> None:
    """What there is, is asked for; a typed password goes into a file of its own, never to the terminal."""
    (folder / "readonly.macaroon").write_bytes(b"x")
    terminal = Terminal(folder, "init")
    status = terminal.answer(
        [
            ("Is there a Bitcoin Core to watch? [y/N]: ", "y"),
            ("Address of its RPC [http://127.0.0.1:8332]: ", "http://core:8332"),
            ("Its cookie file (- for user and password) [-]: ", ""),
            ("User: ", "watcher"),
            ("Password: ", RPC_PASSWORD),
            ("Is there an LND to watch? [y/N]: ", "y"),
            ("Address of its gRPC (HOST:PORT) [127.0.0.1:10009]: ", ""),
            ("Its tls.cert (- where a public authority signed) [-]: ", "tls.cert"),
            ("Its readonly.macaroon: ", "readonly.macaroon"),
            ("Its channel.backup (- to leave it unwatched) [-]: ", ""),
            ("Is there an NBXplorer to watch? [y/N]: ", "y"),
            ("Its address [http://127.0.0.1:24444]: ", "http://nbx:32838"),
            ("Its cookie file (- where it asks for none) [-]: ", "nbx.cookie"),
            ("Is there a BTCPay Server to watch? [y/N]: ", "y"),
            ("Its address (https://...): ", "pay.example"),
            ("Error: write the address of the server", "https://pay.example/"),
            ("An API key that may read, typed unseen: ", "two words"),
            ("An API key that may read, typed unseen: ", API_KEY),
            ("Its stores, as NAME=ID and commas between: ", "Shop=C8H1"),
            ("Error: a name is lower-case letters", "shop=C8H1, bar = D9J2"),
            ("Address at which customers pay (- for none) [-]: ", "pay.example"),
            ("Error: write `https://HOST/PATH`", "https://pay.example/"),
            ("Tell of trouble in Slack? [y/N]: ", ""),
            ("Page by PagerDuty? [y/N]: ", ""),
            ("Listen on (HOST:PORT) [127.0.0.1:8735]: ", "nowhere"),
            ("an address is HOST:PORT", "127.0.0.1:9"),
            ("Keep the ledger in [", "data"),
        ]
    )
    assert status == 0, terminal.seen
    config = load(folder / "lnwatch.toml", {})
    kinds = {source.kind.kind: source.settings for source in config.sites["main"].sources}
    core, node = kinds["bitcoind"], kinds["lnd"]
    assert kinds["nbxplorer"] == NbxplorerSettings(url="http://nbx:32838", cookie_file=folder / "nbx.cookie")
    assert kinds["probe"] == ProbeSettings(url="https://pay.example/")
    key_file = folder / "btcpay.key"
    stores = {"shop": "C8H1", "bar": "D9J2"}
    assert kinds["btcpay"] == BtcpaySettings(url="https://pay.example", api_key_file=key_file, stores=stores)
    assert (key_file.read_text(), key_file.stat().st_mode & 0o777) == (f"{API_KEY}\n", 0o600)
    password_file = folder / "core.password"
    assert core == BitcoindSettings(url="http://core:8332", user="watcher", password_file=password_file)
    assert node == LndSettings(
        address="127.0.0.1:10009",
        tls_cert_file=folder / "tls.cert",
        macaroon_file=folder / "readonly.macaroon",
    )
    assert (config.web.listen, config.data_dir) == ("127.0.0.1:9", folder / "data")
    assert password_file.read_text() == f"{RPC_PASSWORD}\n"
    assert password_file.stat().st_mode & 0o777 == 0o600
    assert not leaked(terminal.seen + (folder / "lnwatch.toml").read_text())


def test_a_person_says_who_is_told(folder: Path) -> None:
    """A typed secret is tried for its form, goes into a file of its own, and never to the terminal."""
    (folder / "readonly.macaroon").write_bytes(b"x")
    flags = ("--no-bitcoind", "--lnd-macaroon", "readonly.macaroon", "--listen", "127.0.0.1:9", "--data-dir", "data")
    terminal = Terminal(folder, "init", *flags)
    status = terminal.answer(
        [
            ("Is there an NBXplorer to watch? [y/N]: ", ""),
            ("Is there a BTCPay Server to watch? [y/N]: ", ""),
            ("Address at which customers pay (- for none) [-]: ", ""),
            ("Tell of trouble in Slack? [y/N]: ", "y"),
            (f"{SLACK_SECRET}: ", f"hooks.slack.com/{TOKEN}"),
            (f"Error: The value you entered was invalid.\n  {SLACK_SECRET}: ", f"xoxb-{TOKEN}"),
            ("Id of the channel: ", "#ops"),
            ("Error: write the channel's id, such as `C0123456789`", "C0123456789"),
            ("Page by PagerDuty? [y/N]: ", "y"),
            (f"{PAGER_KEY}: ", TOKEN),
            (f"Error: The value you entered was invalid.\n  {PAGER_KEY}: ", KEY),
            ("Address of the status page for those who are told (- for none) [-]: ", "desk.example"),
            ("Error: a base of links is", "https://desk.example/"),
        ]
    )
    assert status == 0, terminal.seen
    config = load(folder / "lnwatch.toml", {})
    assert {channel.key: channel.settings for channel in config.notify.values()} == {
        "notify.slack.ops": SlackSettings(bot_token_file=folder / "slack.token", channel_id="C0123456789"),
        "notify.pagerduty.oncall": PagerDutySettings(routing_key_file=folder / "pagerduty.key"),
    }
    assert config.web.public_url == "https://desk.example"
    for name, secret in (("slack.token", f"xoxb-{TOKEN}"), ("pagerduty.key", KEY)):
        assert (folder / name).read_text() == f"{secret}\n"
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert not leaked(terminal.seen + (folder / "lnwatch.toml").read_text())


def test_a_webhook_needs_no_channel(folder: Path) -> None:
    """The simple form is one answer; links may stay on this machine."""
    (folder / "readonly.macaroon").write_bytes(b"x")
    flags = ("--no-bitcoind", "--lnd-macaroon", "readonly.macaroon", "--listen", "127.0.0.1:9", "--data-dir", "data")
    terminal = Terminal(folder, "init", *flags)
    address = f"https://hooks.slack.com/services/{TOKEN}"
    status = terminal.answer(
        [
            ("Is there an NBXplorer to watch? [y/N]: ", ""),
            ("Is there a BTCPay Server to watch? [y/N]: ", ""),
            ("Address at which customers pay (- for none) [-]: ", ""),
            ("Tell of trouble in Slack? [y/N]: ", "y"),
            (f"{SLACK_SECRET}: ", address),
            ("Page by PagerDuty? [y/N]: ", ""),
            ("Address of the status page for those who are told (- for none) [-]: ", ""),
        ]
    )
    assert status == 0, terminal.seen
    config = load(folder / "lnwatch.toml", {})
    assert config.notify["ops"].settings == SlackSettings(webhook_url_file=folder / "slack.webhook")
    assert (folder / "slack.webhook").read_text() == f"{address}\n"
    assert config.web.public_url is None
    assert not leaked(terminal.seen)


def test_flags_are_not_asked_again(folder: Path) -> None:
    """What was told as a flag is settled; what is found is the default."""
    (folder / "home/.bitcoin").mkdir(parents=True)
    cookie = folder / "home/.bitcoin/.cookie"
    cookie.write_text("__cookie__:x")
    terminal = Terminal(folder, "init", "--no-lnd", "--listen", "127.0.0.1:8", "--data-dir", "/d")
    status = terminal.answer(
        [
            ("Is there a Bitcoin Core to watch? [Y/n]: ", ""),
            ("Address of its RPC [http://127.0.0.1:8332]: ", ""),
            ("Its cookie file (- for user and password) [", ""),
            ("Is there an NBXplorer to watch? [y/N]: ", ""),
            ("Is there a BTCPay Server to watch? [y/N]: ", ""),
            ("Address at which customers pay (- for none) [-]: ", ""),
            ("Tell of trouble in Slack? [y/N]: ", ""),
            ("Page by PagerDuty? [y/N]: ", ""),
        ]
    )
    assert status == 0, terminal.seen
    (core,) = (
        source.settings
        for source in load(folder / "lnwatch.toml", {}).sites["main"].sources
        if source.kind.kind != "host"
    )
    assert core == BitcoindSettings(cookie_file=cookie)


def test_giving_up_changes_nothing(folder: Path) -> None:
    """Ctrl-D ends it in one line and writes nothing."""
    terminal = Terminal(folder, "init")
    assert terminal.answer([("Is there a Bitcoin Core to watch?", "\x04")]) == 1
    assert terminal.seen.endswith("lnwatch: stopped; nothing was changed\n")
    assert list(folder.iterdir()) == []


def test_no_input_asks_nothing(folder: Path) -> None:
    """On a terminal too, a script can have it without questions."""
    terminal = Terminal(folder, "init", "--no-input")
    assert terminal.answer([]) == 2
    assert terminal.seen.startswith("lnwatch: Invalid value for --bitcoind, --lnd: no node was found here")
