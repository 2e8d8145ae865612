"""Plays a recorded fault: the sources ask a BTCPay Server and an NBXplorer that answer as those did while something was
broken; bitcoind and the Lightning node are doubles that do what the recording says was done to them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import Network
from lnwatch.model.lightning import InvoiceHtlc, InvoiceState, LightningInvoice
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.net import Door, HttpClient
from lnwatch.sources import Place
from lnwatch.sources.btcpay import SOURCE as BTCPAY
from lnwatch.sources.btcpay.parsing import decode
from lnwatch.sources.nbxplorer import SOURCE as NBXPLORER
from lnwatch.store import Ledger
from tests.assessments import bitcoind_status, node_status
from tests.sources.btcpay.recordings import STORE as STORE_ID
from tests.sources.btcpay.recordings import load, packed
from tests.stories.play import PAST_FINALITY, SERVER, Outcome, outcome_of
from tests.stories.script import STORE
from tests.stories.stage import Actor, Role, Stage, StoryClock

Json = Any  # what JSON holds
PATIENCE = 15.0  # seconds that a finding has to last
LOOK = 1.0  # seconds between two looks at what leads
NODE = "0305db8480be61322969ad7c8a0084157479b3b032734be913018b3c2d35ac649e"
BEGAN = 1_795_558_000.0  # where the recording does not tell
SHORT, USUAL = 60, 900  # seconds in which an invoice can be paid
_STATIC = {
    "": "store",
    "payment-methods": "payment-methods",
    "rates": "rates-two",
    "payouts": "payouts-empty",
    "pull-payments": "pull-payments-empty",
    "payment-requests": "payment-requests-empty",
    "payment-methods/BTC-CHAIN/wallet": "wallet-funded",
    "lightning/BTC/balance": "lightning-balance",
}
_sites = count(1)


class RecordedDoor(Door):
    """Every client that it makes asks `answer`."""

    def __init__(self, clock: StoryClock, answer: Any) -> None:  # noqa: ANN401 - a handler of httpx
        super().__init__(clock=clock)
        self._answer = answer

    def http(self, **wanted: Any) -> HttpClient:  # noqa: ANN401 - as the door's own
        client = super().http(**wanted)
        transport = httpx.MockTransport(self._answer)
        base = httpx.URL(wanted["base_url"])
        client.make = lambda: httpx.AsyncClient(base_url=base, transport=transport)
        return client


@dataclass
class Fault:
    """What the world of a recording is like, as far as its steps were taken."""

    clock: StoryClock
    steps: list[Mapping[str, Json]]
    seen: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    invoices: dict[str, dict[str, Json]] = field(default_factory=dict)
    methods: dict[str, list[Json]] = field(default_factory=dict)
    settled: dict[str, int] = field(default_factory=dict)  # at the node, by invoice
    times: list[Mapping[str, Json]] = field(default_factory=list)
    node: TargetState = TargetState.UP
    height: int = 0

    def take(self, step: Mapping[str, Json]) -> None:
        """Let a step have happened."""
        if "seen" in step:
            self.seen[step["seen"]] = step
            self._note_height(step)
            return
        action = step.get("action", "")
        if action == "create an invoice" and step["invoice"] is not None:
            self._create(step["invoice"], step["payment_methods"])
        elif action == "customer pays over Lightning":
            self.settled[step.get("invoice", next(iter(self.invoices), ""))] = int(self.clock.now())
        elif action == "invoice is":
            states = ("status", "additionalStatus", "paidAmount")
            self._become(step["invoice"], {name: step[name] for name in states})
        elif action == "times":
            self._time(step)
        elif action.startswith(("Lightning node", "NBXplorer", "BTCPay")):
            self._do_to_node(action)
        if isinstance(step.get("height"), int):
            self.height = max(self.height, step["height"])

    def _note_height(self, step: Mapping[str, Json]) -> None:
        answer = step["response"]
        if isinstance(answer, dict) and isinstance(answer.get("chainHeight"), int):
            self.height = max(self.height, answer["chainHeight"])

    def _do_to_node(self, action: str) -> None:
        states = {"stopped": TargetState.DOWN, "frozen": TargetState.HANGING}
        if action.startswith("Lightning node"):
            self.node = states.get(action.rpartition(" ")[2], TargetState.UP)

    def _create(self, name: str, methods: list[str]) -> None:
        shell = load("stories/01-lightning-paid")["steps"][0]["response"]
        made = int(self.clock.now())
        expires = made + (SHORT if self._ever_expires(name) else USUAL)
        checkout = {**shell["checkout"], "paymentMethods": methods}
        self.invoices[name] = {
            **shell,
            "id": name,
            "amount": "1.00",
            "createdTime": made,
            "expirationTime": expires,
            "monitoringExpiration": expires + 86_400,
            "metadata": {"orderId": f"order-{name}"},
            "checkout": checkout,
        }
        self.methods[name] = [self._method(name, each) for each in methods]

    def _ever_expires(self, name: str) -> bool:
        return any(step.get("invoice") == name and step.get("status") == "Expired" for step in self.steps)

    def _method(self, name: str, method: str) -> Json:
        usual = load("stories/01-lightning-paid")["steps"][1]["response"]
        shown = next(each for each in usual if each["paymentMethodId"] == method)
        told = {**shown, "amount": "0.00002", "due": "0.00002", "payments": []}
        if method == "BTC-LN":
            told["additionalData"] = {**shown["additionalData"], "paymentHash": self.hash_of(name)}
        return told

    def hash_of(self, name: str) -> str:
        """The payment hash of an invoice: as the recording tells it somewhere, else one made for it."""
        for step in self.steps:
            if step.get("action") == "BTCPay's payment methods":
                return str(step["response"][0]["additionalData"]["paymentHash"])
        return hashlib.sha256(name.encode()).hexdigest()

    def _become(self, name: str, states: Mapping[str, Json]) -> None:
        self.invoices[name].update(states)
        if states["paidAmount"] not in ("0", None) and name in self.settled:
            self._pay(name, "BTC-LN", self.hash_of(name), self.settled[name])

    def _pay(self, name: str, method: str, identity: str, received: int, status: str = "Settled") -> None:
        payment = {"id": identity, "receivedDate": received, "value": "0.00002", "fee": "0", "status": status}
        for each in self.methods[name]:
            if each["paymentMethodId"] == method:
                each["payments"] = [{**payment, "destination": each["destination"]}]

    def _time(self, step: Mapping[str, Json]) -> None:
        """What the answers said of times: the one made first comes first."""
        name = list(self.invoices)[len(self.times)]
        self.times.append(step)
        self.invoices[name].update({"status": step["status"], "paidAmount": "1.00", "createdTime": step["createdTime"]})
        method = "BTC-LN" if name in self.settled else "BTC-CHAIN"
        identity = self.hash_of(name) if method == "BTC-LN" else f"{self.hash_of(name)}-0"
        self._pay(name, method, identity, step["receivedDates"][0], step["status"])

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """As the recorded system answered at this moment."""
        path = request.url.path
        if path.startswith("/v1/"):
            return self._recorded("nbxplorer-status", request)
        path = path.removeprefix("/api/v1/")
        if path in ("health", "server/info"):
            return self._recorded(path.replace("/", "-"), request)
        up = self._recorded("invoices", request)
        if up.status_code != 200:
            return up
        if path == "api-keys/current":
            return _response(200, load("api-keys-current")["response"])
        return self._of_store(path.removeprefix(f"stores/{STORE_ID}").strip("/"), request)

    def _recorded(self, what: str, request: httpx.Request) -> httpx.Response:
        step = self.seen[what]
        if step["http_status"] is not None:
            told = step["response"]
            cut = isinstance(told, dict) and "networkType" in told  # what was recorded of NBXplorer lacks its version
            return _response(step["http_status"], {"version": "2.6.7", **told} if cut else told)
        if "refused" in step["response"]:
            raise httpx.ConnectError("refused", request=request)
        raise httpx.ReadTimeout("silence", request=request)

    def _of_store(self, rest: str, request: httpx.Request) -> httpx.Response:
        if rest in _STATIC:
            return _response(200, load(_STATIC[rest])["response"])
        if rest == "invoices":
            return _response(200, list(self._listed(request.url.params)))
        name = rest.split("/")[1]
        if rest.endswith("/payment-methods"):
            return _response(200, self.methods[name])
        return _response(200, self.invoices[name])

    def _listed(self, asked: httpx.QueryParams) -> Iterator[Json]:
        wanted = asked.get_list("status")
        start, end = int(asked.get("startDate", 0)), int(asked.get("endDate", 2**40))
        newest = sorted(self.invoices.values(), key=lambda each: -each["createdTime"])
        shown = [each for each in newest if start <= each["createdTime"] <= end]
        shown = [each for each in shown if not wanted or each["status"] in wanted]
        for each in shown[int(asked.get("skip", 0)) :][: int(asked["take"])]:
            yield {**each, "paymentMethods": self.methods[each["id"]]}

    def paid(self) -> tuple[LightningInvoice, ...]:
        """The node's own invoices that were paid."""
        return tuple(self._invoice(number, name, at) for number, (name, at) in enumerate(self.settled.items(), 1))

    def _invoice(self, number: int, name: str, at: int) -> LightningInvoice:
        made = self.invoices[name]
        amount = Msat(2_000_000)
        part = InvoiceHtlc(
            channel_id="820000x12x1",
            index=number,
            amount_msat=amount,
            accept_time=at,
            resolve_time=at,
            expiry_height=self.height + 40,
            settled=True,
            canceled=False,
        )
        return LightningInvoice(
            payment_hash=self.hash_of(name),
            add_index=number,
            settle_index=number,
            state=InvoiceState.SETTLED,
            value_msat=amount,
            paid_msat=amount,
            created_at=made["createdTime"],
            expires_at=made["expirationTime"],
            final_at=at,
            keysend=False,
            amp=False,
            private=False,
            htlcs=(part,),
        )


def _response(status: int, body: Json) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(b"" if body == "" else packed(body)))


def _began(steps: Iterable[Mapping[str, Json]]) -> float:
    """When it began, by BTCPay's clock."""
    for step in steps:
        if step.get("action") == "times":
            return float(step["now"]) - float(step["t"])
        if step.get("action") == "the node's invoice":
            return float(step["response"][0]["paid_at"]) - 1.5
    return BEGAN


def _since(step: Mapping[str, Json]) -> float:
    """From when on it was so: a silence was noted when the patience with it ended."""
    silence = step.get("http_status") is None and "timed out" in str(step.get("response"))
    return float(step["t"]) - (float(step["seconds"]) if silence else 0.0)


async def play_fault(ledger: Ledger, clock: StoryClock, path: Path) -> Outcome:
    """A fault from its first step to its last; where BTCPay answers then, the clock runs on past finality."""
    steps = decode(path.read_bytes())["steps"]  # noqa: ASYNC240 - nobody waits meanwhile
    fault, began = Fault(clock, steps), _began(steps)
    clock.at = began
    stage = _stage(ledger, clock, fault)
    waiting = sorted(steps, key=_since)
    while waiting:
        while waiting and began + _since(waiting[0]) <= clock.now():
            fault.take(waiting.pop(0))
        await _look(stage, fault)
        clock.at += LOOK
    if fault.seen["invoices"]["http_status"] == 200:
        await _run_on(stage, fault)
    return await outcome_of(stage, fault.invoices)


def _stage(ledger: Ledger, clock: StoryClock, fault: Fault) -> Stage:
    site, door = f"fault{next(_sites)}", RecordedDoor(clock, fault.answer)
    shop = BTCPAY.settings.model_validate(
        {
            "url": "http://btcpay.example",
            "api_key": "0" * 40,
            "stores": {STORE: STORE_ID},
            "interval": "2s",
            "timeout": "1s",
            "invoices_interval": "5s",
        }
    )
    indexer = NBXPLORER.settings.model_validate({"url": "http://nbx.example", "interval": "2s", "deadline": "1s"})
    node = [Role(name, 2.0) for name in ("node", "channels", "invoices")]
    sources = {
        SERVER: ("btcpay", BTCPAY.open(Place(site, SERVER, clock, door), shop)),
        "nbx": ("nbxplorer", NBXPLORER.open(Place(site, "nbx", clock, door), indexer)),
        "core": ("bitcoind", Actor([Role("status", 2.0)])),
        "ln1": ("lnd", Actor(node)),
    }
    return Stage(ledger, clock, site, sources, patience=PATIENCE)


async def _look(stage: Stage, fault: Fault, *, at_all: bool = False) -> None:
    """Ask everything that is due, and judge."""
    await _tell_doubles(stage, fault)
    for slug in ("nbx", SERVER):
        target = stage.target(slug)
        for collector in target.source.collectors:
            record, now = target.records[collector.name], stage.clock.now()
            leads = collector.name == target.lead
            due = record.last_run_at is None or now - record.last_run_at >= (LOOK if leads else collector.interval)
            while (due or at_all) and (leads or target.reachable) and await stage.poll(slug, collector.name):
                continue
    await stage.judge()


async def _tell_doubles(stage: Stage, fault: Fault) -> None:
    """The node is as the recording says; bitcoind is well all the while."""
    now = stage.clock.now()
    status = bitcoind_status(
        chain=Network.REGTEST, blocks=fault.height, headers=fault.height, tip_time=int(now), clock_offset=0.0
    )
    report = TargetReport(TargetState.UP, "31.0", supported=True, network=Network.REGTEST)
    await stage.told("core", "status", Reading(facts=status, target=report))
    reasons = {TargetState.DOWN: FailureReason.REFUSED, TargetState.HANGING: FailureReason.TIMEOUT}
    if (reason := reasons.get(fault.node)) is not None:
        await stage.failed("ln1", "node", SourceError(reason, "it does not answer"))
        return
    facts = node_status(public_key=NODE, network=Network.REGTEST, block_height=fault.height, best_header_time=int(now))
    await stage.told("ln1", "node", Reading(facts=facts, target=replace(report, version="0.21.2")))
    await stage.told("ln1", "invoices", Reading(events=fault.paid()))


async def _run_on(stage: Stage, fault: Fault) -> None:
    if not fault.invoices:
        return
    last = max(each["monitoringExpiration"] for each in fault.invoices.values())
    for at in (stage.clock.now() + 60, max(stage.clock.now() + 60, last) + PAST_FINALITY):
        stage.clock.reach(at)
        for _ in range(2):  # what a list showed first is read singly next
            await _look(stage, fault, at_all=True)
            stage.clock.at += LOOK
