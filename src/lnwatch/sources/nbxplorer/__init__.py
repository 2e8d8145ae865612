"""NBXplorer, the indexer through which BTCPay Server sees the chain: whether it answers, and how far it is."""

from lnwatch.sources import SourceKind
from lnwatch.sources.nbxplorer.settings import NbxplorerSettings
from lnwatch.sources.nbxplorer.source import Nbxplorer

__all__ = ["SOURCE", "Nbxplorer", "NbxplorerSettings"]

SOURCE = SourceKind(kind="nbxplorer", settings=NbxplorerSettings, open=Nbxplorer)
