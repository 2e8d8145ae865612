"""Writes the modules of this package anew from `proto/`; needs grpcio-tools, from the extra `dev`.

    python -m lnwatch.grpc_stubs.generate [DIRECTORY]

They go beside this file, or below DIRECTORY in the folders of the package. Client and double build their
calls from a table of methods, so no service classes are made: these would tie us to one release of grpcio.
"""

import sys
from pathlib import Path

from grpc_tools import protoc

PACKAGE = "lnwatch/grpc_stubs"
HERE = Path(__file__).parent


def generate(directory: Path) -> None:
    """Write messages and their types below `directory`. Raises SystemExit where protoc finds a fault."""
    files = sorted(f"{PACKAGE}/{path.name}" for path in (HERE / "proto").glob("*.proto"))
    # The virtual folder gives the modules the import paths of the package, without a change to sys.path.
    options = [f"-I{PACKAGE}={HERE / 'proto'}", f"--python_out={directory}", f"--pyi_out={directory}"]
    if status := protoc.main(["protoc", *options, *files]):
        sys.exit(status)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[1])
