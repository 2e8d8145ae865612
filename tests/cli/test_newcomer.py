from pathlib import Path

import pytest

from tests.cli.commands import invoke
from tests.secrets import leaked

GOLDEN = (Path(__file__).parent / "newcomer.golden").read_text().split("== ")[1:]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.splitlines()[0]) for case in GOLDEN])
def test_the_first_errors(folder: Path, case: str) -> None:
    """What a newcomer gets wrong first ends with status 2 and exactly these lines, nothing else."""
    written, _, expected = case.partition("\n")[2].partition("--\n")
    lines = written.splitlines(keepends=True)
    environ = dict(line.strip().split("=", 1) for line in lines if line.startswith("LNWATCH_"))
    (folder / "lnwatch.toml").write_text("".join(line for line in lines if not line.startswith("LNWATCH_")))
    (folder / "readonly.macaroon").write_bytes(b"x")
    result = invoke("check", env=environ)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{expected.strip()}\n"
    assert not leaked(result.stderr)


def test_nothing_is_configured(folder: Path) -> None:
    """The very first error tells how to begin."""
    for verb in ("run", "check", "config"):
        result = invoke(verb)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == (
            "configuration: found neither lnwatch.toml nor /etc/lnwatch/lnwatch.toml; run `lnwatch init` to write one\n"
        )
