"""One look at everything, for `lnwatch check`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from lnwatch.clock import Clock
from lnwatch.credentials import world_readable
from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.snapshot import TargetState
from lnwatch.net import TlsPeek
from lnwatch.sources import Checkup, Scope, state_after
from lnwatch.sources.lnd.client import LndClient
from lnwatch.sources.lnd.macaroon import Grant, read_grant
from lnwatch.sources.lnd.methods import GET_INFO, NEEDED, VERIFY_CHAN_BACKUP, Method
from lnwatch.sources.lnd.node import explained, read_status, report_on
from lnwatch.sources.lnd.settings import LndSettings
from lnwatch.sources.lnd.version import TAPROOT_BY_FLAG, UNKNOWN, parse_version, remark

SOON = 7 * 86_400.0  # seconds: an end that is nearer is worth a sentence

_UNREACHED = frozenset(
    {FailureReason.REFUSED, FailureReason.TIMEOUT, FailureReason.TLS, FailureReason.CREDENTIAL_UNREADABLE}
)
_ABOUT_MACAROON = frozenset({FailureReason.REJECTED, FailureReason.CREDENTIAL_UNREADABLE})


class Looked(NamedTuple):
    """What GetInfo came to: one of the two is there."""

    info: ln.GetInfoResponse | None = None
    error: SourceError | None = None


async def look(client: LndClient, settings: LndSettings, clock: Clock) -> Checkup:
    """Everything that one look tells. Raises nothing: what fails is in the answer, and no secret is."""
    problems: list[str] = []
    warnings: list[str] = []
    grant = _granted(client, problems)
    looked = await _ask(client, settings)
    peek = await _certificate(client)
    now = clock.now()
    if looked.error is not None and not (problems and looked.error.reason in _ABOUT_MACAROON):
        problems.append(looked.error.message)
    _judge_files(settings, grant, problems, warnings)
    _judge_ends(grant, peek, now, warnings)
    missing = _missing(grant, settings) if grant is not None else ()
    return replace(
        _told(looked, warnings),
        scope=_scope(grant, missing),
        missing=missing,
        excess=grant.beyond_reading if grant is not None else (),
        tls_expires_at=peek.not_after if peek is not None else None,
        tls_lifetime_left=peek.lifetime_left(now) if peek is not None else None,
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def _granted(client: LndClient, problems: list[str]) -> Grant | None:
    try:
        return read_grant(client.macaroon())
    except SourceError as error:
        problems.append(error.message)
        return None


async def _ask(client: LndClient, settings: LndSettings) -> Looked:
    try:
        return Looked(info=await client.call(GET_INFO, ln.GetInfoRequest(), seconds=settings.timeout))
    except SourceError as error:
        return Looked(error=await explained(client, error, seconds=settings.timeout / 2))


async def _certificate(client: LndClient) -> TlsPeek | None:
    if not client.encrypted:
        return None
    try:
        return await client.certificate(seconds=10.0)
    except SourceError:
        return None  # why nothing is there to see is told by GetInfo


def _told(looked: Looked, warnings: list[str]) -> Checkup:
    """What GetInfo says of the node, or how its failure looks from outside."""
    if looked.info is None:
        reason = looked.error.reason if looked.error is not None else FailureReason.FAILED
        return Checkup(reachable=reason not in _UNREACHED, state=state_after(reason))
    version = parse_version(looked.info.version)
    if words := remark(version):
        warnings.append(words)
    if UNKNOWN < version < TAPROOT_BY_FLAG:
        warnings.append(
            f'LND {version} does not start on Bitcoin Core 31 or later (it says "node backend does not support '
            'taproot"): upgrade LND to 0.21 before Bitcoin Core'
        )
    try:
        report = report_on(read_status(looked.info, 0.0))
    except SourceError as error:
        warnings.append(error.message)
        return Checkup(reachable=True, state=TargetState.UP, version=str(version))
    return Checkup(
        reachable=True,
        state=report.state,
        version=report.version,
        supported=report.supported,
        network=report.network,
        synced=looked.info.synced_to_chain,
    )


def _missing(grant: Grant, settings: LndSettings) -> tuple[tuple[str, str], ...]:
    """What the macaroon lacks, with what that costs: a whole permission, or single calls of one."""
    needed = [method for method in NEEDED if method is not VERIFY_CHAN_BACKUP or settings.backup_file is not None]
    lacking: dict[str, list[Method[Any, Any]]] = defaultdict(list)
    for method in needed:
        if not grant.allows(method.permission, method.path):
            lacking[method.permission].append(method)
    found: list[tuple[str, str]] = []
    for permission, methods in lacking.items():
        if len(methods) == sum(method.permission == permission for method in needed):
            found.append((permission, "; ".join(method.cost for method in methods)))
        else:
            found.extend((f"uri:{method.path}", method.cost) for method in methods)
    return tuple(found)


def _scope(grant: Grant | None, missing: Sequence[tuple[str, str]]) -> Scope:
    if grant is None:
        return Scope.UNKNOWN
    if missing:
        return Scope.TOO_LITTLE
    return Scope.TOO_MUCH if grant.beyond_reading else Scope.ENOUGH


def _judge_files(settings: LndSettings, grant: Grant | None, problems: list[str], warnings: list[str]) -> None:
    beyond = grant.beyond_reading if grant is not None else ()
    if beyond:
        names = ", ".join(beyond[:6]) + (", …" if len(beyond) > 6 else "")
        warnings.append(f"the macaroon can do more than read ({names}): give lnwatch LND's readonly.macaroon")
    file = settings.macaroon_file
    if file is not None and world_readable(file):
        if beyond:
            problems.append(
                f"everybody on this machine can read {file}, which can do more than read: `chmod 600 {file}`"
            )
        else:
            warnings.append(f"everybody on this machine can read {file}; `chmod 640 {file}` if that is not wanted")
    if settings.backup_file is not None and (words := _unreadable(settings.backup_file)):
        problems.append(words)


def _unreadable(path: Path) -> str:
    try:
        with path.open("rb"):
            return ""
    except OSError as error:
        return f"can't read the channel backup {path}: {error.strerror}"


def _judge_ends(grant: Grant | None, peek: TlsPeek | None, now: float, warnings: list[str]) -> None:
    """What stops to be valid soon; what already did fails the call, which says so."""
    if grant is not None and grant.expires_at is not None and now < grant.expires_at < now + SOON:
        warnings.append(f"the macaroon ends on {_date(grant.expires_at)}: bake a new one")
    if peek is not None and now < peek.not_after < now + SOON:
        warnings.append(
            f"LND's certificate ends on {_date(peek.not_after)}: delete tls.cert and tls.key and restart LND, or "
            "set `tlsautorefresh`"
        )


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
