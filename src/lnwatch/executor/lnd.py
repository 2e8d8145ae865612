"""An LND node, asked what a proposal lacks, and asked to call a peer; there are no hands here that pay."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lnwatch.credentials import world_readable
from lnwatch.domain.peers import short
from lnwatch.domain.wording import clause, listing
from lnwatch.errors import FailureReason, SourceError
from lnwatch.executor.hands import FutileError
from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.action import Action, Intent, Outcome, Proposal, Receipt
from lnwatch.model.money import format_msat
from lnwatch.sources.lnd.channels import short_id
from lnwatch.sources.lnd.client import LndClient
from lnwatch.sources.lnd.errors import AlreadyConnectedError, NoBalanceError, NoRouteError, UnknownPeerError
from lnwatch.sources.lnd.macaroon import read_grant
from lnwatch.sources.lnd.methods import GET_NODE_INFO, LIST_PEERS, Method

CONNECT_PEER = Method(
    "/lnrpc.Lightning/ConnectPeer", ln.ConnectPeerRequest, ln.ConnectPeerResponse, "peers:write", "calling peers"
)
QUERY_ROUTES = Method(
    "/lnrpc.Lightning/QueryRoutes",
    ln.QueryRoutesRequest,
    ln.QueryRoutesResponse,
    "info:read",
    "what moving inbound between channels would cost",
)
GRANT = f"uri:{CONNECT_PEER.path}"

ASK_SECONDS = 10.0
CALL_SECONDS = 10  # that LND has to reach one address
MOST_ADDRESSES = 4  # of those that a peer announces
# These come from LND itself, before or after it tried: nothing is under way when it says so.
_NOT_BEGUN = frozenset(
    {
        FailureReason.REJECTED,
        FailureReason.FORBIDDEN,
        FailureReason.LOCKED,
        FailureReason.STARTING,
        FailureReason.UNSUPPORTED,
        FailureReason.CREDENTIAL_UNREADABLE,
        FailureReason.TLS,
    }
)


class LndReader:
    """Asks the node what a proposal lacks, with the credential that can only read."""

    def __init__(self, client: LndClient) -> None:
        self._client = client

    async def prepare(self, draft: Proposal) -> Proposal:
        """A peer's addresses, or a route with its fee: one question."""
        ask = self._addresses if draft.action is Action.CONNECT_PEER else self._route
        return replace(draft, added=await ask(draft))

    async def connected(self, public_key: str) -> bool:
        """Whether the node is connected to that peer now."""
        answer = await self._client.call(LIST_PEERS, ln.ListPeersRequest(), seconds=ASK_SECONDS)
        return any(peer.pub_key == public_key for peer in answer.peers)

    async def _addresses(self, draft: Proposal) -> Mapping[str, str]:
        key = draft.parameters["public_key"]
        request = ln.NodeInfoRequest(pub_key=key)
        try:
            answer = await self._client.call(GET_NODE_INFO, request, seconds=ASK_SECONDS)
        except UnknownPeerError as error:
            words = f"Gossip does not know peer {short(key)}, nor any address of it."
            raise FutileError("unknown_peer", words) from error
        found = [address.addr for address in answer.node.addresses][:MOST_ADDRESSES]
        if not found:
            raise FutileError("no_address", f"Peer {short(key)} announces no address at which it could be called.")
        return {"addresses": " ".join(found)}

    async def _route(self, draft: Proposal) -> Mapping[str, str]:
        wanted, source = draft.parameters, _channel_number(draft.parameters["source_channel"])
        request = ln.QueryRoutesRequest(
            pub_key=wanted["public_key"],
            amt_msat=draft.amount_msat,
            fee_limit=ln.FeeLimit(fixed_msat=draft.fee_limit_msat),
            outgoing_chan_ids=[source],
            last_hop_pubkey=bytes.fromhex(wanted["target_peer"]),
            use_mission_control=True,
        )
        try:
            answer = await self._client.call(QUERY_ROUTES, request, seconds=ASK_SECONDS)
        except (NoRouteError, NoBalanceError) as error:
            raise _no_route(draft, error) from error
        hops = answer.routes[0].hops if answer.routes else ()
        if not hops or hops[0].chan_id != source:
            words = f"LND does not say what leaving by channel {wanted['source_channel']} would cost: it takes 0.20."
            raise FutileError("no_route", words)
        return {
            "route": " ".join(short_id(hop.chan_id) for hop in hops),
            "fee_msat": str(answer.routes[0].total_fees_msat),
            "success_probability": f"{answer.success_prob:.2f}",
        }


def _no_route(draft: Proposal, error: SourceError) -> FutileError:
    source, amount = draft.parameters["source_channel"], format_msat(draft.amount_msat)
    if isinstance(error, NoBalanceError):
        return FutileError("no_balance", f"Channel {source} can't send {amount} just now.")
    ways, limit = f"from channel {source} to channel {draft.parameters['target_channel']}", draft.fee_limit_msat
    return FutileError("no_route", f"LND knows no route for {amount} {ways} for {format_msat(limit)} or less.")


def _channel_number(text: str) -> int:
    block, transaction, output = map(int, text.split("x"))
    return block << 40 | transaction << 16 | output


class CallingHands:
    """Have the node call a peer, with a macaroon that allows this one call and nothing else.

    Without such a macaroon they can still tell what became of an earlier call.
    """

    name = "lnd"

    def __init__(self, reader: LndReader, client: LndClient, macaroon: Path | None) -> None:
        self._reader = reader
        self._client = client
        self._macaroon = macaroon

    async def prepare(self, draft: Proposal) -> Proposal:
        """The peer's addresses."""
        return await self._reader.prepare(draft)

    def intend(self, proposal: Proposal) -> Intent:
        """Known by the peer's public key: being connected or not is all that there is to know."""
        return Intent(proposal.digest, self.name, proposal.parameters["public_key"])

    async def act(self, proposal: Proposal, intent: Intent) -> Receipt:
        """One address after the other, until the peer answers."""
        problem = "there is no macaroon for it" if self._macaroon is None else trouble_with(self._macaroon)
        if problem:
            return Receipt(Outcome.FAILED, f"not begun: {problem}")
        tried: list[str] = []
        for host in proposal.added["addresses"].split():
            try:
                await self._call(intent.reference, host)
            except AlreadyConnectedError:
                return Receipt(Outcome.DONE, "it was connected already")
            except SourceError as error:
                if error.reason in _NOT_BEGUN:
                    return Receipt(Outcome.FAILED, f"not begun: {clause(error.message)}")
                if error.reason is not FailureReason.FAILED:
                    raise
                tried.append(f"{host}: {clause(error.message)}")
            else:
                return Receipt(Outcome.DONE, f"connected at {host}")
        return Receipt(Outcome.FAILED, f"the peer was not reached: {listing(tried)}")

    async def look_up(self, proposal: Proposal, intent: Intent) -> Receipt:  # noqa: ARG002 - the contract's
        """Ask whether the peer is connected."""
        if await self._reader.connected(intent.reference):
            return Receipt(Outcome.DONE, "it is connected", looked_up=True)
        return Receipt(Outcome.FAILED, "it is not connected", looked_up=True)

    async def _call(self, key: str, host: str) -> None:
        request = ln.ConnectPeerRequest(
            addr=ln.LightningAddress(pubkey=key, host=host), perm=False, timeout=CALL_SECONDS
        )
        await self._client.call(CONNECT_PEER, request, seconds=CALL_SECONDS + 5.0)


def trouble_with(macaroon: Path) -> str:
    """Why the hands can't be given this macaroon, and what to do; empty where they can."""
    bake = f"`lncli bakemacaroon --save_to {macaroon} {GRANT}`"
    if world_readable(macaroon):
        return f"everybody on this machine can read {macaroon}, and may act with it: `chmod 600 {macaroon}`"
    try:
        operations = read_grant(macaroon.read_bytes()).operations
    except OSError as error:
        return f"can't read {macaroon}: {error.strerror}; make it with {bake}"
    except SourceError as error:
        return f"{macaroon}: {error.message}"
    if operations != {GRANT}:
        others = listing(sorted(operations - {GRANT})) or "nothing"
        return f"{macaroon} allows {others}: hands get a macaroon for one call alone, {bake}"
    return ""
