"""What a threshold may be."""

import pytest

from lnwatch.domain.limits import require_order, require_positive, require_share


@pytest.mark.parametrize("figure", [0, -1, float("nan"), float("inf")])
def test_a_figure_is_above_nothing_and_finite(figure: float) -> None:
    """The message names the threshold and what was found."""
    require_positive(blocks=1, seconds=0.001)
    with pytest.raises(ValueError, match="`seconds` must be above 0, found"):
        require_positive(blocks=1, seconds=figure)


@pytest.mark.parametrize("share", [0, 1, 5, -0.1, float("nan")])
def test_a_share_is_between_0_and_1(share: float) -> None:
    """Per cent are not shares."""
    require_share(free=0.05)
    with pytest.raises(ValueError, match="`free` is a share between 0 and 1"):
        require_share(free=share)


@pytest.mark.parametrize("upper", [1, 0.5, float("nan")])
def test_limits_rise(upper: float) -> None:
    """Equal limits leave nothing in between."""
    require_order(low=1, middle=2, high=3)
    with pytest.raises(ValueError, match=r"`high` must be above `low` \(1\)"):
        require_order(low=1, high=upper)
