from pathlib import Path

import pytest

import lnwatch.grpc_stubs


def test_regeneration_changes_nothing(tmp_path: Path) -> None:
    """What is committed is what the generator makes of the `.proto` files, byte for byte."""
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed")
    from lnwatch.grpc_stubs.generate import generate  # noqa: PLC0415 - it needs the tools

    generate(tmp_path)
    committed = Path(lnwatch.grpc_stubs.__file__).parent
    made = {path.name: path.read_bytes() for path in (tmp_path / "lnwatch" / "grpc_stubs").iterdir()}
    assert made == {path.name: path.read_bytes() for path in committed.glob("*_pb2.py*")}
