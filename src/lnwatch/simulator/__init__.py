"""Doubles of the systems that lnwatch reads, over their real protocols: for tests, benchmarks and the demo."""
