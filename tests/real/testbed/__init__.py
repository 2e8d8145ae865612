"""Real programs for tests: bitcoind, LND, Prometheus and lnwatch itself, on free ports of 127.0.0.1.

Nothing here uses lnwatch's own clients: what a node says is asked over REST and JSON-RPC, so that a
figure that lnwatch exports is compared with an answer that did not pass through lnwatch.
"""
