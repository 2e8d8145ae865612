"""`lnwatch notify test`: a command of its own, towards receivers as strict as the services."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from lnwatch.clock import SystemClock
from lnwatch.simulator.pagerduty import PagerDutyDouble
from lnwatch.simulator.slack import SlackDouble
from lnwatch.simulator.webhook_receiver import Fault, Reply, WebhookReceiver
from tests.cli.commands import invoke, spawn
from tests.secrets import leaked, plant

TOKEN = "xoxb-planted-slack-token"
KEY = "planted0planted0planted0planted0"
SECRET = "planted-webhook-secret-0123456789"
for secret in (TOKEN, KEY, SECRET):
    plant(secret)

pytestmark = pytest.mark.usefixtures("folder")


def configure(public_url: str = "https://desk.example", **settings: str) -> None:
    """A machine to watch and these channels, with their secrets in files of their own."""
    for name, secret in {"token": TOKEN, "key": KEY, "secret": SECRET}.items():
        Path(name).write_text(f"{secret}\n")
        Path(name).chmod(0o600)
    blocks = "".join(f"[notify.{place.replace('_', '.', 1)}]\n{text}\n" for place, text in settings.items())
    head = f'[web]\npublic_url = "{public_url}"\n'
    Path("lnwatch.toml").write_text(f"{head}{blocks}[site.main.host.here]\n")


async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command beside the receivers, which live in this loop."""
    return await asyncio.to_thread(spawn, "notify", "test", *arguments)


def slack(double: SlackDouble, channel: str = "C0123456789") -> str:
    return f'bot_token_file = "token"\nchannel_id = "{channel}"\napi_url = "{double.url}/api"'


def pager(double: PagerDutyDouble) -> str:
    return f'routing_key_file = "key"\nurl = "{double.url}"'


def hook(double: WebhookReceiver) -> str:
    return f'url = "{double.url}/in"\nsecret_file = "secret"'


async def test_every_channel_is_tried() -> None:
    """Each gets one message that says that it is a test; what its service answered is printed, and the status is 0."""
    clock = SystemClock()
    async with (
        SlackDouble(clock, TOKEN) as chat,
        PagerDutyDouble(clock, frozenset({KEY})) as events,
        WebhookReceiver(clock, SECRET) as receiver,
    ):
        channel = chat.channel("C0123456789")
        configure(slack_ops=slack(chat), pagerduty_oncall=pager(events), webhook_desk=hook(receiver))
        result = await run()
    assert (result.returncode, result.stderr) == (0, "")
    (root,) = channel.roots
    assert result.stdout == (
        "channel  kind       taken  answer\n"
        f"ops      slack      yes    chat.postMessage: ok, ts {root['ts']}\n"
        "oncall   pagerduty  yes    trigger: Event processed\n"
        "desk     webhook    yes    HTTP 204\n"
    )
    (body,) = receiver.deliveries.values()
    assert (body["marking"], body["title"]) == ("test", "TEST INFO: delivery_failing at lnwatch")
    assert "TEST INFO" in json.dumps(root)
    assert [alert.status for alert in events.alerts.values()] == ["resolved"]


async def test_one_channel_alone() -> None:
    """The others are left in peace."""
    clock = SystemClock()
    async with WebhookReceiver(clock, SECRET) as one, WebhookReceiver(clock, SECRET) as other:
        configure(webhook_one=hook(one), webhook_other=hook(other))
        result = await run("one", "--json")
        again = await run("one")
    assert (result.returncode, again.returncode) == (0, 0)
    assert json.loads(result.stdout) == {
        "ok": True,
        "channels": [{"channel": "one", "kind": "webhook", "taken": True, "answer": "HTTP 204"}],
        "warnings": [],
    }
    assert (len(one.deliveries), len(other.deliveries)) == (2, 0)  # the second test is none that was seen already


@pytest.mark.parametrize(
    ("refusal", "answer"),
    [
        ("not_in_channel", "not_in_channel"),
        ("invalid_auth", "rejected: "),
        ("channel_not_found", "gone: "),
    ],
)
async def test_a_refusal_inside_a_200_is_one(refusal: str, answer: str) -> None:
    """Slack says no with HTTP 200: it is told in words, without the token, and the status is 1."""
    async with SlackDouble(SystemClock(), TOKEN) as chat:
        chat.channel("C0123456789")
        chat.refusals["chat.postMessage"] = [refusal]
        configure(slack_ops=slack(chat))
        result = await run()
    assert result.returncode == 1
    assert result.stdout.splitlines()[1].startswith("ops      slack  no     ")
    assert answer in result.stdout
    assert not leaked(result.stdout + result.stderr)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (Reply(401, SECRET.encode()), "rejected: "),
        (Reply(500, SECRET.encode()), "server: "),
        (Reply(302, b"", {"Location": f"https://elsewhere.example/{SECRET}"}), "invalid: "),
        (Fault.HANG_UP, "timeout: "),
    ],
)
async def test_one_that_fails_hides_no_other(fault: Fault | Reply, answer: str) -> None:
    """What failed and why stands beside what worked; a service that repeats our secret is not believed with it."""
    clock = SystemClock()
    async with WebhookReceiver(clock, SECRET) as bad, WebhookReceiver(clock, SECRET) as good:
        bad.faults.append(fault)
        configure(webhook_bad=hook(bad), webhook_good=hook(good))
        result = await run()
    assert result.returncode == 1
    first, second = result.stdout.splitlines()[1:]
    assert first.startswith(f"bad      webhook  no     {answer}")
    assert second == "good     webhook  yes    HTTP 204"
    assert not leaked(result.stdout + result.stderr)


def test_nobody_is_there() -> None:
    """A service that can't be reached is told as such."""
    configure(webhook_desk='url = "http://127.0.0.1:1/"\nsecret_file = "secret"')
    result = invoke("notify", "test")
    assert result.exit_code == 1
    assert "desk     webhook  no     unreachable: can't connect to 127.0.0.1:1: connection refused\n" in result.stdout


def test_a_channel_that_is_not_there() -> None:
    """The nearest name is offered, nothing is sent, and the status is 2."""
    configure(webhook_desk='url = "http://127.0.0.1:1/"\nsecret_file = "secret"')
    result = invoke("notify", "test", "dekc")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "lnwatch: Invalid value for CHANNEL: dekc is not configured; did you mean `desk`?\n"


def test_no_channel_at_all() -> None:
    """Without a channel there is nothing to try: one line, status 2."""
    configure()
    result = invoke("notify", "test")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "notify: found no channel of delivery; configure one first, such as `[notify.slack.ops]`\n"


async def test_what_is_wrong_is_told_before_anything_is_sent() -> None:
    """A template with an unknown field is one line, and no channel hears of it, the sound ones neither."""
    async with WebhookReceiver(SystemClock(), SECRET) as receiver:
        configure(webhook_desk=f'{hook(receiver)}\ntext = "{{sentense}}"', webhook_other=hook(receiver))
        result = await run()
    assert (result.returncode, result.stdout, receiver.received) == (2, "", [])
    assert result.stderr == (
        'notify.webhook.desk.text: found "{sentense}" (lnwatch.toml:6); '
        "it has no field `{sentense}`: did you mean `{sentence}`?\n"
    )


async def test_links_that_nobody_can_open() -> None:
    """Whoever gets the test is told by the command that its links lead nowhere."""
    async with WebhookReceiver(SystemClock(), SECRET) as receiver:
        configure("http://[::1]:8735", webhook_desk=hook(receiver))
        result = await run()
    assert result.returncode == 0
    assert result.stdout.endswith(
        "warning: links will begin with http://[::1]:8735, which only this machine can open: set web.public_url\n"
    )
