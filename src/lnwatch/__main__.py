"""`lnwatch`, and `python -m lnwatch`."""

import sys


def main() -> None:
    """Run the command. Whoever interrupts it while it is being read wants no traceback."""
    try:
        from lnwatch.cli import main as run  # noqa: PLC0415 - reading it takes a second
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
