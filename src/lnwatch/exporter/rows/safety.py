"""What keeps a Lightning node's money safe: wallet and anchor reserve, watchtower, channel backup."""

from lnwatch.exporter.metric import Kind, satoshis
from lnwatch.exporter.shapes import NODE, FactRows
from lnwatch.model.lightning import BackupFile, Wallet, Watchtower

_WALLET = FactRows(Wallet, NODE)
_TOWER = FactRows(Watchtower, NODE)
_BACKUP = FactRows(BackupFile, NODE)

METRICS = (
    _WALLET.each(
        "lnwatch_wallet_balance_satoshis",
        "The node's own wallet on the chain.",
        ("state",),
        lambda wallet: [
            (("confirmed",), satoshis(wallet.confirmed_msat)),
            (("unconfirmed",), satoshis(wallet.unconfirmed_msat)),
            (("locked",), satoshis(wallet.locked_msat)),
        ],
    ),
    _WALLET.one(
        "lnwatch_wallet_anchor_reserve_satoshis",
        "What has to stay in the wallet to close channels with anchor outputs.",
        lambda wallet: satoshis(wallet.anchor_reserve_msat),
    ),
    _TOWER.one(
        "lnwatch_watchtower_enabled",
        "1 while the node's watchtower client is on.",
        lambda tower: int(tower.enabled),
    ),
    _TOWER.one(
        "lnwatch_watchtower_backups_total",
        "States handed to towers since the node started.",
        lambda tower: tower.backups if tower.enabled else None,
        kind=Kind.COUNTER,
    ),
    _TOWER.one(
        "lnwatch_watchtower_failed_backups_total",
        "States that could not be handed to a tower since the node started.",
        lambda tower: tower.failed_backups if tower.enabled else None,
        kind=Kind.COUNTER,
    ),
    _TOWER.one(
        "lnwatch_watchtower_pending_backups",
        "States that wait for a tower.",
        lambda tower: tower.pending_backups if tower.enabled else None,
    ),
    _TOWER.each(
        "lnwatch_watchtower_sessions_total",
        "Sessions with towers that were acquired and used up since the node started.",
        ("outcome",),
        lambda tower: [
            (("acquired",), tower.sessions_acquired if tower.enabled else None),
            (("exhausted",), tower.sessions_exhausted if tower.enabled else None),
        ],
        kind=Kind.COUNTER,
    ),
    _BACKUP.one(
        "lnwatch_backup_file_timestamp_seconds",
        "When the channel-backup file was last written.",
        lambda backup: backup.modified_at,
    ),
    _BACKUP.one(
        "lnwatch_backup_file_bytes",
        "Size of the channel-backup file.",
        lambda backup: backup.size,
    ),
    _BACKUP.one(
        "lnwatch_backup_channels",
        "Channels in the channel-backup file, as the node verified it.",
        lambda backup: backup.channels,
    ),
    _BACKUP.one(
        "lnwatch_backup_missing_channels",
        "Open channels that the channel-backup file does not cover; absent while the node can't verify it.",
        lambda backup: None if backup.missing is None else len(backup.missing),
    ),
)
