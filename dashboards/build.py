"""Writes the boards as Grafana reads them: `python -m dashboards.build`; `--check` says which are out of date."""

import argparse
import sys
from pathlib import Path

from dashboards.drawing import document
from dashboards.liquidity import LIQUIDITY
from dashboards.node import NODE
from dashboards.own import OWN
from dashboards.payments import PAYMENTS

FOLDER = Path(__file__).parent
BOARDS = {"node.json": NODE, "payments.json": PAYMENTS, "liquidity.json": LIQUIDITY, "lnwatch.json": OWN}


def stale(folder: Path) -> list[str]:
    """Files that are missing or not as they would be written now."""
    return [
        name
        for name, board in BOARDS.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != document(board)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write, or check: 0 where everything is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is out of date")
    if not parser.parse_args(arguments).check:
        for name, board in BOARDS.items():
            (FOLDER / name).write_text(document(board), encoding="utf-8")
        return 0
    found = stale(FOLDER)
    for name in found:
        sys.stderr.write(f"dashboards/{name} is out of date: python -m dashboards.build\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
