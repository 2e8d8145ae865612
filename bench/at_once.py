"""The obvious way to know a store's invoices: one question for all of them, and a count by what became of each.

python -m bench.at_once URL KEY
"""

import json
import resource
import sys
import time
from collections import Counter

import httpx

_KILOBYTE, _MEGABYTE = 1_024, 1_000_000


def main() -> None:
    """Ask, count, and print what it took."""
    url, key = sys.argv[1:]
    began, before = time.monotonic(), time.process_time()
    answer = httpx.get(url, headers={"Authorization": f"token {key}"}, timeout=600).raise_for_status()
    counts = Counter((invoice["status"], invoice["additionalStatus"]) for invoice in json.loads(answer.content))
    if not counts:
        raise RuntimeError("there was nothing to read")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTE / _MEGABYTE
    print(json.dumps({"seconds": time.monotonic() - began, "cpu": time.process_time() - before, "peak": peak}))


if __name__ == "__main__":
    main()
