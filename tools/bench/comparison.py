"""`lifeboat compare`, timed.

Purpose: the comparison of orders beside the other figures, and how many simulated runs a second that is.
Guarantees: the table is the one that the command writes. Effects: writes target/bench/compare.md.
Fails when: the command does.
"""

import os
import subprocess
import time

from world import LIFEBOAT, Failed

ORDERS = 3


def main(options, scratch):
    """The table, and the speed at which it was made."""
    table = scratch / "compare.md"
    command = [LIFEBOAT, "compare", "--seeds", str(options.seeds), "--markdown", table]
    started, before = time.monotonic(), os.times().children_user
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    took_s = time.monotonic() - started
    if done.returncode != 0:
        raise Failed(f"lifeboat compare exited {done.returncode}: {done.stderr.strip()}")
    played = options.seeds * ORDERS
    found = {"seeds": options.seeds, "runs": played, "took_s": took_s, "cpu_s": os.times().children_user - before,
             "runs_per_s": played / took_s, "table": table.read_text()}
    print(f"{played} runs in {took_s:.1f} s: {found['runs_per_s']:.0f} a second")
    return found
