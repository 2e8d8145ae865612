"""The ledger: the only memory of lnwatch, written by the engine alone."""

from lnwatch.store.cases.values import Addressed, CaseChange, CaseMessage, CaseRecord, Delivery, HistoryStep
from lnwatch.store.export import LedgerStatus, TableStatus, backup, columns, export, status
from lnwatch.store.hooks import RawHook
from lnwatch.store.inbox import Request
from lnwatch.store.items import Entry, Item, LiquidityChange, StateChange
from lnwatch.store.ledger import Ledger
from lnwatch.store.memory import LedgerMemory
from lnwatch.store.opening import open_ledger, visit_ledger
from lnwatch.store.orders.figures import Span
from lnwatch.store.orders.ledger import OrderLedger
from lnwatch.store.orders.values import Exceptions, Gathered, Group, GroupChange, Kept, Taken
from lnwatch.store.past.values import Past
from lnwatch.store.restore import Restored, copy_ledger, restore
from lnwatch.store.settings import LedgerSettings, Retention

__all__ = [
    "Addressed",
    "CaseChange",
    "CaseMessage",
    "CaseRecord",
    "Delivery",
    "Entry",
    "Exceptions",
    "Gathered",
    "Group",
    "GroupChange",
    "HistoryStep",
    "Item",
    "Kept",
    "Ledger",
    "LedgerMemory",
    "LedgerSettings",
    "LedgerStatus",
    "LiquidityChange",
    "OrderLedger",
    "Past",
    "RawHook",
    "Request",
    "Restored",
    "Retention",
    "Span",
    "StateChange",
    "TableStatus",
    "Taken",
    "backup",
    "columns",
    "copy_ledger",
    "export",
    "open_ledger",
    "restore",
    "status",
    "visit_ledger",
]
