"""Chooses format and coding of an answer from what the reader accepts (RFC 9110, 12.4 and 12.5)."""

from collections.abc import Iterator

from starlette.datastructures import Headers

_OPENMETRICS = "application/openmetrics-text"
_TEXT = ("text/plain", "text/*", "*/*")
_HTML = ("text/html", "text/*", "*/*")


def wants_openmetrics(headers: Headers) -> bool:
    """Whether OpenMetrics 1.0 is accepted, and liked no less than the older text."""
    openmetrics, text = 0.0, 0.0
    for name, parameters, quality in _choices(headers, "accept"):
        if name == _OPENMETRICS and parameters.get("version", "1.0.0") == "1.0.0":
            openmetrics = max(openmetrics, quality)
        elif name in _TEXT:
            text = max(text, quality)
    return 0 < openmetrics >= text


def wants_json(headers: Headers) -> bool:
    """Whether JSON is asked for by its name, and liked no less than a page."""
    json, html = 0.0, 0.0
    for name, _, quality in _choices(headers, "accept"):
        if name == "application/json":
            json = max(json, quality)
        elif name in _HTML:
            html = max(html, quality)
    return 0 < json >= html


def wants_gzip(headers: Headers) -> bool:
    """Whether the body may be compressed."""
    qualities = {name: quality for name, _, quality in _choices(headers, "accept-encoding")}
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def _choices(headers: Headers, name: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Each choice of a header with its parameters and its quality, 0 where that can't be read."""
    for part in ",".join(headers.getlist(name)).split(","):
        choice, *rest = [piece.strip() for piece in part.split(";")]
        parameters = {key.strip().lower(): value.strip(' "') for key, _, value in (one.partition("=") for one in rest)}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        yield choice.lower(), parameters, quality
