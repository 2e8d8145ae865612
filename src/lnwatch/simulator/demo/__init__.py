"""The demo: a simulated merchant, a daemon beside it, and incidents at will."""
