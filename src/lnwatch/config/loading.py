"""Reads everything, validates everything, and tells of everything that is wrong at once."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TypeVar

from lnwatch.config import secret_files
from lnwatch.config.blocks import Block, divide
from lnwatch.config.document import SEARCHED, find, read
from lnwatch.config.draft import Draft
from lnwatch.config.effective import leaves
from lnwatch.config.environment import overlay
from lnwatch.config.in_force import InForce, combine
from lnwatch.config.kpi_settings import KpiSettings
from lnwatch.config.lines import KeyPath
from lnwatch.config.nearest import instead
from lnwatch.config.redaction import dotted, shown
from lnwatch.config.rule_settings import RuleSettings
from lnwatch.config.schema import NOTIFY, RULES, SITE, DaemonSettings, Schema, standard
from lnwatch.config.site_settings import OrdersSettings
from lnwatch.config.validation import validate
from lnwatch.config.values import ChannelConfig, Config, Origin, SiteConfig, SourceConfig
from lnwatch.errors import ConfigError, ConfigProblem
from lnwatch.executor.settings import ExecutorSettings
from lnwatch.fields import Settings
from lnwatch.log import LogSettings
from lnwatch.net import NetSettings
from lnwatch.notify._deadman import DeadManSettings
from lnwatch.notify._routing import Routing, RoutingSettings
from lnwatch.sources.btcpay.settings import BtcpaySettings
from lnwatch.store.settings import LedgerSettings
from lnwatch.web.settings import WebSettings

S = TypeVar("S", bound=Settings)
Validated = list[tuple[Block, Settings]]


def load(path: Path | None, environ: Mapping[str, str], schema: Schema | None = None) -> Config:
    """The configuration of the file at `path`, or of the first one found, under that of `environ`.

    `schema` is what may be configured, by default all that this lnwatch knows. Raises ConfigError with
    every problem, in the order of the file.
    """
    schema = schema if schema is not None else standard()
    draft = read(find(path, environ))
    problems = overlay(draft, schema, environ)
    if draft.path is None and not draft.tree and not problems:
        looked = " nor ".join(str(place) for place in SEARCHED)
        raise ConfigError(ConfigProblem("configuration", f"neither {looked}", "run `lnwatch init` to write one"))
    blocks, misplaced = divide(draft, schema)
    problems += misplaced
    problems += chain.from_iterable(secret_files.check(block, draft) for block in blocks)
    validated: Validated = []
    for block in blocks:
        settings, wrong = validate(block, draft, schema)
        problems += wrong
        if settings is not None:
            validated.append((block, settings))
    rules, senseless = combine(schema.rules, _of_rules(validated), _slugs(blocks, SITE), draft)
    problems += [*senseless, *_astray(blocks, validated, draft), *_unjoinable(blocks, validated, schema, draft)]
    problems += [*_doubled(validated, draft), *_aimless(validated, draft)]
    if problems:
        raise ConfigError(*problems)
    return _config(draft, schema, validated, rules)


def _config(draft: Draft, schema: Schema, validated: Validated, rules: InForce) -> Config:
    blocks = [block for block, _ in validated]
    daemon = _only(DaemonSettings, validated)
    return Config(
        path=draft.path,
        data_dir=daemon.data_dir,
        ledger=_only(LedgerSettings, validated),
        web=_only(WebSettings, validated),
        log=_only(LogSettings, validated),
        net=_only(NetSettings, validated),
        notify=_channels(schema, validated),
        routing=_only(RoutingSettings, validated),
        dead_man=_only(DeadManSettings, validated),
        executor=_only(ExecutorSettings, validated),
        rules=rules,
        sites=_sites(schema, validated),
        origins=dict(_origins(draft, validated)),
        warnings=tuple(secret_files.warnings(blocks, draft)),
    )


def _astray(blocks: list[Block], validated: Validated, draft: Draft) -> Iterator[ConfigProblem]:
    """What is wrong with each route: a channel or a site that is not configured."""
    channels = {block.path[2]: block.path[1] for block in blocks if block.path[:1] == (NOTIFY,)}
    for settings in (each for _, each in validated if isinstance(each, RoutingSettings)):
        for number, route in enumerate(settings.routes):
            try:
                Routing(RoutingSettings(routes=(route,)), channels, _slugs(blocks, SITE))
            except ValueError as error:
                sentence = str(error).removeprefix("route 1 ")
                yield draft.problem(("routing", "routes", str(number)), "a route", f"it {sentence}")


def _slugs(blocks: list[Block], table: str) -> list[str]:
    return list(dict.fromkeys(block.path[1] for block in blocks if block.path[:1] == (table,)))


def _of_rules(validated: Validated) -> dict[KeyPath, RuleSettings]:
    return {block.path: settings for block, settings in validated if isinstance(settings, RuleSettings)}


def _only(kind: type[S], validated: Validated) -> S:
    return next(settings for _, settings in validated if isinstance(settings, kind))


def _channels(schema: Schema, validated: Validated) -> dict[str, ChannelConfig]:
    channels: dict[str, ChannelConfig] = {}
    for block, settings in validated:
        match block.path:
            case ("notify", kind, slug):
                channels[slug] = ChannelConfig(slug, schema.channels[kind], settings)
    return channels


def _sites(schema: Schema, validated: Validated) -> dict[str, SiteConfig]:
    sources: dict[str, list[SourceConfig]] = {}
    for block, settings in validated:
        match block.path:
            case ("site", site, kind, slug) if kind in schema.kinds:
                sources.setdefault(site, []).append(SourceConfig(site, slug, schema.kinds[kind], settings))
    return {
        site: SiteConfig(
            site,
            tuple(of_site),
            orders=_of_site(OrdersSettings, site, validated),
            kpis=_of_site(KpiSettings, site, validated),
        )
        for site, of_site in sources.items()
    }


def _of_site(kind: type[S], site: str, validated: Validated) -> S:
    return _only(kind, [(block, settings) for block, settings in validated if block.path[:2] == (SITE, site)])


def _unjoinable(blocks: list[Block], validated: Validated, schema: Schema, draft: Draft) -> Iterator[ConfigProblem]:
    """What is wrong with each node that is named for a store: neither may be a stranger to the site."""
    kinds = {kind.settings: kind for kind in schema.kinds.values()}
    for place, settings in ((block.path, each) for block, each in validated if isinstance(each, OrdersSettings)):
        sources = [block for block in blocks if block.path[:2] == place[:2] and block.settings in kinds]
        nodes = [block.path[-1] for block in sources if kinds[block.settings].lightning]
        stores = [store for block, each in validated if block in sources for store in _stores(each)]
        for store, node in settings.nodes.items():
            if store not in stores:
                yield draft.problem((*place, "nodes", store), "a store that is not known", instead(store, stores))
            elif node not in nodes:
                yield draft.problem((*place, "nodes", store), shown(node), instead(node, nodes))


def _doubled(validated: Validated, draft: Draft) -> Iterator[ConfigProblem]:
    """What is wrong with a store that bears the name of another server's in the site: metrics name it alone."""
    taken: dict[tuple[str, str], KeyPath] = {}
    for block, settings in validated:
        for store in _stores(settings):
            first = taken.setdefault((block.path[1], store), block.path)
            if first != block.path:
                remedy = f"{dotted(first)} has one of that name already; give one of them another"
                yield draft.problem((*block.path, "stores", store), "a second store of one name", remedy)


def _aimless(validated: Validated, draft: Draft) -> Iterator[ConfigProblem]:
    """What is wrong with each target of a store: the site must have it."""
    for place, settings in ((block.path, each) for block, each in validated if isinstance(each, KpiSettings)):
        stores = [store for block, each in validated if block.path[:2] == place[:2] for store in _stores(each)]
        for store in settings.stores:
            if store not in stores:
                yield draft.problem((*place, "stores", store), "a store that is not known", instead(store, stores))


def _stores(settings: Settings) -> Iterable[str]:
    return settings.stores if isinstance(settings, BtcpaySettings) else ()


def _origins(draft: Draft, validated: Validated) -> Iterator[tuple[str, Origin]]:
    for block, settings in validated:
        partly = block.path[:1] == (SITE,) and block.path[2:3] == (RULES,)  # what is not set there is set elsewhere
        for path, _ in leaves(settings, only_set=partly):
            yield dotted((*block.path, *path)), draft.origin((*block.path, *path))
