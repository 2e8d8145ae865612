"""Makes of panels, rows and boards what Grafana reads, with the types of its own SDK."""

# ruff: noqa: FBT003 - the SDK takes flags by their place

import json
import zlib
from collections.abc import Callable, Iterator, Sequence

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.panel import BAD, NEUTRAL, WELL, Board, Choice, Column, Look, Panel, Query

SCHEMA_VERSION = 41  # read by Grafana 11, 12 and 13 alike
DESK = "lnwatch"  # the variable that holds the address of lnwatch's own pages
DESK_ADDRESS = "http://127.0.0.1:8735"
EVERYTHING = ".*"
SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

PanelBuilder = timeseries.Panel | stat.Panel | statetimeline.Panel | table.Panel
_FACTOR = 1_000_000


def document(board: Board) -> str:
    """The board as the JSON that Grafana provisions; the same text each time."""
    drawn = _board(board).build()
    plain = json.loads(json.dumps(drawn, cls=JSONEncoder))
    plain["schemaVersion"] = SCHEMA_VERSION
    for link in plain["links"]:
        del link["placement"]  # the SDK knows only the one that hides links in a menu
    for number, panel in enumerate(plain["panels"]):
        # The SDK numbers nothing, and a panel's number is part of its address: it follows from the title alone.
        panel["id"] = (
            zlib.crc32(panel["title"].encode()) % _FACTOR + 1 if panel["type"] != "row" else number + 2_000_000
        )
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _board(board: Board) -> build.Dashboard:
    drawn = (
        build.Dashboard(board.title)
        .uid(board.uid)
        .description(board.text)
        .tags(["lnwatch"])
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time("now-24h", "now")
        .refresh("1m")
        .timezone("browser")
        .link(_boards())
        .link(
            build.DashboardLink("lnwatch")
            .type(dashboard.DashboardLinkType.LINK)
            .url(f"${{{DESK}:raw}}")
            .icon("external link")
        )
        .annotation(_cases())
        .with_variable(build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for choice in board.choices:
        drawn.with_variable(_choice(choice))
    drawn.with_variable(_desk())
    for row in board.rows:
        drawn.with_row(build.Row(row.title))
        for panel in row.panels:
            drawn.with_panel(_LOOKS[panel.look](panel))
    return drawn


def _boards() -> build.DashboardLink:
    link = build.DashboardLink("Boards").type(dashboard.DashboardLinkType.DASHBOARDS).tags(["lnwatch"])
    return link.keep_time(True).include_vars(True).icon("external link").tooltip("")


def _cases() -> build.AnnotationQuery:
    """Open cases as spans over every panel."""
    return (
        build.AnnotationQuery()
        .name("Open cases")
        .datasource(SOURCE)
        .enable(True)
        .icon_color(BAD)
        .expr('max by (site, rule, subject, severity) (lnwatch_case_open{site=~"$site"})')
        .title_format("{{rule}}")
        .text_format("{{subject}}")
        .tag_keys("site,severity")
        .step("60s")
    )


def _choice(choice: Choice) -> build.QueryVariable:
    return (
        build.QueryVariable(choice.name)
        .label(choice.label)
        .datasource(SOURCE)
        .query({"query": choice.query, "refId": choice.name})
        .definition(choice.query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(EVERYTHING)
        .current(dashboard.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _desk() -> build.TextBoxVariable:
    return (
        build.TextBoxVariable(DESK)
        .label("lnwatch at")
        .description("Where your browser reaches lnwatch: public_url of [web], without a slash at the end.")
        .default_value(DESK_ADDRESS)
        .current(dashboard.VariableOption(text=DESK_ADDRESS, value=DESK_ADDRESS))
    )


def _lines(panel: Panel) -> PanelBuilder:
    drawn = (
        timeseries.Panel().legend(_legend()).tooltip(_tooltip()).line_width(1).show_points(common.VisibilityMode.NEVER)
    )
    drawn.fill_opacity(0).draw_style(common.GraphDrawStyle.LINE).axis_soft_min(0)
    drawn.color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
    return _common(drawn, panel, _dashed)


def _bars(panel: Panel) -> PanelBuilder:
    stacked = common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
    drawn = (
        timeseries.Panel().legend(_legend()).tooltip(_tooltip()).line_width(1).show_points(common.VisibilityMode.NEVER)
    )
    drawn.fill_opacity(60).draw_style(common.GraphDrawStyle.LINE).axis_soft_min(0).stacking(stacked)
    drawn.line_interpolation(common.LineInterpolation.STEP_AFTER)
    drawn.color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
    return _common(drawn, panel, _dashed)


def _numbers(panel: Panel) -> PanelBuilder:
    drawn = stat.Panel().graph_mode(common.BigValueGraphMode.NONE).wide_layout(True)
    drawn.color_mode(common.BigValueColorMode.VALUE).text_mode(common.BigValueTextMode.VALUE_AND_NAME)
    drawn.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    drawn.color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
    steps = [(None, WELL), (1.0, BAD)] if panel.zero_is_well else [(None, NEUTRAL)]
    drawn.thresholds(_thresholds(steps))
    return _common(
        drawn, panel, lambda panel: [_value("thresholds", _thresholds([(None, BAD), (panel.spare, WELL)]).build())]
    )


def _states(panel: Panel) -> PanelBuilder:
    drawn = statetimeline.Panel().legend(_legend()).tooltip(_tooltip()).merge_values(True)
    drawn.show_value(common.VisibilityMode.AUTO).row_height(0.85).fill_opacity(80).line_width(0)
    drawn.color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
    drawn.thresholds(_thresholds([(None, NEUTRAL)]))
    return _common(drawn, panel, _dashed)


def _table(panel: Panel) -> PanelBuilder:
    drawn = table.Panel().cell_height(common.TableCellHeight.SM).show_header(True)
    order = [column.label for column in panel.columns]
    hidden = {"Time": True} | ({} if panel.words else {"Value": True})
    shape = {"excludeByName": hidden, "indexByName": {name: place for place, name in enumerate([*order, "Value"])}}
    drawn.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options={**shape, "renameByName": {}}))
    for column in panel.columns:
        if properties := _column(panel, column):
            drawn.override_by_name(column.label, properties)
    return _common(drawn, panel, _dashed)


_LOOKS: dict[Look, Callable[[Panel], PanelBuilder]] = {
    Look.LINES: _lines,
    Look.BARS: _bars,
    Look.NUMBERS: _numbers,
    Look.STATES: _states,
    Look.TABLE: _table,
}


def _column(panel: Panel, column: Column) -> list[dashboard.DynamicConfigValue]:
    properties = []
    if column.link:
        link = {"title": f"The {column.label}'s page", "url": column.link, "targetBlank": True}
        properties.append(_value("links", [link]))
    if column.width:
        properties.append(_value("custom.width", column.width))
    if column.label == "severity" and panel.colours:
        mapped = [
            {"type": "value", "options": {word: {"text": word, "color": it} for word, it in panel.colours.items()}}
        ]
        properties += [_value("mappings", mapped), _value("custom.cellOptions", {"type": "color-text"})]
    return properties


def _common(
    drawn: PanelBuilder, panel: Panel, limit: Callable[[Panel], list[dashboard.DynamicConfigValue]]
) -> PanelBuilder:
    drawn.title(panel.title).description(f"{panel.shows}\n\n**When it looks wrong:** {panel.act}")
    drawn.datasource(SOURCE).unit(panel.unit).span(panel.span).height(panel.height)
    if panel.empty:
        drawn.no_value(panel.empty)
    if panel.words:
        drawn.mappings([_mapping(panel)])
    for name, query, is_limit in _targets(panel):
        drawn.with_target(_target(panel, name, query))
        if is_limit:
            drawn.override_by_query(name, limit(panel))
    if panel.look is not Look.TABLE:
        for legend, colour in panel.colours.items():
            drawn.override_by_regexp(f"/\\b{legend}\\b/", [_value("color", {"mode": "fixed", "fixedColor": colour})])
    links: list[Builder[dashboard.DashboardLink]] = [
        build.DashboardLink(f"Runbook: {rule}").url(f"${{{DESK}:raw}}/runbooks/{rule}").target_blank(True)
        for rule in panel.rules
    ]
    drawn.links(links)
    return drawn


def _targets(panel: Panel) -> Iterator[tuple[str, Query, bool]]:
    for number, query in enumerate(panel.queries):
        yield chr(ord("A") + number), query, False
    for number, query in enumerate(panel.limits, start=1):
        yield f"L{number}", query, True


def _target(panel: Panel, name: str, query: Query) -> prometheus.Dataquery:
    target = prometheus.Dataquery().datasource(SOURCE).ref_id(name).expr(query.expr).legend_format(query.legend)
    if panel.look is Look.TABLE:
        return target.instant().format(PromQueryFormat.TABLE)
    return target.instant() if panel.look is Look.NUMBERS else target.range()


def _mapping(panel: Panel) -> dashboard.ValueMap:
    words = enumerate(panel.words.items())
    return dashboard.ValueMap(
        {
            str(value): dashboard.ValueMappingResult(text, colour, index=place)
            for place, (value, (text, colour)) in words
        }
    )


def _dashed(_panel: Panel) -> list[dashboard.DynamicConfigValue]:
    return [
        _value("color", {"mode": "fixed", "fixedColor": BAD}),
        _value("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}),
        _value("custom.fillOpacity", 0),
        _value("custom.stacking", {"mode": "none", "group": "limits"}),
    ]


def _value(name: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(id_val=name, value=value)


def _thresholds(steps: Sequence[tuple[float | None, str]]) -> build.ThresholdsConfig:
    return (
        build.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=colour) for value, colour in steps])
    )


def _legend() -> common_builders.VizLegendOptions:
    shown = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    return shown.placement(common.LegendPlacement.BOTTOM).show_legend(True)


def _tooltip() -> common_builders.VizTooltipOptions:
    return common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
