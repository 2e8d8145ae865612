"""What the tests themselves are told by the environment."""

import os
import subprocess
import sys

LOOK = """
import os
from tests.requirements import REQUIRED
print(REQUIRED, [name for name in os.environ if name.startswith("LNWATCH_")], flush=True)
"""
THEN_BELOW = f"""{LOOK}
import subprocess, sys
subprocess.run([sys.executable, "-c", {LOOK!r}], check=True)
"""


def test_what_is_required_is_known_to_every_process() -> None:
    """Processes that are started to share the tests hold to it as well, and lnwatch never sees it."""
    environment = {**os.environ, "LNWATCH_REQUIRE_REAL": "1"}
    command = [sys.executable, "-c", THEN_BELOW]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "True []\n" * 2
