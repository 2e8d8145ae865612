"""What lnwatch costs, measured beside the obvious way: `python -m bench` prints a table and writes it as JSON."""
