"""What may be configured: the daemon's own keys, and a block for each room, channel, rule and source of a site."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from lnwatch import notify, rules, sources
from lnwatch.config.kpi_settings import KpiSettings
from lnwatch.config.lines import KeyPath
from lnwatch.config.rule_settings import RuleKind, rule_kind
from lnwatch.config.site_settings import OrdersSettings
from lnwatch.discover import discover
from lnwatch.executor.settings import BLOCK as EXECUTOR
from lnwatch.fields import FilePath, Settings
from lnwatch.log import LogSettings
from lnwatch.model.rule import Rule
from lnwatch.net import NetSettings
from lnwatch.notify import NotifierKind
from lnwatch.notify._deadman import DeadManSettings
from lnwatch.notify._routing import OWN_SITE, RoutingSettings
from lnwatch.redaction import secret_name
from lnwatch.sources import SourceKind
from lnwatch.store.settings import LedgerSettings
from lnwatch.web.settings import WebSettings

SITE = "site"
NOTIFY = "notify"
RULES = "rules"  # at the top for all sites, and beside the kinds of source for one
RESERVED = OWN_SITE  # the site of the daemon's own series
ROOMS: Mapping[str, type[Settings]] = {
    "ledger": LedgerSettings,
    "web": WebSettings,
    "log": LogSettings,
    "net": NetSettings,
    "routing": RoutingSettings,
    "dead_man": DeadManSettings,
    "executor": EXECUTOR,
}
SITE_ROOMS: Mapping[str, type[Settings]] = {
    "orders": OrdersSettings,
    "kpis": KpiSettings,
}  # beside the kinds of source of a site


class DaemonSettings(Settings):
    """The keys at the top of the file."""

    data_dir: FilePath = Path("/var/lib/lnwatch")


@dataclass(frozen=True, slots=True)
class Schema:
    """Settings by room, kinds of source and of channel by name, rules by id."""

    rooms: Mapping[str, type[Settings]]
    kinds: Mapping[str, SourceKind[Any]]
    channels: Mapping[str, NotifierKind[Any]]
    rules: Mapping[str, RuleKind]

    @property
    def top(self) -> tuple[str, ...]:
        """Everything that may stand at the top of the file."""
        return (*DaemonSettings.model_fields, *self.rooms, NOTIFY, RULES, SITE)

    def settings_at(self, path: KeyPath) -> tuple[type[Settings], KeyPath] | None:
        """The settings that own the key at `path`, and the rest of the path inside them."""
        kind: RuleKind | SourceKind[Any] | NotifierKind[Any] | None
        match path:
            case (key,) if key in DaemonSettings.model_fields:
                return DaemonSettings, path
            case (room, _, *_) if room in self.rooms:
                return self.rooms[room], path[1:]
            case ("notify", name, _, _, *_):
                kind, depth = self.channels.get(name), 3
            case ("rules", name, _, *_):
                kind, depth = self.rules.get(name), 2
            case ("site", _, "rules", name, _, *_):
                kind, depth = self.rules.get(name), 4
            case ("site", _, room, _, *_) if room in SITE_ROOMS:
                return SITE_ROOMS[room], path[3:]
            case ("site", _, name, _, _, *_):
                kind, depth = self.kinds.get(name), 4
            case _:
                return None
        return None if kind is None else (kind.settings, path[depth:])

    def field_at(self, path: KeyPath) -> FieldInfo | None:
        """The field of the key at `path`; for an entry of a table or list, that of the whole."""
        owned = self.settings_at(path)
        return None if owned is None else field_of(*owned)

    def secret(self, path: KeyPath) -> bool:
        """Whether what stands at `path` must not be shown: a secret, or nothing that we know."""
        field = self.field_at(path)
        return field is None or holds_secret(field)

    def secret_file(self, path: KeyPath) -> bool:
        """Whether a path to a secret stands there: what was written may be the secret itself, by mistake."""
        owned = self.settings_at(path)
        return owned is not None and owned[1] in [(key,) for key in credential_files(owned[0])]


def standard() -> Schema:
    """What this lnwatch knows, with every source, notifier and rule that is found in its room."""
    kinds = {kind.kind: kind for kind in discover(sources, "SOURCE", SourceKind).values()}
    channels = {kind.kind: kind for kind in discover(notify, "NOTIFIER", NotifierKind).values()}
    return Schema(
        ROOMS, kinds, channels, {name: rule_kind(rule) for name, rule in discover(rules, "RULE", Rule).items()}
    )


def field_of(settings: type[Settings], path: KeyPath) -> FieldInfo | None:
    """The innermost field that `path` leads to inside `settings`; None where it leaves what is known."""
    field = settings.model_fields.get(path[0]) if path else None
    if field is None:
        return None
    many = is_table(field.annotation) or is_list(field.annotation)
    rest = path[2:] if many else path[1:]  # after a free key or an index
    if not rest:
        return field
    inner = inner_settings(field.annotation)
    return field_of(inner, rest) if inner is not None else None


def secret_files(settings: type[Settings]) -> Iterator[tuple[str, str]]:
    """Pairs of a secret's key and the key of the file that may hold it instead."""
    for name, field in settings.model_fields.items():
        if holds_secret(field) and f"{name}_file" in settings.model_fields:
            yield name, f"{name}_file"


def credential_files(settings: type[Settings]) -> tuple[str, ...]:
    """Keys of files that hold a credential, those included that can't stand in the configuration (a cookie)."""
    paired = {file_key for _, file_key in secret_files(settings)}
    named = (key for key in settings.model_fields if key.endswith("_file"))
    return tuple(key for key in named if key in paired or secret_name(key.removesuffix("_file")))


def holds_secret(field: FieldInfo) -> bool:
    """Whether the field is a secret, or something with one inside."""
    inner = inner_settings(field.annotation)
    if inner is not None and any(holds_secret(each) for each in inner.model_fields.values()):
        return True
    return any(kind in (SecretStr, SecretBytes) for kind in _types(field.annotation))


def inner_settings(annotation: Any) -> type[Settings] | None:  # noqa: ANN401 - an annotation is anything
    """The Settings inside an annotation such as `X`, `X | None`, `tuple[X, ...]` or `Mapping[str, X]`."""
    return next((kind for kind in _types(annotation) if isinstance(kind, type) and issubclass(kind, Settings)), None)


def is_table(annotation: Any) -> bool:  # noqa: ANN401 - an annotation is anything
    """Whether it is a mapping, whose keys are free."""
    return _is(annotation, Mapping)


def is_list(annotation: Any) -> bool:  # noqa: ANN401 - an annotation is anything
    """Whether it is a sequence of values."""
    return _is(annotation, Collection) and not _is(annotation, Mapping)


def _is(annotation: Any, shape: type[Any]) -> bool:  # noqa: ANN401 - an annotation is anything
    kinds = (get_origin(annotation), *(get_origin(kind) for kind in get_args(annotation)))
    return any(isinstance(kind, type) and issubclass(kind, shape) for kind in kinds)


def _types(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 - an annotation is anything
    yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)
