"""`python -m lnwatch`."""

from lnwatch.cli import main

main()
