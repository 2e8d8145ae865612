"""Trouble of lnwatch's own: what still matters of it."""

from lnwatch.domain.episodes import evidence, length, recent, telling
from lnwatch.model.view import Episode

NOW = 1_800_000_000.0
SHORT, LONG, OPEN = Episode(NOW - 65, NOW - 60, "a"), Episode(NOW - 900, NOW - 600, "b"), Episode(NOW - 20, None, "c")


def test_the_longest_comes_first() -> None:
    """What lasted longest is what is told; what still lasts counts up to now."""
    assert recent([SHORT, LONG, OPEN], NOW, within=3_600) == [LONG, OPEN, SHORT]
    assert recent([SHORT, LONG, OPEN], NOW, within=3_600, lasted=20) == [LONG, OPEN]
    assert recent([SHORT, LONG, OPEN], NOW, within=599) == [OPEN, SHORT]


def test_what_still_lasts_is_recent() -> None:
    """However long ago it began."""
    old = Episode(NOW - 80_000, None, "x")
    assert recent([old], NOW, within=60) == [old]


def test_an_end_that_lies_far_ahead_is_as_old_as_one_far_behind() -> None:
    """After the clock went back, what ended in the future would be recent for good."""
    assert recent([Episode(NOW + 7_200, NOW + 7_300, "x")], NOW, within=3_600) == []


def test_no_length_is_negative() -> None:
    """A clock may have gone back between start and end."""
    assert length(Episode(NOW, NOW - 3_600, "x"), NOW) == 0
    assert length(OPEN, NOW) == 20


def test_the_evidence_is_the_set() -> None:
    """Another episode changes it, their order and their growing do not."""
    assert evidence([SHORT, OPEN]) == evidence([OPEN, SHORT]) != evidence([OPEN])
    assert evidence([OPEN]) == evidence([Episode(OPEN.start, NOW, "c")])


def test_each_is_told_with_its_length() -> None:
    """By the moment when it began."""
    assert telling([LONG, OPEN], NOW) == {
        "2027-01-15 07:45:00 UTC": "over after 5 min",
        "2027-01-15 07:59:40 UTC": "still after 20 s",
    }
