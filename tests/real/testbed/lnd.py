"""A real LND: its process, its files, and its REST interface."""

import base64
import json
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.real.testbed.bitcoin import PASSWORD, USER, Bitcoind
from tests.real.testbed.ports import free_port
from tests.real.testbed.process import Process
from tests.real.testbed.waiting import until
from tests.requirements import require

Json = dict[str, Any]
PEERS_HOST = "127.0.0.2"  # LND takes a peer at 127.0.0.1 for one behind Tor, and is three times as patient with it
WALLET_PASSWORD = "wallet-password"
PATIENCE = 20.0  # seconds for an answer
WALLET_PATIENCE = 90.0  # a wallet is opened by work that is made to take long, the longer on a busy machine

# Quick where a merchant's node is patient: the delays are the only thing that is not as in production.
QUICK = (
    "--bitcoind.rpcpolling",  # the bitcoind of the bed has no ZMQ
    "--bitcoind.blockpollinginterval=200ms",
    "--bitcoind.txpollinginterval=500ms",
    "--trickledelay=50",
    "--gossip.sub-batch-delay=100ms",
    "--minbackoff=250ms",
    "--maxbackoff=2s",
    "--maxpendingchannels=5",
    "--bitcoin.defaultchanconfs=3",
    "--bitcoin.defaultremotedelay=6",
    "--invoices.holdexpirydelta=12",
    "--db.batch-commit-interval=10ms",
    "--nobootstrap",
)


class LndError(Exception):
    """LND answered with an error of its own."""


def b64(hexadecimal: str) -> str:
    """Bytes given in hexadecimal as REST wants them in a body."""
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def unb64(text: str) -> str:
    """Bytes as REST gives them, in hexadecimal."""
    return base64.b64decode(text).hex()


class Lnd:
    """A node. With `wallet=False` LND opens a wallet by itself, with True it waits for its password."""

    def __init__(self, folder: Path, chain: Bitcoind, *, wallet: bool = False, flags: tuple[str, ...] = ()) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.name = folder.name
        self.rpc_port, self.rest_port, self.p2p_port = free_port(), free_port(), free_port()
        argv = [
            require("lnd"),
            f"--lnddir={folder}",
            "--bitcoin.active",
            "--bitcoin.regtest",
            "--bitcoin.node=bitcoind",
            f"--bitcoind.rpchost=127.0.0.1:{chain.lnd_port}",
            f"--bitcoind.rpcuser={USER}",
            f"--bitcoind.rpcpass={PASSWORD}",
            f"--rpclisten=127.0.0.1:{self.rpc_port}",
            f"--restlisten=127.0.0.1:{self.rest_port}",
            f"--listen={self.peer_address}",
            f"--alias={folder.name}",
            *(() if wallet else ("--noseedbackup",)),
            *QUICK,
            *flags,
        ]
        self.process = Process(folder.name, argv, folder / "lnd.log")
        self._http: httpx.Client | None = None
        self._key = ""

    # Files that a merchant would name in lnwatch.toml.

    @property
    def address(self) -> str:
        """Where gRPC is served."""
        return f"127.0.0.1:{self.rpc_port}"

    @property
    def peer_address(self) -> str:
        """Where its peers call."""
        return f"{PEERS_HOST}:{self.p2p_port}"

    @property
    def certificate(self) -> Path:
        """LND's own, self-signed."""
        return self.folder / "tls.cert"

    @property
    def backup(self) -> Path:
        """The channel-backup file."""
        return self.folder / "data/chain/bitcoin/regtest/channel.backup"

    def macaroon(self, name: str = "readonly") -> Path:
        """One that LND wrote at its first start."""
        return self.folder / f"data/chain/bitcoin/regtest/{name}.macaroon"

    # Life and death.

    def start(self) -> None:
        """Start the process and return at once: `ready` waits. Connections to the last one are of no use any more."""
        self._hang_up()
        self.process.start()

    def ready(self, timeout: float = 60) -> None:
        """Wait until every service is up and the chain is in step."""
        self.in_state("SERVER_ACTIVE", timeout)
        until(f"{self.name} in step with the chain", lambda: self.info()["synced_to_chain"], timeout=timeout)

    def in_state(self, state: str, timeout: float = 60) -> None:
        """Wait for a state of the State service, not for the port."""

        def reached() -> bool:
            self.process.check()
            return self.state() == state

        until(f"{self.name} {state}", reached, timeout=timeout)

    def restart(self) -> None:
        """Kill it where it stands, and bring it back."""
        self.process.kill()
        self.start()
        self.ready()

    def close(self) -> None:
        """Stop it for good."""
        self.process.stop()
        self._hang_up()

    def _hang_up(self) -> None:
        client, self._http = self._http, None
        if client is not None:
            client.close()

    # REST.

    @property
    def http(self) -> httpx.Client:
        """A client that trusts this node's certificate alone."""
        if self._http is None:
            context = ssl.create_default_context(cafile=str(self.certificate))
            self._http = httpx.Client(base_url=f"https://127.0.0.1:{self.rest_port}", verify=context, timeout=PATIENCE)
        return self._http

    def _headers(self) -> dict[str, str]:
        admin = self.macaroon("admin")
        return {"Grpc-Metadata-macaroon": admin.read_bytes().hex()} if admin.exists() else {}

    def ask(self, method: str, path: str, body: object = None, **query: object) -> Json:
        """One REST call. Raises LndError with LND's own words, OSError where it does not answer."""
        return self._ask(method, path, body, query, PATIENCE)

    def _ask(self, method: str, path: str, body: object, query: Mapping[str, object], timeout: float) -> Json:
        params = {key: str(value) for key, value in query.items()}
        headers = self._headers()
        try:
            response = self.http.request(method, path, json=body, params=params, headers=headers, timeout=timeout)
        except httpx.TransportError as error:
            raise ConnectionError(f"{self.name} does not answer: {error}") from error
        answer: Json = response.json()
        if response.is_error:
            raise LndError(answer.get("message") or response.text)
        return answer

    def get(self, path: str, **query: object) -> Json:
        """Read something."""
        return self.ask("GET", path, **query)

    def post(self, path: str, body: Mapping[str, object], *, timeout: float = PATIENCE) -> Json:
        """Make something happen."""
        return self._ask("POST", path, dict(body), {}, timeout)

    def listen(self, method: str, path: str, body: object = None, *, timeout: float = 30) -> Iterator[Json]:
        """The messages of a streaming call. Raises LndError with LND's own words."""
        call = self.http.stream(method, path, json=body, headers=self._headers(), timeout=timeout)
        with call as response:
            for line in response.iter_lines():
                message = json.loads(line)
                if problem := message.get("error"):
                    raise LndError(problem.get("message") or str(problem))
                yield message["result"]

    # What the node says.

    def state(self) -> str:
        """Of the State service, which needs no credential."""
        return str(self.get("/v1/state")["state"]) if self.certificate.exists() else ""

    def info(self) -> Json:
        """GetInfo."""
        try:
            return self.get("/v1/getinfo")
        except LndError as error:  # the services come up one by one
            raise ConnectionError(str(error)) from error

    @property
    def key(self) -> str:
        """The node's public key."""
        if not self._key:
            self._key = str(self.info()["identity_pubkey"])
        return self._key

    def stands_at(self, block_hash: str) -> bool:
        """Whether the node has this block as its tip and says that it is in step."""
        info = self.info()
        return bool(info["block_hash"] == block_hash and info["synced_to_chain"])

    def channels(self) -> list[Json]:
        """ListChannels."""
        return list(self.get("/v1/channels")["channels"])

    def pending(self) -> Json:
        """PendingChannels."""
        return self.get("/v1/channels/pending")

    def closed(self) -> list[Json]:
        """ClosedChannels."""
        return list(self.get("/v1/channels/closed")["channels"])

    def invoices(self) -> list[Json]:
        """Every invoice, by rising add index."""
        found: list[Json] = []
        while True:
            offset = found[-1]["add_index"] if found else 0
            page = self.get("/v1/invoices", index_offset=offset, num_max_invoices=1000)["invoices"]
            if not page:
                return found
            found += page

    def invoice(self, payment_hash: str) -> Json:
        """LookupInvoice, by the payment hash in hexadecimal."""
        return self.get(f"/v1/invoice/{payment_hash}")

    # Peers, channels, money.

    def connect(self, other: "Lnd") -> None:
        """Connect and stay so."""
        peer = {"addr": {"pubkey": other.key, "host": other.peer_address}, "perm": True}
        try:
            self.post("/v1/peers", peer)
        except LndError as error:
            if not any(words in str(error) for words in ("already connected", "already have")):
                raise ConnectionError(f"{self.name} can't reach {other.name}: {error}") from error

    def knows(self, other: "Lnd") -> bool:
        """Whether the other is among its connected peers."""
        return other.key in [peer["pub_key"] for peer in self.peers()]

    def peers(self) -> list[Json]:
        """ListPeers."""
        return list(self.get("/v1/peers")["peers"])

    def call(self, other: "Lnd") -> None:
        """Connect to the other anew where it was the one who called."""
        if any(peer["inbound"] for peer in self.peers() if peer["pub_key"] == other.key):
            self.ask("DELETE", f"/v1/peers/{other.key}")
        self.connect(other)

    def new_address(self) -> str:
        """Of the node's own wallet."""
        return str(self.get("/v1/newaddress")["address"])

    def open_channel(self, other: "Lnd", satoshis: int, *, push: int = 0, private: bool = False) -> str:
        """Publish a funding transaction. The channel point, `TXID:N`."""
        body = {
            "node_pubkey": b64(other.key),
            "local_funding_amount": str(satoshis),
            "push_sat": str(push),
            "private": private,
            "sat_per_vbyte": "5",
            "spend_unconfirmed": True,
        }
        point = self.post("/v1/channels", body)
        txid = bytes.fromhex(unb64(point["funding_txid_bytes"]))[::-1].hex()
        return f"{txid}:{point.get('output_index', 0)}"

    def close_channel(self, point: str, *, force: bool = False) -> str:
        """Publish a closing transaction. Its txid."""
        txid, index = point.split(":")
        path = f"/v1/channels/{txid}/{index}?force={'true' if force else 'false'}"
        for update in self.listen("DELETE", path if force else f"{path}&sat_per_vbyte=5"):
            if pending := update.get("close_pending"):
                return bytes.fromhex(unb64(pending["txid"]))[::-1].hex()
        raise LndError("the stream ended before the closing transaction was published")

    def add_invoice(self, satoshis: int, *, expiry: int = 3600, memo: str = "") -> Json:
        """A plain invoice: `payment_request`, and `r_hash` in hexadecimal."""
        made = self.post("/v1/invoices", {"value": str(satoshis), "expiry": str(expiry), "memo": memo})
        return made | {"r_hash": unb64(made["r_hash"])}

    def hold_invoice(self, payment_hash: str, satoshis: int, *, expiry: int = 3600, blocks: int = 80) -> str:
        """An invoice that waits for `settle` or `cancel`. The payment request."""
        body = {"hash": b64(payment_hash), "value": str(satoshis), "expiry": str(expiry), "cltv_expiry": str(blocks)}
        return str(self.post("/v2/invoices/hodl", body)["payment_request"])

    def settle(self, preimage: str) -> None:
        """Take what a hold invoice holds."""
        self.post("/v2/invoices/settle", {"preimage": b64(preimage)})

    def cancel(self, payment_hash: str) -> None:
        """Cancel an open or held invoice."""
        self.post("/v2/invoices/cancel", {"payment_hash": b64(payment_hash)})

    def pay(self, request: str, *, timeout: int = 20, parts: int = 16, over: str = "") -> Json:
        """Pay in so many parts at most, over one channel or any, and wait for the end. The payment as LND tells it,
        SUCCEEDED or FAILED."""
        body = {
            "payment_request": request,
            "timeout_seconds": timeout,
            "fee_limit_sat": "1000",
            "max_parts": parts,
            "no_inflight_updates": True,
            "outgoing_chan_ids": [over] if over else [],
        }
        *_, last = self.listen("POST", "/v2/router/send", body, timeout=timeout + 10)
        return last

    # Watchtowers.

    def tower_key(self) -> str:
        """The public key of the tower that this node is, of its own and not the node's. Hexadecimal."""
        return unb64(self.get("/v2/watchtower/server")["pubkey"])

    def add_tower(self, key: str, address: str) -> None:
        """Have this tower guard the channels."""
        self.post("/v2/watchtower/client", {"pubkey": b64(key), "address": address})

    # Credentials.

    def bake(self, path: Path, *methods: str, root_key: int = 0) -> Path:
        """Write a macaroon that allows these gRPC methods alone, such as `/lnrpc.Lightning/GetInfo`."""
        permissions = [{"entity": "uri", "action": method} for method in methods]
        body = {"permissions": permissions, "root_key_id": str(root_key)}
        path.write_bytes(bytes.fromhex(self.post("/v1/macaroon", body)["macaroon"]))
        return path

    def revoke(self, root_key: int) -> None:
        """Delete a root key: every macaroon baked with it is void from now on."""
        self.ask("DELETE", f"/v1/macaroon/{root_key}")

    def create_wallet(self) -> None:
        """Give a node of `wallet=True` its wallet; it goes on to start."""
        seed = self.get("/v1/genseed")["cipher_seed_mnemonic"]
        password = base64.b64encode(WALLET_PASSWORD.encode()).decode()
        wallet = {"wallet_password": password, "cipher_seed_mnemonic": seed}
        self.post("/v1/initwallet", wallet, timeout=WALLET_PATIENCE)

    def unlock(self) -> None:
        """Open the wallet of a node of `wallet=True`."""
        password = base64.b64encode(WALLET_PASSWORD.encode()).decode()
        self.post("/v1/unlockwallet", {"wallet_password": password}, timeout=WALLET_PATIENCE)
