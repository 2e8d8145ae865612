"""Recorded stories and faults, played through the parser, the ledger, the orders and the rules.

`python -m tests.stories FILE...` prints one line of JSON for each order, of any file in the format of
`tests/recorded/btcpay-2.4.1/`.
"""
