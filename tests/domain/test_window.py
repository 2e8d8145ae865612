"""How far back a View reaches."""

import pytest

from lnwatch.domain.window import require_in_view


def test_a_day_is_the_most() -> None:
    """The line names the setting and what is allowed."""
    require_in_view(window_seconds=86_400, recent_seconds=1)
    with pytest.raises(ValueError, match="`window_seconds` is a day \\(86400\\) at most, found 86401"):
        require_in_view(recent_seconds=1, window_seconds=86_401)
    with pytest.raises(ValueError, match="`window_seconds` must be above 0"):
        require_in_view(window_seconds=0)
