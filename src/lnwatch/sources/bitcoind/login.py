"""The credential as it is sent: a cookie that bitcoind rewrites at each start, or user and password."""

import base64
from dataclasses import dataclass
from pathlib import Path

from lnwatch.credentials import Credential
from lnwatch.sources.bitcoind.settings import BitcoindSettings


@dataclass(frozen=True, slots=True)
class Login:
    """`user` None: the secret is a cookie, which holds its user."""

    user: str | None
    secret: Credential

    @classmethod
    def of(cls, settings: BitcoindSettings) -> "Login":
        """The one credential that the settings name."""
        if settings.cookie_file is not None:
            return cls(None, Credential(path=settings.cookie_file))
        return cls(settings.user, Credential(settings.password, settings.password_file))

    @property
    def path(self) -> Path | None:
        """The file that holds the secret, None where it stands in the configuration."""
        return self.secret.path

    def header(self) -> str:
        """The Authorization header as it must be now. Raises SourceError(CREDENTIAL_UNREADABLE)."""
        secret = self.secret.text()
        pair = secret if self.user is None else f"{self.user}:{secret}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def rejected(self, where: str) -> str:
        """What to tell when bitcoind does not accept it."""
        if self.user is None:
            return f"{where} does not accept the cookie in {self.path}: is it the cookie of this node and network?"
        return f"{where} does not accept user {self.user} with this password: compare rpcauth in its bitcoin.conf"
