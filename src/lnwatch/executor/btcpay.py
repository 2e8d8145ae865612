"""A BTCPay Server, asked for its webhooks and for one more, with a key that somebody lent for that alone."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from pydantic import SecretStr, TypeAdapter

from lnwatch.credentials import Credential
from lnwatch.domain.wording import clause
from lnwatch.errors import FailureReason, LnwatchError, SourceError
from lnwatch.executor.hands import FutileError
from lnwatch.files import write_secret
from lnwatch.model.action import Intent, Need, Outcome, Proposal, Receipt
from lnwatch.net import Answer
from lnwatch.sources import Place
from lnwatch.sources.btcpay import BtcpaySettings, errors
from lnwatch.sources.btcpay.answers import WebhookAnswer
from lnwatch.sources.btcpay.parsing import read

HOOKS: Final = TypeAdapter(tuple[WebhookAnswer, ...])
HOOK: Final = TypeAdapter(WebhookAnswer)
PERMISSION: Final = "btcpay.store.webhooks.canmodifywebhooks"
_WHAT: Final = "the webhooks of the store"
_SECRET_BYTES: Final = 32


class LentKeys:
    """API keys in memory alone: each lent for one need, until that is over or the process ends."""

    def __init__(self) -> None:
        """None yet."""
        self._keys: dict[Need, SecretStr] = {}

    def lend(self, need: Need, key: SecretStr) -> None:
        """Keep a key; one that was lent for the same before is forgotten."""
        self._keys[need] = key

    def of(self, need: Need) -> SecretStr | None:
        """The key for a need."""
        return self._keys.get(need)

    def forget(self, need: Need) -> None:
        """It is not needed any more."""
        self._keys.pop(need, None)


class HookReader:
    """Asks a server for the webhooks of a store; it can't change anything there."""

    def __init__(self, place: Place, settings: BtcpaySettings, keys: LentKeys) -> None:
        self._place = place
        self._settings = settings
        self._keys = keys

    async def prepare(self, draft: Proposal) -> Proposal:
        """Which webhook leads to us already: it also proves the key."""
        try:
            found = await self.find(draft)
        except SourceError as error:
            raise FutileError(error.reason.value, f"{error.message.rstrip('.')}.") from error
        return replace(draft, added={"webhook": found.id if found is not None else "none yet"})

    async def find(self, proposal: Proposal) -> WebhookAnswer | None:
        """The webhook with our address, one that is switched on before others. Raises SourceError."""
        answer = good(await self.ask("GET", proposal))
        try:
            hooks = read(HOOKS, answer.body)
        except ValueError as error:
            raise errors.not_json(answer, _WHAT) from error
        same = [hook for hook in hooks if hook.url.get_secret_value() == proposal.parameters["url"]]
        return min(same, key=lambda hook: not hook.enabled, default=None)

    async def ask(
        self, method: str, proposal: Proposal, hook: str = "", body: Mapping[str, object] | None = None
    ) -> Answer:
        """One question about the store's webhooks, or about one of them. Raises SourceError."""
        headers = {"Accept": "application/json", "Authorization": f"token {self._key(proposal)}"}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        client = self._place.door.http(
            base_url=self._settings.url,
            timeout=self._settings.slow_timeout,
            roots=Credential(path=self._settings.ca_file).read() or None,
        )
        path = f"/api/v1/stores/{proposal.parameters['store_id']}/webhooks{hook and f'/{hook}'}"
        try:
            return await client.request(method, path, content=content, headers=headers)
        finally:
            await client.close()

    def _key(self, proposal: Proposal) -> str:
        lent = self._keys.of(proposal.need)
        if lent is not None:
            return lent.get_secret_value()
        if self._settings.deliveries:  # then our own may list webhooks too
            return Credential(self._settings.api_key, self._settings.api_key_file).text().strip()
        store = proposal.subject.partition(":")[2]
        again = f"`lnwatch webhook register {proposal.site}/{proposal.node} {store} --key-file FILE`"
        message = f"without a key that has {PERMISSION} BTCPay's webhooks can't be listed: lend one with {again}"
        raise SourceError(FailureReason.FORBIDDEN, message, permission=PERMISSION)


class RegisteringHands:
    """Have BTCPay tell us: create a webhook with our secret, or mend the one that leads to us.

    The secret stands in its file before BTCPay knows it, so that a webhook whose secret nobody knows
    is never left behind.
    """

    name = "btcpay"

    def __init__(self, reader: HookReader, settings: BtcpaySettings) -> None:
        self._reader = reader
        self._settings = settings

    async def prepare(self, draft: Proposal) -> Proposal:
        """The webhook that is there already."""
        return await self._reader.prepare(draft)

    def intend(self, proposal: Proposal) -> Intent:
        """Known by our address: BTCPay's list shows it."""
        return Intent(proposal.digest, self.name, proposal.parameters["url"])

    async def act(self, proposal: Proposal, intent: Intent) -> Receipt:
        """Look once more, then create or mend it."""
        try:
            found = await self._reader.find(proposal)
            secret = self._secret()
            if found is not None and found.enabled and secret:
                return Receipt(Outcome.DONE, f"webhook {found.id} was there already")
            known = bool(secret)
            secret = secret or secrets.token_urlsafe(_SECRET_BYTES)
            if found is None and not known:
                self._keep(secret)
        except SourceError as error:
            return Receipt(Outcome.FAILED, f"not begun: {clause(error.message)}")
        body = {
            "url": intent.reference,
            "enabled": True,
            "automaticRedelivery": True,
            "authorizedEvents": {"everything": True},
        }
        if found is None:
            answer = await self._reader.ask("POST", proposal, body={**body, "secret": secret})
        else:
            answer = await self._reader.ask("PUT", proposal, found.id, body if known else {**body, "secret": secret})
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Receipt(Outcome.FAILED, clause(str(errors.failure(answer, _WHAT))))
        made = _made(good(answer))
        if found is None:
            return Receipt(Outcome.DONE, f"webhook {made} was created")
        if not known:
            self._keep(secret)
        return Receipt(Outcome.DONE, f"webhook {made} was there already, and was mended")

    async def look_up(self, proposal: Proposal, intent: Intent) -> Receipt:  # noqa: ARG002 - the contract's
        """Whether BTCPay lists it, and we have its secret."""
        found = await self._reader.find(proposal)
        if found is None:
            return Receipt(Outcome.FAILED, "BTCPay lists no such webhook", looked_up=True)
        if not (found.enabled and self._secret()):
            return Receipt(Outcome.FAILED, f"webhook {found.id} is there, but not as it should be", looked_up=True)
        return Receipt(Outcome.DONE, f"BTCPay lists it as webhook {found.id}", looked_up=True)

    def _secret(self) -> str:
        """The secret as it stands; empty while there is none. Raises SourceError where it can't be read."""
        path = self._settings.webhook_secret_file
        if path is not None and not path.exists():
            return ""
        signs = self._settings.signs
        return signs.text() if signs is not None else ""

    def _keep(self, secret: str) -> None:
        """Write the secret for our own eyes alone. Raises SourceError."""
        path = self._settings.webhook_secret_file
        if path is None:
            message = "`webhook_secret_file` is not set: there is no place for the secret"
            raise SourceError(FailureReason.CREDENTIAL_UNREADABLE, message)
        try:
            write_secret(path, f"{secret}\n")
        except LnwatchError as error:
            raise SourceError(FailureReason.CREDENTIAL_UNREADABLE, f"can't keep the secret: {error}") from error


def good(answer: Answer) -> Answer:
    """The answer, unless it is a refusal. Raises SourceError."""
    if (failed := errors.failure(answer, _WHAT)) is not None:
        raise failed
    return answer


def _made(answer: Answer) -> str:
    """The id of the webhook; that it was made is certain, whatever the answer looks like."""
    try:
        return read(HOOK, answer.body).id
    except ValueError:
        return "of unknown id"
