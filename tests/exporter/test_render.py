"""Names, labels and figures survive both formats."""

import gzip
import math
from collections.abc import Callable, Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric as Parsed
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from lnwatch.exporter.deflate import Piece, gzipped, joined
from lnwatch.exporter.metric import satoshis
from lnwatch.exporter.render import head, labels_text, number

parse_openmetrics: Callable[[str], Iterable[Parsed]] = openmetrics_parser.text_string_to_metric_families

CONTROL = {*range(10), *range(11, 32), 127}


def told(text: str) -> str:
    """What a reader should get: NUL and the like, and halves of characters, can't be told."""
    replaced = "".join("\ufffd" if ord(character) in CONTROL else character for character in text)
    return replaced.encode("utf-8", "replace").decode()


@given(st.text(), st.text())
def test_any_label_survives_both_formats(first: str, second: str) -> None:
    """Whatever a peer calls itself, a parser reads back exactly that, and nothing else."""
    line = f"lnwatch_x_info{labels_text(('first', 'second'), (first, second))} 1\n"
    for families in (
        parse_text(head("lnwatch_x_info", "X.", "info", openmetrics=False) + line),
        parse_openmetrics(head("lnwatch_x_info", "X.", "info", openmetrics=True) + line + "# EOF\n"),
    ):
        (family,) = families
        assert [sample.labels for sample in family.samples] == [{"first": told(first), "second": told(second)}]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_help_survives(text: str) -> None:
    """Quotes, backslashes and line ends in a help text do no harm."""
    text = f'a{text}\\"\nb'
    for openmetrics, parse in ((False, parse_text), (True, parse_openmetrics)):
        body = head("lnwatch_x", text, "gauge", openmetrics=openmetrics) + "lnwatch_x 1\n"
        (family,) = parse(body + ("# EOF\n" if openmetrics else ""))
        assert family.documentation == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (True, "1"),
        (-5, "-5"),
        (2_100_000_000_000_000, "2100000000000000"),
        (1.0, "1"),
        (1_800_000_000.25, "1800000000.25"),
        (0.0001, "0.0001"),
        (1e300, "1e+300"),
        (2.0**60, "1.152921504606847e+18"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (Decimal("0.1"), "0.1"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1E+3"), "1000"),
        (satoshis(1_000), "1"),
        (satoshis(1_001), "1.001"),
        (satoshis(-1), "-0.001"),
        (satoshis(2_100_000_000_000_000_001), "2100000000000000.001"),
    ],
)
def test_figures(value: float | Decimal, text: str) -> None:
    """Whole numbers are whole, decimals keep their digits, infinities are spelled as both formats spell them."""
    assert number(value) == text


@given(st.one_of(st.integers(), st.floats(), st.decimals(allow_nan=False, allow_infinity=False)))
def test_any_figure_is_read_back(value: float | Decimal) -> None:
    """No figure changes on its way through the text."""
    (family,) = parse_text(f"# TYPE lnwatch_x gauge\nlnwatch_x {number(value)}\n")
    (sample,) = family.samples
    if value != value:  # noqa: PLR0124 - only NaN differs from itself
        assert math.isnan(sample.value)
        return
    assert float(sample.value) == float(value)  # the parser keeps whole figures as int, of any size


@given(st.lists(st.text(max_size=200), max_size=6))
def test_pieces_make_one_whole(texts: list[str]) -> None:
    """Pieces that were compressed apart are one valid gzip member together, in any order and number."""
    pieces = [Piece.of(text.encode("utf-8", "replace").decode()) for text in texts]
    assert gzip.decompress(gzipped(pieces)) == joined(pieces)
    assert gzip.decompress(gzipped(pieces[::-1])) == joined(pieces[::-1])
