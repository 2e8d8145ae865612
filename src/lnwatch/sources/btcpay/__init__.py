"""BTCPay Server 2.0 to 2.4 over Greenfield: orders and how they were paid, refunds, payouts, rates and balances."""

from lnwatch.sources import SourceKind
from lnwatch.sources.btcpay.settings import BtcpaySettings
from lnwatch.sources.btcpay.source import Btcpay

__all__ = ["SOURCE", "Btcpay", "BtcpaySettings"]

SOURCE = SourceKind(kind="btcpay", settings=BtcpaySettings, open=Btcpay)
