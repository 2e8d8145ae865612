"""The shapes of BTCPay's answers, as far as they are read; versions 2.0 to 2.4."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr

from lnwatch.sources.btcpay.parsing import Count, Id, Line, Moment, Money, Shape, Words


def _object(value: Any) -> Any:  # noqa: ANN401 - it comes from outside, as anything
    """Free-form metadata that is no object says nothing."""
    return value if isinstance(value, dict) else {}


def _integer(value: Any) -> Any:  # noqa: ANN401 - it comes from outside, as anything
    """Some times are integers in one version and text in another."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


AnyMoment = Annotated[Moment, BeforeValidator(_integer)]


class Health(Shape):
    """`health`: a cached word."""

    synchronized: bool


class NodeInformation(Shape):
    """What NBXplorer last heard of bitcoind."""

    headers: Count | None = None
    blocks: Count | None = None
    verification_progress: Money | None = None


class SyncStatus(Shape):
    """One chain of `server/info`; both heights are 0 or null while bitcoind is dead."""

    payment_method_id: Line = ""
    chain_height: int | None = None
    sync_height: int | None = None
    available: bool = False
    node_information: NodeInformation | None = None


class ServerInfo(Shape):
    """`server/info`."""

    version: Line
    fully_synched: bool
    sync_status: tuple[SyncStatus, ...] = ()
    supported_payment_methods: tuple[Line, ...] = ()


class CurrentKey(Shape):
    """`api-keys/current`, which echoes the key itself: that is not read."""

    label: Line | None = None
    permissions: tuple[Line, ...]


class Metadata(Shape):
    """What is kept of the merchant's own words."""

    order_id: Words = None
    item_code: Words = None
    payment_request_id: Words = None


class Checkout(Shape):
    """The part of an invoice's checkout that judgement needs."""

    speed_policy: Line | None = None
    payment_methods: tuple[Line, ...] | None = None
    payment_tolerance: Money | None = None


class PaymentAnswer(Shape):
    """One payment, as lists and webhooks tell it."""

    id: Id
    received_date: Moment
    value: Money
    fee: Money | None = None
    status: Line
    destination: Line | None = None


class AdditionalData(Shape):
    """Of a Lightning method; a preimage stands beside it and is not read."""

    payment_hash: Line | None = None
    node_info: Line | None = None


class MethodAnswer(Shape):
    """One payment method of an invoice."""

    payment_method_id: Id
    currency: Line = "BTC"
    activated: bool = True
    destination: Line | None = None
    rate: Money | None = None
    amount: Money | None = None
    due: Money | None = None
    total_paid: Money | None = None
    payment_method_paid: Money | None = None
    payment_method_fee: Money | None = None
    additional_data: Annotated[AdditionalData, BeforeValidator(_object)] = Field(default_factory=AdditionalData)
    payments: tuple[PaymentAnswer, ...] = ()


class InvoiceAnswer(Shape):
    """One invoice. `paidAmount` came with 2.1.2; `paymentMethods` is empty where it was not asked for."""

    id: Id
    status: Line
    additional_status: Line | None = None
    type: Line = "Standard"
    currency: Line
    amount: Money | None = None
    paid_amount: Money | None = None
    created_time: Moment
    expiration_time: Moment
    monitoring_expiration: Moment
    archived: bool = False
    metadata: Annotated[Metadata, BeforeValidator(_object)] = Field(default_factory=Metadata)
    checkout: Annotated[Checkout, BeforeValidator(_object)] = Field(default_factory=Checkout)
    payment_methods: tuple[MethodAnswer, ...] | None = None


class AmountLimit(Shape):
    """One of a store's `paymentMethodCriteria`."""

    payment_method_id: Line | None = None
    payment_method: Line | None = None  # its name before 2.0


class StoreAnswer(Shape):
    """`stores/{id}`."""

    id: Id
    archived: bool = False
    default_currency: Line = "USD"
    invoice_expiration: Count = 900
    monitoring_expiration: Count = 86_400
    speed_policy: Line = "MediumSpeed"
    payment_tolerance: Money | None = None
    network_fee_mode: Line = "MultiplePaymentsOnly"
    lazy_payment_methods: bool = False
    payment_method_criteria: tuple[AmountLimit, ...] | None = None


class StoreMethodAnswer(Shape):
    """One of `stores/{id}/payment-methods`; its config, which may hold secrets, is not read."""

    payment_method_id: Id
    enabled: bool


class RateAnswer(Shape):
    """One of `stores/{id}/rates`."""

    currency_pair: Line
    rate: Money | None = None
    errors: tuple[Line, ...] | None = None


class WalletAnswer(Shape):
    """The wallet's balance; its label may be the account's extended key and is not read."""

    confirmed_balance: Money
    unconfirmed_balance: Money


class OnchainBalance(Shape):
    """Of the Lightning node, in satoshis."""

    confirmed: Money | None = None
    unconfirmed: Money | None = None


class OffchainBalance(Shape):
    """Of the Lightning node, in millisatoshis."""

    opening: Money | None = None
    local: Money | None = None
    remote: Money | None = None
    closing: Money | None = None


class LightningBalanceAnswer(Shape):
    """`lightning/BTC/balance`; each part may be missing."""

    onchain: OnchainBalance | None = None
    offchain: OffchainBalance | None = None


class Proof(Shape):
    """What a payout was paid with; the preimage beside it is not read."""

    payment_hash: Line | None = Field(None, alias="PaymentHash")
    transaction_id: Line | None = Field(None, alias="TransactionId")


class PayoutAnswer(Shape):
    """One payout. Its pull payment's id is a secret that opens the claim page."""

    id: Id
    pull_payment_id: SecretStr | None = None
    date: AnyMoment
    destination: Line | None = None
    payout_method_id: Line | None = None
    original_amount: Money | None = None
    original_currency: Line | None = None
    payout_amount: Money | None = None
    payout_currency: Line | None = None
    state: Line
    revision: Count = 0
    payment_proof: Annotated[Proof, BeforeValidator(_object)] = Field(default_factory=Proof)


class PullPaymentAnswer(Shape):
    """One claim link."""

    id: SecretStr
    name: SecretStr | None = None  # free text: only an invoice's id in it is kept
    currency: Line
    amount: Money
    starts_at: Moment
    expires_at: Moment | None = None
    archived: bool = False
    auto_approve_claims: bool = False


class PaymentRequestAnswer(Shape):
    """One payment request; its amount is a JSON number."""

    id: Id
    status: Line
    amount: Money
    currency: Line
    created_time: Moment
    expiry_date: Moment | None = None
    archived: bool = False


class WebhookAnswer(Shape):
    """One webhook; its address may hold a secret."""

    id: Id
    enabled: bool = True
    automatic_redelivery: bool = False
    url: SecretStr


class DeliveryAnswer(Shape):
    """One try to deliver."""

    id: Id
    timestamp: Moment
    delivery_time: Moment | None = None
    http_code: int | None = None
    status: Line


class EventAnswer(Shape):
    """The body of a webhook, whatever its type."""

    delivery_id: Id
    original_delivery_id: Id | None = None
    webhook_id: Id | None = None
    is_redelivery: bool = False
    type: Id
    timestamp: Moment
    store_id: Id | None = None
    invoice_id: Id | None = None
    metadata: Annotated[Metadata, BeforeValidator(_object)] = Field(default_factory=Metadata)
    payment_method_id: Id | None = None
    payment: PaymentAnswer | None = None
    after_expiration: bool | None = None
    over_paid: bool | None = None
    partially_paid: bool | None = None
    manually_marked: bool | None = None
    payout_id: Id | None = None
    payout_state: Line | None = None
    pull_payment_id: SecretStr | None = None
    payment_request_id: Id | None = None
