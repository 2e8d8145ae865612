"""What is kept, and until when."""

from lnwatch.domain.kept import Kept


def test_made_once_of_the_very_same() -> None:
    """It is made once of the very same values, and anew of others, though they be equal."""
    kept: Kept[str, list[int]] = Kept()
    made: list[list[int]] = []

    def make() -> list[int]:
        made.append([])
        return made[-1]

    one, two = [1], [2]
    first = kept.of("a", (one, two), make)
    assert kept.of("a", (one, two), make) is first
    assert kept.of("a", (one, [2]), make) is not first
    assert kept.of("b", (one, two), make) is not first
    assert len(made) == 3
