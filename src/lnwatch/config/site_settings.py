"""The blocks that a site has of its own, beside its sources and rules."""

from pydantic import Field, field_validator

from lnwatch.fields import Duration, Settings, Slug


class OrdersSettings(Settings):
    """How a site's invoices become orders.

    `retry_window` is how long an order waits for another try after its last open invoice ended. `nodes` names
    the Lightning node of a store, where its invoices do not tell: `{ shop = "ln1" }`.
    """

    retry_window: Duration = Field("30m", validate_default=True)
    nodes: dict[Slug, Slug] = Field(default_factory=dict)

    @field_validator("retry_window")
    @classmethod
    def _within_a_day(cls, value: float) -> float:
        if not 60 <= value <= 86_400:
            raise ValueError("it is a minute at least and a day at most")
        return value
