"""Where the ledger is kept, and for how long what it holds."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from lnwatch.fields import Duration, FilePath, Settings

FILE_NAME = "ledger.sqlite3"


class Retention(Settings):
    """How long rows are kept, by table. Hour buckets, hour roll-ups, counters and births are never removed."""

    five_minute_buckets: Duration = Field("8d", validate_default=True)
    channel_hours: Duration = Field("90d", validate_default=True)
    lightning_invoices: Duration = Field("400d", validate_default=True)
    lightning_payments: Duration = Field("400d", validate_default=True)
    forwards: Duration = Field("400d", validate_default=True)
    htlc_events: Duration = Field("400d", validate_default=True)
    channel_events: Duration = Field("400d", validate_default=True)
    states: Duration = Field("400d", validate_default=True)  # of targets and channels, liquidity and balances
    stream_gaps: Duration = Field("400d", validate_default=True)
    reorganisations: Duration = Field("400d", validate_default=True)
    watched_transactions: Duration = Field("400d", validate_default=True)
    unconfirmed_transactions: Duration = Field("90d", validate_default=True)  # then nobody waits for them any more
    orders: Duration = Field("1100d", validate_default=True)  # with their invoices, payments, payouts and receipts
    webhooks: Duration = Field("400d", validate_default=True)  # what they said, and the tries to deliver it
    webhooks_received: Duration = Field("7d", validate_default=True)  # that one came, so that it is known again
    inbox: Duration = Field("400d", validate_default=True)
    cases: Duration = Field("400d", validate_default=True)  # since they ended, with their history
    messages: Duration = Field("90d", validate_default=True)  # delivery has long given them up by then
    silences: Duration = Field("400d", validate_default=True)
    episodes: Duration = Field("400d", validate_default=True)  # of lnwatch's own trouble


class LedgerSettings(Settings):
    """The block `[ledger]`. Without `url` the ledger is the SQLite file `path`, by default in `data_dir`."""

    url: SecretStr | None = None  # postgresql://USER:PASSWORD@HOST/DATABASE
    url_file: FilePath | None = None
    path: FilePath | None = None
    lock_timeout: Duration = Field("5s", validate_default=True)  # how long to wait while another program has it locked
    answer_timeout: Duration = Field("30s", validate_default=True)  # after which a silent server counts as gone
    migrate_without_copy: bool = False
    retention: Retention = Field(default_factory=Retention)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [name for name in ("url", "url_file", "path") if getattr(self, name) is not None]
        if len(given) > 1:
            message = f"give one of url, url_file and path, not {' and '.join(given)}"
            raise ValueError(message)
        return self

    def file(self, data_dir: Path) -> Path:
        """The SQLite file, where no URL says otherwise."""
        return self.path or data_dir / FILE_NAME
