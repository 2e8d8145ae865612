import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lnwatch.config import load
from lnwatch.config.template import example
from lnwatch.sources.bitcoind.settings import BitcoindSettings
from lnwatch.sources.btcpay import BtcpaySettings
from lnwatch.sources.lnd.settings import LndSettings
from lnwatch.sources.nbxplorer import NbxplorerSettings
from lnwatch.sources.probe import ProbeSettings
from tests.cli.commands import invoke
from tests.secrets import COOKIE, TOKEN, leaked

NOTHING_FOUND = (
    "--bitcoind, --lnd: no node was found here and none was named: try --bitcoind-cookie PATH or --lnd-macaroon PATH"
)
ALL_OF_BTCPAY = "goes with --btcpay-url, --btcpay-key-file and --btcpay-store NAME=ID"
EITHER = "give the file of a webhook, or the one of a bot's token"
ADDRESSES = "write `https://HOST/PATH`, `http://HOST/PATH`, `tls://HOST:PORT`, `tcp://HOST:PORT` or `dns://NAME`"
MACAROON = bytes.fromhex("0201036c6e64")


@pytest.fixture
def nodes(folder: Path) -> Path:
    """A home in which a bitcoind and an LND left their files, on signet."""
    home = folder / "home"
    network = home / ".lnd/data/chain/bitcoin/signet"
    network.mkdir(parents=True)
    (home / ".lnd/tls.cert").write_text("certificate")
    (network / "readonly.macaroon").write_bytes(MACAROON)
    (network / "channel.backup").write_bytes(b"backup")
    (home / ".bitcoin/signet").mkdir(parents=True)
    (home / ".bitcoin/signet/.cookie").write_text("__cookie__:x")
    return home


def sources(path: Path, site: str = "main") -> Mapping[str, Any]:
    return {source.slug: source.settings for source in load(path, {}).sites[site].sources}


def test_what_is_found_is_written(folder: Path, nodes: Path) -> None:
    """Without a question and without a flag, the nodes of this machine end up in a file that loads."""
    result = invoke("init")
    path = folder / "lnwatch.toml"
    assert result.exit_code == 0, result.output
    assert result.stdout == f"wrote {path}\nnow try it: lnwatch check --config {path}\n"
    found = sources(path)
    assert set(found) == {"core", "ln1", "here"}
    assert found["core"] == BitcoindSettings(
        url="http://127.0.0.1:38332", cookie_file=nodes / ".bitcoin/signet/.cookie"
    )
    network = nodes / ".lnd/data/chain/bitcoin/signet"
    assert found["ln1"] == LndSettings(
        address="127.0.0.1:10009",
        tls_cert_file=nodes / ".lnd/tls.cert",
        macaroon_file=network / "readonly.macaroon",
        backup_file=network / "channel.backup",
    )


def test_flags_beat_what_is_found(folder: Path, nodes: Path) -> None:
    """Every answer can be given as a flag; relative paths are those of the shell."""
    Path("secret").write_text("x")
    result = invoke(
        *("init", "--output", "conf.toml", "--site", "shop", "--data-dir", "data", "--listen", "127.0.0.1:1"),
        *("--bitcoind-url", "http://core:8332", "--bitcoind-user", "u", "--bitcoind-password-file", "secret"),
        *("--lnd-address", "ln:10009", "--lnd-tls-cert", "cert", "--lnd-macaroon", "secret", "--lnd-backup", "backup"),
    )
    assert result.exit_code == 0, result.output
    config = load(Path("conf.toml"), {})
    assert (config.data_dir, config.web.listen) == (folder / "data", "127.0.0.1:1")
    found = sources(folder / "conf.toml", "shop")
    assert found["core"] == BitcoindSettings(url="http://core:8332", user="u", password_file=folder / "secret")
    assert found["ln1"] == LndSettings(
        address="ln:10009",
        tls_cert_file=folder / "cert",
        macaroon_file=folder / "secret",
        backup_file=folder / "backup",
    )


def test_what_stands_before_the_customers(folder: Path, nodes: Path) -> None:
    """NBXplorer and the checkout come in by flags; the cookie by its path alone."""
    Path("nbx.cookie").write_text(COOKIE)
    result = invoke(
        *("init", "--nbxplorer-url", "http://nbx:32838", "--nbxplorer-cookie", "nbx.cookie"),
        *("--checkout-url", "https://pay.example/"),
    )
    assert result.exit_code == 0, result.output
    found = sources(folder / "lnwatch.toml")
    assert found["nbx"] == NbxplorerSettings(url="http://nbx:32838", cookie_file=folder / "nbx.cookie")
    assert found["checkout"] == ProbeSettings(url="https://pay.example/")
    assert not leaked(Path("lnwatch.toml").read_text() + result.output)


def test_one_that_only_looks_from_outside(folder: Path) -> None:
    """On a machine without any node a checkout is enough to begin with."""
    assert invoke("init", "--checkout-url", "https://pay.example/").exit_code == 0
    assert set(sources(folder / "lnwatch.toml")) == {"checkout", "here"}


def test_a_shop(folder: Path, nodes: Path) -> None:
    """BTCPay Server comes in by flags, its key by its path alone; any number of stores by names of one's own."""
    Path("key").write_text("0" * 40)
    result = invoke(
        *("init", "--btcpay-url", "https://pay.example/", "--btcpay-key-file", "key"),
        *("--btcpay-store", "shop=C8H1", "--btcpay-store", "bar=D9J2"),
    )
    assert result.exit_code == 0, result.output
    assert sources(folder / "lnwatch.toml")["shop"] == BtcpaySettings(
        url="https://pay.example", api_key_file=folder / "key", stores={"shop": "C8H1", "bar": "D9J2"}
    )


@pytest.mark.parametrize(("chain", "port"), [("Main", 24444), ("RegTest", 24446)])
def test_an_indexer_is_found(folder: Path, nodes: Path, chain: str, port: int) -> None:
    """Its cookie tells that it is there, and its folder which chain; --no-nbxplorer leaves it out."""
    cookie = nodes / ".nbxplorer" / chain / ".cookie"
    cookie.parent.mkdir(parents=True)
    cookie.write_text(COOKIE)
    assert invoke("init").exit_code == 0
    assert sources(folder / "lnwatch.toml")["nbx"] == NbxplorerSettings(
        url=f"http://127.0.0.1:{port}", cookie_file=cookie
    )
    assert invoke("init", "--no-nbxplorer", "--force").exit_code == 0
    assert "nbx" not in sources(folder / "lnwatch.toml")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--slack-webhook-file", "secret"), {"ops": {"webhook_url_file"}}),
        (("--slack-token-file", "secret", "--slack-channel", "C0123456789"), {"ops": {"bot_token_file", "channel_id"}}),
        (("--pagerduty-key-file", "secret"), {"oncall": {"routing_key_file"}}),
        (
            ("--slack-webhook-file", "secret", "--pagerduty-key-file", "secret"),
            {"ops": {"webhook_url_file"}, "oncall": {"routing_key_file"}},
        ),
    ],
)
def test_who_is_told(folder: Path, nodes: Path, flags: tuple[str, ...], expected: Mapping[str, set[str]]) -> None:
    """Channels come into the file with the paths of their secrets, and nothing of what lies there."""
    Path("secret").write_text(TOKEN)
    Path("secret").chmod(0o600)
    result = invoke("init", "--public-url", "https://desk.example/", *flags)
    path = folder / "lnwatch.toml"
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"\nand whom it tells: lnwatch notify test --config {path}\n")
    config = load(path, {})
    assert config.web.public_url == "https://desk.example"
    assert {slug: channel.settings.model_fields_set for slug, channel in config.notify.items()} == expected
    assert not leaked(path.read_text() + result.output)


def test_nodes_can_be_left_out(folder: Path, nodes: Path) -> None:
    """What is not to be watched stays in the file as a comment."""
    assert invoke("init", "--no-lnd").exit_code == 0
    assert set(sources(folder / "lnwatch.toml")) == {"core", "here"}
    assert "\n#[site.main.lnd.ln1]\n" in Path("lnwatch.toml").read_text()


def test_a_file_that_is_there_stays(folder: Path, nodes: Path) -> None:
    """Nothing is overwritten without --force; with it the same answers give the same file."""
    assert invoke("init", "--listen", "0.0.0.0:8735").exit_code == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    refused = invoke("init", "--no-lnd")
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"lnwatch: Invalid value for --output: {folder}/lnwatch.toml is there already; --force replaces it\n"
    )
    assert invoke("init", "--listen", "0.0.0.0:8735", "--force").exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_other_machines_need_a_token(folder: Path, nodes: Path) -> None:
    """Where others are let in, a token is made, for its owner's eyes; the file holds its path alone."""
    result = invoke("init", "--listen", "0.0.0.0:8735")
    token = folder / "web.token"
    assert f"wrote {token}: " in result.stdout
    assert token.stat().st_mode & 0o777 == 0o600
    secret = token.read_text().strip()
    assert len(secret) >= 32
    assert secret not in Path("lnwatch.toml").read_text() + result.output
    assert load(Path("lnwatch.toml"), {}).web.token_file == token


def test_no_secret_is_copied(folder: Path, nodes: Path) -> None:
    """Neither macaroon nor cookie goes into the file, and everybody may read it."""
    invoke("init")
    text = Path("lnwatch.toml").read_text()
    assert MACAROON.hex() not in text.replace("0201036c6e64...", "")
    assert "__cookie__" not in text
    assert Path("lnwatch.toml").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), NOTHING_FOUND),
        (("--bitcoind",), "--bitcoind-cookie: no cookie was found here: give its path, or a user"),
        (("--bitcoind-user", "u"), "--bitcoind-user: goes with --bitcoind-password-file, and without a cookie"),
        (("--lnd-address", "ln:1"), "--lnd-macaroon: no macaroon was found here: give its path"),
        (("--no-lnd", "--lnd-address", "ln:1"), "--no-lnd: contradicts the other flags of lnd"),
        (("--lnd-macaroon", ""), "'--lnd-macaroon': a path has at least one character, and no NUL"),
        (("--slack-channel", "C0123456789"), f"--slack-webhook-file: {EITHER}"),
        (("--slack-webhook-file", "a", "--slack-token-file", "b"), f"--slack-webhook-file: {EITHER}"),
        (("--slack-token-file", "b"), "--slack-channel: goes with --slack-token-file: a webhook knows its channel"),
        (
            ("--slack-webhook-file", "a", "--slack-channel", "C0123456789"),
            "--slack-channel: goes with --slack-token-file: a webhook knows its channel",
        ),
        (("--no-nbxplorer", "--nbxplorer-url", "http://x"), "--no-nbxplorer: contradicts the other flags of nbxplorer"),
        (("--checkout-url", "pay.example"), f"'--checkout-url': {ADDRESSES}"),
        (("--btcpay-store", "shop=C8H1"), f"--btcpay-url: {ALL_OF_BTCPAY}"),
        (("--btcpay-store", "shop=C8H1", "--btcpay-url", "https://pay.example"), f"--btcpay-key-file: {ALL_OF_BTCPAY}"),
        (("--public-url", "desk"), "'--public-url': a base of links is `https://HOST` or `https://HOST/PATH`"),
        (("--listen", "here"), "'--listen': an address is HOST:PORT, such as `127.0.0.1:8735` or `[::1]:8735`"),
        (
            ("--site", "Shop"),
            "'--site': a name begins with a lower-case letter; figures, `-` and `_` may follow, 63 in all",
        ),
        (("--site", "lnwatch"), "'--site': that is the daemon itself; take another name"),
    ],
)
def test_flags_that_leave_a_gap(folder: Path, flags: tuple[str, ...], message: str) -> None:
    """One line tells what is missing, the status is 2, and nothing is written."""
    result = invoke("init", *flags)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"lnwatch: Invalid value for {message}\n"
    assert list(folder.iterdir()) == []


def test_a_file_that_does_not_load_is_told(folder: Path) -> None:
    """What was answered is kept; what is still to be mended comes in one line each, with status 2."""
    result = invoke("init", "--lnd-macaroon", "none", "--bitcoind-cookie", "c", "--bitcoind-url", "core")
    assert result.exit_code == 2
    assert Path("lnwatch.toml").exists()
    assert [line.split(": found")[0] for line in result.stderr.splitlines()] == [
        "site.main.lnd.ln1.macaroon_file",
        "site.main.bitcoind.core.url",
    ]


def test_a_place_that_cannot_be_written(folder: Path, nodes: Path) -> None:
    """A folder that is not there is told in one line."""
    result = invoke("init", "--output", "none/lnwatch.toml")
    assert result.exit_code == 1
    assert result.stderr == f"lnwatch: can't write {folder}/none/lnwatch.toml: No such file or directory\n"


def test_the_example_is_the_template(folder: Path) -> None:
    """`--example` prints what the documentation shows, and writes nothing."""
    result = invoke("init", "--example")
    assert (result.exit_code, result.stdout) == (0, example())
    assert list(folder.iterdir()) == []


def test_the_example_loads(folder: Path) -> None:
    """With the files that it names in place, the example is a configuration."""
    text = example().replace("/home/bitcoin", str(folder)).replace("/etc/lnwatch", str(folder))
    Path("btcpay.key").write_text("0" * 40)
    lnd = tomllib.loads(text)["site"]["main"]["lnd"]["ln1"]
    Path(lnd["macaroon_file"]).parent.mkdir(parents=True)
    Path(lnd["macaroon_file"]).write_bytes(MACAROON)
    Path("lnwatch.toml").write_text(text)
    found = {source.kind.kind for source in load(folder / "lnwatch.toml", {}).sites["main"].sources}
    assert found >= {"bitcoind", "lnd", "nbxplorer", "btcpay", "probe", "host"}
