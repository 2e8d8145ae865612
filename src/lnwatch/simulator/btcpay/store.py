"""A store: its settings, rates, payment methods, payout processors and the wallets behind them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lnwatch.simulator.btcpay.encoding import plain
from lnwatch.simulator.btcpay.wallet import Coins, Lightning


@dataclass(frozen=True, slots=True)
class Criterion:
    """A method is offered only above (or below) an amount, in the invoice's currency."""

    method: str
    amount: Decimal
    above: bool


@dataclass(slots=True)
class Processor:
    """Pays payouts of one method by itself."""

    method: str
    interval: int = 3600  # seconds
    instantly: bool = False
    fee_target: int = 1
    threshold: Decimal = Decimal("0.0")


@dataclass(slots=True)
class Store:
    """`methods` holds whether each configured method is enabled; `rates` what a pair costs, None where the source
    does not answer; `fallback` whether fallback rates are set. Times in seconds."""

    id: str
    name: str
    coins: Coins
    account: str
    lightning: Lightning | None
    currency: str = "EUR"
    website: str | None = "https://shop.example"
    speed: str = "MediumSpeed"
    expiration: int = 900
    monitoring: int = 86_400
    tolerance: Decimal = Decimal("0.0")
    refund_days: int = 30
    description: str = "Paid to {StoreName} (Order ID: {OrderId})"
    archived: bool = False
    wallet_label: str | None = None
    methods: dict[str, bool] = field(default_factory=lambda: {"BTC-LN": True, "BTC-CHAIN": True})
    rates: dict[str, Decimal | None] = field(
        default_factory=lambda: {"BTC_EUR": Decimal(50_000), "BTC_USD": Decimal(55_000)}
    )
    fallback: bool = False
    criteria: list[Criterion] = field(default_factory=list)
    processors: dict[str, Processor] = field(default_factory=dict)
    balance: tuple[float, dict[str, Any]] | None = None  # as it was last asked for, and when

    def rate(self, currency: str) -> Decimal | None:
        """What a bitcoin costs; None where nobody knows."""
        fixed = {"BTC": Decimal(1), "SATS": Decimal(100_000_000)}
        return fixed.get(currency) or self.rates.get(f"BTC_{currency}")

    def rate_error(self, pair: str) -> str:
        """Why a pair has no rate."""
        return "RateUnavailable" if pair in self.rates else "PreprocessError"

    @property
    def script(self) -> str:
        """Its rates as a rate script."""
        return "\n".join(f"{pair} = {plain(rate)};" for pair, rate in self.rates.items() if rate is not None)

    def shown(self) -> dict[str, Any]:
        """As the API has it."""
        return {
            "id": self.id,
            "name": self.name,
            "website": self.website,
            **dict.fromkeys(("brandColor",)),
            "applyBrandColorToBackend": False,
            **dict.fromkeys(("logoUrl", "cssUrl", "paymentSoundUrl", "supportUrl")),
            "invoiceExpiration": self.expiration,
            "displayExpirationTimer": 300,
            "refundBOLT11Expiration": self.refund_days,
            "monitoringExpiration": self.monitoring,
            "speedPolicy": self.speed,
            "lightningDescriptionTemplate": self.description,
            "paymentTolerance": float(self.tolerance),
            "anyoneCanCreateInvoice": False,
            "defaultCurrency": self.currency,
            "additionalTrackedRates": [],
            "lightningAmountInSatoshi": False,
            "lightningPrivateRouteHints": False,
            "onChainWithLnInvoiceFallback": False,
            "lazyPaymentMethods": False,
            "redirectAutomatically": False,
            "archived": self.archived,
            "showRecommendedFee": True,
            "recommendedFeeBlockTarget": 1,
            "defaultPaymentMethod": None,
            "htmlTitle": None,
            "networkFeeMode": "MultiplePaymentsOnly",
            "paymentMethodCriteria": [
                {"paymentMethodId": each.method, "currencyCode": self.currency, "amount": plain(each.amount)}
                | {"above": each.above}
                for each in self.criteria
            ],
            "payJoinEnabled": False,
            "autoDetectLanguage": False,
            "showPayInWalletButton": True,
            "showStoreHeader": True,
            "celebratePayment": True,
            "playSoundOnPayment": False,
            "receipt": {"enabled": True, "showQR": True, "showPayments": True},
        }
