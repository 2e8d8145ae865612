"""`make compat`: builds every supported release of LND and runs the real tests over each.

Each release is built from the same module path with the replace lines of its own go.mod, which a build
of a dependency does not read. Prints a table in Markdown; the exit status is 1 where a release failed.
"""

import json
import os
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

STACK = Path(__file__).parent / "stack"
RELEASES = ("v0.19.3-beta", "v0.20.1-beta", "v0.21.2-beta")
# What an older LND writes when it meets a Bitcoin Core of 31 or later.
REFUSAL = "node backend does not support taproot"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table."""

    release: str
    built: str
    passed: int
    failed: int
    skipped: int
    note: str


def pins() -> dict[str, str]:
    """What pins.env sets."""
    lines = (STACK / "pins.env").read_text().splitlines()
    return dict(shlex.split(line)[0].split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def run(*argv: str | Path, cwd: Path | None = None) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(argv, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, argv))} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def module_of(release: str, module: str) -> str:
    """A go.mod that requires the release and bears its own replace lines, the local ones left out."""
    told = json.loads(run("go", "mod", "download", "-json", f"{module}@{release}"))
    own = json.loads(run("go", "mod", "edit", "-json", told["GoMod"]))
    replaced = [
        f"replace {line['Old']['Path']} => {line['New']['Path']} {line['New']['Version']}"
        for line in own.get("Replace") or []
        if "Version" in line["New"]
    ]
    return "\n".join(["module lnwatch.test/lnd", f"go {own['Go']}", f"require {module} {release}", *replaced]) + "\n"


def build(release: str, cache: Path) -> tuple[Path, str]:
    """Folder of the release's lnd and lncli, and how long building it took."""
    pinned = pins()
    folder = cache / f"lnd-{release}"
    if (folder / "lnd").exists() and (folder / "lncli").exists():
        return folder, "cached"
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text(module_of(release, pinned["LND_MODULE"]))
    tags = pinned["LND_TAGS"]
    programs = [f"{pinned['LND_MODULE']}/cmd/{name}" for name in ("lnd", "lncli")]
    # -mod=mod: go.sum is filled from the checksum database, for releases that are not pinned here
    run("go", "build", "-mod=mod", "-trimpath", "-ldflags", "-s -w", "-tags", tags, "-o", ".", *programs, cwd=folder)
    return folder, f"{time.monotonic() - begun:.0f} s"


def run_tests(folder: Path, scratch: Path, *words: str, relayed: bool = False) -> dict[str, int]:
    """Run pytest with the LND of a folder. The counts of its report."""
    report = scratch.with_suffix(".xml")
    report.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "pytest", "-q", f"--basetemp={scratch}", f"--junitxml={report}", *words]
    environment = {**os.environ, "LNWATCH_LND": str(folder), "LNWATCH_RELAYED": "1" if relayed else ""}
    subprocess.run(argv, check=False, env=environment)
    suite = ET.parse(report).getroot()[0]  # noqa: S314 - our own report
    return {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}


def refuses(scratch: Path) -> bool:
    """Whether LND would not start over the bitcoind of the bed."""
    return any(REFUSAL in path.read_text(errors="replace") for path in scratch.glob("**/lnd.log"))


def examine(release: str, cache: Path) -> Outcome:
    """Build a release and run the real tests over it; one that refuses this bitcoind goes through the relay."""
    folder, built = build(release, cache)
    scratch = cache / f"compat-{release}"
    run_tests(folder, scratch, "tests/real/test_bed.py", "--exitfirst")
    relayed = refuses(scratch)
    count = run_tests(folder, scratch, "tests/real", *sys.argv[1:], relayed=relayed)
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    note = f'refuses this bitcoind ("{REFUSAL}"): run behind a relay that adds the line it misses' if relayed else ""
    return Outcome(release, built, passed, failed, count["skipped"], note)


def main() -> int:
    """Examine every release and print the table."""
    cache = Path(run(STACK / "build.sh").strip()).parent
    rows = [examine(release, cache) for release in RELEASES]
    table = ["| LND | built in | passed | failed | skipped | |", "| --- | --- | --- | --- | --- | --- |"]
    table += [f"| {r.release} | {r.built} | {r.passed} | {r.failed} | {r.skipped} | {r.note} |" for r in rows]
    sys.stdout.write("\n" + "\n".join(table) + "\n")
    return 1 if any(row.failed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
