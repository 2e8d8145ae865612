"""Column types that hold whatever a foreign system says, on every backend alike."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

LARGEST = 2**63 - 1


class Whole(TypeDecorator[int]):
    """A 64-bit integer: amounts in msat, counts, heights, indexes.

    What does not fit becomes the nearest number that does: systems count some of theirs unsigned, and
    one absurd figure must not keep a whole batch out of the ledger.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the base class calls it so
        """Bring a number that does not fit to the end of the range."""
        return None if value is None else fitting(value)


class Words(TypeDecorator[str]):
    """Text: PostgreSQL refuses NUL, and neither backend takes half a surrogate pair; both come from hostile peers."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the base class calls it so
        """Replace what can't be stored by the replacement character."""
        return None if value is None else storable(value)


# Words of our own, and what was made storable before: there is nothing to look for in them.
Plain = Text


def storable(text: str) -> str:
    """The text as it will be read again: what can't be stored is replaced by the replacement character."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def fitting(number: int) -> int:
    """The number, or the end of the range that is nearest to it."""
    if -LARGEST <= number <= LARGEST:
        return number
    return LARGEST if number > 0 else -LARGEST


def check_of(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What makes a value storable in a column of that kind; None where it is as it comes."""
    if isinstance(kind, Words):
        return storable
    return fitting if isinstance(kind, Whole) else None
