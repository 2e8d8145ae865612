"""Cases in the ledger: what the engine decides, what is told of it, and what a person reads afterwards."""
