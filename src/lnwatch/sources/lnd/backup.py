"""The channel-backup file on disk, proved by the node against its open channels.

Only the file's own bytes prove anything: ExportAllChannelBackups is made fresh at each call.
"""

import asyncio
import hashlib
from pathlib import Path

from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import BackupFile
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.client import MAX_ANSWER
from lnwatch.sources.lnd.collector import Node, Pace, Polled, Turn
from lnwatch.sources.lnd.errors import BackupRejectedError
from lnwatch.sources.lnd.methods import VERIFY_CHAN_BACKUP


class BackupCollector(Polled):
    """VerifyChanBackup over the file's bytes."""

    def __init__(self, name: str, node: Node, pace: Pace, path: Path) -> None:
        """Look at `path`."""
        super().__init__(name, node, pace)
        self._path = path

    async def read(self, memory: Memory, turn: Turn) -> Reading:  # noqa: ARG002 - the contract's
        """The file's age and hash, and which open channels it lacks; one that is gone covers nothing."""
        self.node.known.held_against = self.node.known.open_points or frozenset()
        modified_at, content = await asyncio.to_thread(_look, self._path)
        covered = await self._covered(turn, content)
        open_points = self.node.known.open_points
        missing = tuple(sorted(open_points - covered)) if open_points is not None else None
        facts = BackupFile(
            path=str(self._path),
            modified_at=modified_at,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest() if content else "",
            channels=len(covered),
            missing=missing,
        )
        return Reading(facts=facts)

    async def _covered(self, turn: Turn, content: bytes) -> frozenset[str]:
        """Funding outpoints in the backup; none where LND can't open it."""
        if not content:
            return frozenset()
        request = ln.ChanBackupSnapshot(multi_chan_backup=ln.MultiChanBackup(multi_chan_backup=content))
        try:
            return frozenset((await turn.call(VERIFY_CHAN_BACKUP, request)).chan_points)
        except BackupRejectedError:
            return frozenset()


def _look(path: Path) -> tuple[float, bytes]:
    """Time of the last change and content; zero and nothing where there is no file. Raises SourceError."""
    try:
        status = path.stat()
        if status.st_size > MAX_ANSWER:
            raise SourceError(FailureReason.MALFORMED, f"{path} is too large for a channel backup")
        return status.st_mtime, path.read_bytes()
    except FileNotFoundError:
        return 0.0, b""
    except OSError as error:
        message = f"can't read {path}: {error.strerror}"
        raise SourceError(FailureReason.CREDENTIAL_UNREADABLE, message) from error
