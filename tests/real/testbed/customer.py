"""What customers do on the chain: pay out of the wallet of a node, and spend one coin twice."""

import base64
from decimal import Decimal
from typing import Final

from tests.real.testbed.bed import Bed
from tests.real.testbed.lnd import Lnd, b64, unb64

FINAL: Final = 0xFFFFFFFE  # sequences below signal that a transaction may be replaced
_SIGHASH_ALL: Final = b"\x01\0\0\0"


def send_coins(payer: Lnd, address: str, satoshis: int) -> str:
    """Pay an address out of the wallet of a node. The txid."""
    body = {"addr": address, "amount": str(satoshis), "sat_per_vbyte": "5", "spend_unconfirmed": True}
    return str(payer.post("/v1/transactions", body)["txid"])


class Customer:
    """Somebody with the wallet of a node who spends the same coin twice."""

    def __init__(self, bed: Bed, node: Lnd) -> None:
        self._bed, self._node = bed, node
        coins = node.get("/v1/utxos", min_confs=1, max_confs=9_999_999)["utxos"]
        self._coin = max(coins, key=lambda each: int(each["amount_sat"]))

    def pay(self, address: str, satoshis: int) -> str:
        """A payment that may be replaced. The txid."""
        return self._spend({address: satoshis}, fee=1_000)

    def take_back(self) -> str:
        """The same coin back to themselves, for a higher fee. The txid."""
        return self._spend({}, fee=20_000)

    def _spend(self, outputs: dict[str, int], fee: int) -> str:
        ask, outpoint = self._bed.bitcoind.ask, self._coin["outpoint"]
        change = int(self._coin["amount_sat"]) - sum(outputs.values()) - fee
        amounts = {**outputs, self._node.new_address(): change}
        spent = {"txid": outpoint["txid_str"], "vout": outpoint["output_index"], "sequence": FINAL - 1}
        written = [{address: f"{Decimal(amount).scaleb(-8):f}"} for address, amount in amounts.items()]
        lock_time, replaceable, version, psbt_version = 0, True, 2, 0  # LND reads no later kind of PSBT
        made = ask("createpsbt", [spent], written, lock_time, replaceable, version, psbt_version)
        unsigned = _to_be_signed(base64.b64decode(ask("utxoupdatepsbt", made)))
        signed = self._node.post("/v2/wallet/psbt/finalize", {"funded_psbt": b64(unsigned.hex())})
        return str(ask("sendrawtransaction", unb64(signed["raw_final_tx"])))


def _to_be_signed(psbt: bytes) -> bytes:
    """With the kind of signature written into its one input: LND asks for it, bitcoind leaves it out."""
    head = len(b"psbt\xff\x01\x00")
    inputs = head + 1 + psbt[head] + 1  # after the transaction, which is short, and the end of its map
    return psbt[:inputs] + b"\x01\x03\x04" + _SIGHASH_ALL + psbt[inputs:]
