"""JSON as BTCPay writes it: exact figures, and long lists item by item, so that nothing else has to wait."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

T = TypeVar("T")
V = TypeVar("V")

CHUNK: Final = 25  # items between two turns of the others: an invoice with its methods takes about 0.1 ms
_GAP: Final = re.compile(r"[ \t\r\n]*")
_FIGURES: Final = 60  # of one amount; more is no money


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


def decode(body: bytes) -> Any:  # noqa: ANN401 - decoded JSON
    """The value. Raises ValueError where it is none."""
    try:
        return _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ArithmeticError, RecursionError) as error:
        raise ValueError("not JSON within reason") from error


def items(body: bytes) -> Iterator[Any]:
    """The items of a list, each decoded when it is asked for. Raises ValueError where it is no list."""
    text = body.decode()
    place = _skip(text, 0)
    if text[place : place + 1] != "[":
        raise ValueError("not a list")
    place = _skip(text, place + 1)
    mark = text[place : place + 1]
    while mark != "]":
        try:
            item, place = _DECODER.raw_decode(text, place)
        except (ArithmeticError, RecursionError) as error:
            raise ValueError("not JSON within reason") from error
        yield item
        place = _skip(text, place)
        mark = text[place : place + 1]
        if mark == ",":
            place = _skip(text, place + 1)
        elif mark != "]":
            raise ValueError("a list that is cut short")
    if _skip(text, place + 1) < len(text):
        raise ValueError("something after the list")


def _skip(text: str, place: int) -> int:
    gap = _GAP.match(text, place)
    return place if gap is None else gap.end()


async def each(body: bytes, convert: Callable[[Any], V]) -> list[V]:
    """`convert` applied to each item of a list; other tasks get a turn now and then. Raises ValueError."""
    found: list[V] = []
    for item in items(body):
        found.append(convert(item))
        if len(found) % CHUNK == 0:
            await asyncio.sleep(0)
    return found


def first_fault(error: ValidationError) -> str:
    """What is wrong first, and where; never what stood there."""
    fault = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"


def _money(value: Any) -> Any:  # noqa: ANN401 - it comes from outside, as anything
    """A decimal string, or in some models a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("an amount is a decimal figure")  # noqa: TRY004 - pydantic takes no TypeError
    try:
        amount = Decimal(value.strip() if isinstance(value, str) else value)
    except ArithmeticError as error:
        raise ValueError("an amount is a decimal figure") from error
    few = isinstance(value, str) and len(value) <= _FIGURES  # so that its figures need not be counted
    if not amount.is_finite() or abs(amount.adjusted()) > _FIGURES or not (few or _figures(amount) <= _FIGURES):
        raise ValueError("an amount within reason")
    return amount


def _figures(amount: Decimal) -> int:
    return len(amount.as_tuple().digits)


def _words(value: Any) -> Any:  # noqa: ANN401 - it comes from outside, as anything
    """Free-form metadata may be a number as well as text; anything else says nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return str(value).strip()[:_LONGEST_WORDS] or None


_LONGEST_WORDS: Final = 300

Money = Annotated[Decimal, BeforeValidator(_money)]
Moment = Annotated[int, Field(strict=True, ge=-(10**9), lt=10**11)]  # seconds since the epoch
Count = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Id = Annotated[str, Field(strict=True, min_length=1, max_length=200)]
Line = Annotated[str, Field(strict=True), AfterValidator(lambda text: text[:1_000])]
Words = Annotated[str | None, BeforeValidator(_words)]


class Shape(BaseModel):
    """Part of an answer: what lnwatch does not read may be anything."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


def read(shape: TypeAdapter[T], body: bytes) -> T:
    """A short answer in its shape. Raises ValueError, ValidationError among them."""
    return shape.validate_python(decode(body))
