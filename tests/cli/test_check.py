import json
import sys
from pathlib import Path

import pytest

from tests.cli.commands import invoke
from tests.secrets import RPC_PASSWORD, leaked

pytestmark = pytest.mark.usefixtures("standin_room", "folder")

UNTOLD = "nobody is told of anything: configure a channel of delivery, such as `[notify.slack.ops]`"
UNREACHED = "nothing is ever sent there"
ELSEWHERE = 'with `paging = "alertmanager"` critical cases are paged from there'
OPEN = "can be read by everybody on this machine; `chmod o-r` keeps it to its owner and group"
PUBLIC = '[web]\npublic_url = "https://shop.example"\n'
DEAD_MAN = '[dead_man]\nping_url_file = "ping.url"\n'
SLACK = '[notify.slack.ops]\nwebhook_url_file = "slack.url"\n'
PAGER = '[notify.pagerduty.oncall]\nrouting_key_file = "pager.key"\n'
MAIL = '[notify.webhook.mail]\nurl_file = "mail.url"\nsecret_file = "mail.secret"\n'


def configure(*sources: str, head: str = PUBLIC) -> None:
    Path("lnwatch.toml").write_text(head + "".join(f"[site.{source}\n" for source in sources))


def tell(*channels: str, routing: str = "", head: str = PUBLIC) -> None:
    """One source and these channels, with files for their secrets."""
    for name in ("slack.url", "pager.key", "mail.url", "mail.secret", "ping.url"):
        Path(name).write_text(f"planted-{name}")
        Path(name).chmod(0o600)
    configure("main.standin.x]", head=f"{head}{DEAD_MAN}{''.join(channels)}[routing]\n{routing}\n")


def sentences(output: str, heading: str) -> list[str]:
    return [line.removeprefix(f"{heading}: ") for line in output.splitlines() if line.startswith(f"{heading}: ")]


def test_all_is_well() -> None:
    """A table per site and status 0."""
    configure(
        "main.standin.core]", "main.standin.ln1]\ntls_days = 83\ntls_share = 0.5\nclock_offset = -0.4", "eu.standin.x]"
    )
    result = invoke("check")
    assert result.exit_code == 0
    assert result.stdout == (
        "site main\n"
        "source  kind     reachable  state  version  credential  TLS left  clock   network  synced\n"
        "core    standin  yes        up     1.0      enough      -         -       main     yes\n"
        "ln1     standin  yes        up     1.0      enough      83 d      -0.4 s  main     yes\n"
        "\n"
        "site eu\n"
        "source  kind     reachable  state  version  credential  TLS left  clock  network  synced\n"
        "x       standin  yes        up     1.0      enough      -         -      main     yes\n"
        "\n"
        f"note: {UNTOLD}\n"
        "nothing to mend\n"
    )


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ('reachable = false\nstate = "down"', "it can't be reached"),
        ('reachable = false\nstate = "hanging"', "it accepts connections and does not answer"),
        ('state = "locked"', "its wallet is locked"),
        ('state = "rejected"', "it rejects us"),
        ('state = "rejected"\nproblems = ["the macaroon was revoked"]', "the macaroon was revoked"),
        ('scope = "too_little"\nmissing = [["info:read", "no version"]]', "the credential lacks info:read: no version"),
        ('scope = "too_little"', "the credential lacks a permission"),
        ("tls_days = -1\ntls_share = 0.0", "its TLS certificate has expired"),
        ('fails = "open"', "can't read /nowhere: no such file"),
        ('fails = "hang"', "it did not answer everything within 200ms"),
    ],
)
def test_something_to_mend(settings: str, problem: str) -> None:
    """Each is one sentence and status 1, and hides no other source."""
    configure(f"main.standin.bad]\n{settings}", "main.standin.good]")
    result = invoke("check", "--timeout", "200ms")
    assert sentences(result.stdout, "problem") == [f"main/bad: {problem}"]
    assert "\ngood  " in result.stdout
    assert "nothing to mend" not in result.stdout
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ('supported = false\nversion = "0.17"', "version 0.17 is not one that lnwatch was tested with"),
        ('scope = "too_much"', "the credential may do more than read: give lnwatch one that can't"),
        ('scope = "too_much"\nwarnings = ["it may spend"]', "it may spend"),
        ('state = "syncing"\nsynced = false', "it is syncing: figures come when it is done"),
        ('state = "starting"', "it is starting: figures come when it is done"),
        ("synced = false", "it has not caught up with its chain: figures are late until it has"),
        ("clock_offset = 31.0", "its clock is 31 s ahead of ours: one of the two is wrong"),
        ("clock_offset = -90.0", "its clock is 90 s behind ours: one of the two is wrong"),
        ("tls_days = 5\ntls_share = 0.3", "its TLS certificate ends in 5 d: renew it"),
        ("tls_days = 0\ntls_share = 0.01", "its TLS certificate ends in 1 h: renew it"),
    ],
)
def test_something_to_know(settings: str, warning: str) -> None:
    """A warning is one sentence and changes no status."""
    configure(f"main.standin.odd]\n{settings}")
    result = invoke("check")
    assert sentences(result.stdout, "warning") == [f"main/odd: {warning}"]
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "settings", ["clock_offset = 30.0", "clock_offset = -30.0", "tls_days = 5\ntls_share = 0.34", 'network = "test"']
)
def test_nothing_to_say(settings: str) -> None:
    """What is within its bounds is not worth a sentence."""
    configure(f"main.standin.odd]\n{settings}")
    found = invoke("check").stdout
    assert [line for line in found.splitlines() if ": " in line] == [f"note: {UNTOLD}"]


def test_one_site_is_one_chain() -> None:
    """Sources of one site on different chains are a problem; sites may differ."""
    configure('a.standin.x]\nnetwork = "main"', 'b.standin.y]\nnetwork = "signet"')
    assert invoke("check").exit_code == 0
    configure('a.standin.x]\nnetwork = "main"', 'a.standin.y]\nnetwork = "signet"', "a.standin.z]")
    result = invoke("check")
    assert sentences(result.stdout, "problem") == [
        "a: its sources are on different chains: x on main, y on signet, z on main; a site is one chain"
    ]
    assert result.exit_code == 1


def test_links_that_nobody_else_can_open() -> None:
    """A base of links on this machine alone is a note while nobody gets one, and a warning once somebody does."""
    doubt = "links will begin with http://127.0.0.1:8735, which only this machine can open: set web.public_url"
    configure("main.standin.x]", head="")
    result = invoke("check")
    assert (sentences(result.stdout, "note"), sentences(result.stdout, "warning")) == ([UNTOLD, doubt], [])
    assert result.exit_code == 0
    tell(SLACK, PAGER, head="")
    result = invoke("check")
    assert (sentences(result.stdout, "note"), sentences(result.stdout, "warning")) == ([], [doubt])
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("channels", "routing", "gets"),
    [
        ([SLACK, PAGER], "", ["critical, warning", "critical"]),
        ([SLACK], 'paging = "alertmanager"', ["critical, warning"]),
        ([SLACK, PAGER, MAIL], 'routes = [{ channels = ["mail"] }]', ["nothing", "nothing", "critical, warning, info"]),
        (
            [SLACK, PAGER, MAIL],
            'routes = [{ owners = ["treasury"], severities = ["critical", "info"], channels = ["mail", "oncall"] }]',
            ["some critical, warning", "critical, some info", "some critical, some info"],
        ),
        (
            [SLACK, MAIL],
            'routes = [{ sites = ["lnwatch"], channels = ["mail"] }]',
            ["some critical, some warning", "some critical, some warning, some info"],
        ),
    ],
)
def test_who_gets_what(channels: list[str], routing: str, gets: list[str]) -> None:
    """A table says for each channel what it is told of, by the routes that are in force."""
    tell(*channels, routing=routing)
    told = json.loads(invoke("check", "--json").stdout)["channels"]
    assert [", ".join(each["gets"]) or "nothing" for each in told] == gets


def test_channels_have_a_table() -> None:
    """People read the same in columns."""
    tell(SLACK, PAGER)
    assert (
        "\nchannels of delivery\n"
        "channel  kind       gets\n"
        "ops      slack      critical, warning\n"
        "oncall   pagerduty  critical\n"
        "\n"
        "nothing to mend\n"
    ) in invoke("check").stdout


@pytest.mark.parametrize(
    ("channels", "routing", "warnings"),
    [
        ([SLACK, PAGER], "", []),
        ([SLACK], 'paging = "alertmanager"', []),
        ([SLACK], "", ['nobody is paged: `routing.paging` is "lnwatch", and there is no channel of PagerDuty']),
        (
            [SLACK, PAGER],
            'paging = "alertmanager"',
            [f"notify.pagerduty.oncall: {UNREACHED}: {ELSEWHERE}"],
        ),
        (
            [SLACK, PAGER, MAIL],
            "",
            [f"notify.webhook.mail: {UNREACHED}: name it in the `channels` of a route"],
        ),
        (
            [PAGER, MAIL],
            'routes = [{ owners = ["treasury", "finance"], channels = ["mail"] }]',
            ["critical cases for treasury and finance page nobody: routes lead them past PagerDuty"],
        ),
        (
            [SLACK, PAGER],
            'routes = [{ owners = ["support"], channels = [] }]',
            [
                "critical cases for support are told to nobody: routes lead them nowhere",
                "critical cases for support page nobody: routes lead them past PagerDuty",
            ],
        ),
    ],
)
def test_doubts_about_telling(channels: list[str], routing: str, warnings: list[str]) -> None:
    """What was hardly meant is one sentence each, and changes no status."""
    tell(*channels, routing=routing)
    result = invoke("check")
    assert sentences(result.stdout, "warning") == warnings
    assert result.exit_code == 0


def test_a_secret_of_delivery_is_a_credential() -> None:
    """Everybody may read it: a warning. Nothing that stands in it is shown."""
    tell(SLACK, PAGER)
    Path("slack.url").chmod(0o644)
    result = invoke("check")
    named = f"{Path('slack.url').absolute()} (notify.slack.ops.webhook_url_file)"
    assert sentences(result.stdout, "warning") == [f"{named} {OPEN}"]
    assert "planted" not in result.output


def test_nobody_hears_silence() -> None:
    """Without a dead man's switch the end of lnwatch itself goes unnoticed: a note."""
    tell(SLACK, PAGER)
    Path("lnwatch.toml").write_text(Path("lnwatch.toml").read_text().replace(DEAD_MAN, ""))
    assert sentences(invoke("check").stdout, "note") == [
        "nobody would hear that lnwatch itself fell silent: set dead_man.ping_url_file"
    ]


def test_a_channel_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is missing is a problem to mend before there is something to tell."""
    monkeypatch.setitem(sys.modules, "apprise", None)  # the way to have an import fail
    tell(
        SLACK,
        PAGER,
        '[notify.apprise.late]\nurl = "json://x"\n',
        routing='routes = [{ channels = ["late", "oncall"] }]',
    )
    result = invoke("check")
    (problem,) = sentences(result.stdout, "problem")
    assert problem.startswith("notify.apprise.late: found no package `apprise`; install it with `pip install ")
    assert result.exit_code == 1


def test_sources_are_looked_at_side_by_side() -> None:
    """Many that hang take no longer than one: the deadline is for all of them."""
    configure(*(f'main.standin.s{number}]\nfails = "hang"' for number in range(40)))
    result = invoke("check", "--timeout", "100ms", "--json")
    assert [source["state"] for source in json.loads(result.stdout)["sources"]] == ["hanging"] * 40


def test_a_source_that_will_not_close() -> None:
    """What it found counts, and the command ends."""
    configure('main.standin.x]\nfails = "hang at the end"')
    assert invoke("check", "--timeout", "100ms").exit_code == 0


def test_json_is_for_programs() -> None:
    """The same facts as one document, and the same status."""
    configure('main.standin.x]\nstate = "locked"\nmissing = [["a:read", "no a"]]\nclock_offset = 1.5')
    result = invoke("check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "ok": False,
        "sources": [
            {
                "site": "main",
                "source": "x",
                "kind": "standin",
                "reachable": True,
                "state": "locked",
                "version": "1.0",
                "supported": True,
                "network": "main",
                "scope": "enough",
                "missing": [{"permission": "a:read", "cost": "no a"}],
                "excess": [],
                "tls_expires_at": None,
                "tls_lifetime_left": None,
                "clock_offset": 1.5,
                "synced": True,
                "problems": [],
                "warnings": [],
            }
        ],
        "channels": [],
        "problems": ["main/x: its wallet is locked", "main/x: the credential lacks a:read: no a"],
        "warnings": [],
        "notes": [UNTOLD],
    }


def test_configuration_comes_first() -> None:
    """What is wrong there is told on stderr, nothing is asked of anybody, and the status is 2."""
    configure('main.standin.x]\nstate = "lockd"\nwaiit = "1s"')
    result = invoke("check")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(": found")[0] for line in result.stderr.splitlines()] == [
        "site.main.standin.x.state",
        "site.main.standin.x.waiit",
    ]


def test_a_proxy_that_cannot_be_used() -> None:
    """A proxy file with nonsense in it is the configuration's fault."""
    Path("proxy").write_text("nonsense")
    Path("proxy").chmod(0o600)
    configure("main.standin.x]", head='[net]\nproxy_file = "./proxy"\n')
    result = invoke("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("net.proxy_file: found a proxy that can't be used; ")


def test_what_a_source_says_is_covered_and_kept_on_its_line() -> None:
    """Hostile words from outside break no line, move no cursor and carry no secret."""
    configure(
        'main.standin.x]\nversion = "1\\u001b[2J\\n0"\nproblems = ["rpcpassword=' + RPC_PASSWORD + '", "one\\ntwo"]'
    )
    for arguments in (("check",), ("check", "--json")):
        output = invoke(*arguments).output
        assert "\x1b" not in output
        assert not leaked(output)
    assert sentences(invoke("check").stdout, "problem") == ["main/x: rpcpassword=[redacted]", "main/x: one two"]


def test_open_files_are_told_by_who_knows_them() -> None:
    """Of a source's own files the source speaks; of the others, check does."""
    for name in ("token", "password"):
        Path(name).write_text("long enough")
        Path(name).chmod(0o644)
    configure('main.standin.x]\npassword_file = "password"', head='[web]\ntoken_file = "token"\n')
    (warning,) = sentences(invoke("check").stdout, "warning")
    assert warning.startswith(f"{Path('token').absolute()} (web.token_file) can be read by everybody")
