"""`make bench`: how fast what is deployed starts and runs, and what it costs; against goals, as ratios in one run.

Purpose: target/bench/bench.json with everything that was measured, and BENCHMARKS.md made of it.
Guarantees: everything is written before a missed goal fails the command; a part that is run alone leaves the others as they
were last measured, with their own dates. Effects: writes these two and target/bench/; listens on loopback.
Fails when: something cannot be measured, or a goal is missed that tools/bench/goals.py does not accept.

Usage: make bench [ARGS="--only functions|runs|compare --runs N"]
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import comparison
import functions
import goals
import report
import runs
from runtime_api import Silent
from world import ARTEFACTS, HELLO, LIFEBOAT, ROOT, Failed

PARTS = {"functions": functions.main, "runs": runs.main, "compare": comparison.main}
OUT = ROOT / "target" / "bench"


def main():
    options = arguments()
    for needed in (ARTEFACTS / "admit" / "bootstrap", HELLO, LIFEBOAT):
        if not needed.exists():
            sys.exit(f"failed to find {needed}: `make bench` builds it first")
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "functions-said.log").unlink(missing_ok=True)
    file = OUT / "bench.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for part in [options.only] if options.only else PARTS:
        print(f"bench: {part}", flush=True)
        try:
            results[part] = {"how": how(), "found": PARTS[part](options, OUT)}
        except (Failed, Silent) as problem:
            sys.exit(f"bench: {part}: {problem}")
        file.write_text(json.dumps(results, indent=1) + "\n")
    results["goals"] = goals.judge(results)
    file.write_text(json.dumps(results, indent=1) + "\n")
    (ROOT / "BENCHMARKS.md").write_text(report.write(results))
    print(f"bench: wrote {file.relative_to(ROOT)} and BENCHMARKS.md")
    if missed := [goal for goal in results["goals"] if goal["verdict"] == "missed"]:
        lines = [f"  {goal['what']}: {goal['found']} found, at most {goal['most']} expected" for goal in missed]
        sys.exit("bench: goals missed that tools/bench/goals.py does not accept:\n" + "\n".join(lines))


def arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--runs", type=int, default=15, help="starts of each function (15); a third as many within a CPU share")
    parser.add_argument("--warm", type=int, default=2, help="later invocations of each start (2)")
    parser.add_argument("--seeds", type=int, default=1000, help="of the comparison (1000)")
    parser.add_argument("--databases", type=int, nargs="+", default=[1, 100], help="runs for each count (1 100)")
    parser.add_argument("--repeats", type=int, default=3, help="of the runs, each with another seed (3)")
    return parser.parse_args()


def how():
    """Where, when, of what and by which command."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    built_from = ["crates", "functions", "statemachine", "Cargo.toml", "Cargo.lock"]
    changed = subprocess.run(["git", "status", "--porcelain", "--", *built_from], cwd=ROOT, capture_output=True, text=True,
                             check=False)
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.processor())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024 ** 2
    given = " ".join(sys.argv[1:])
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{cpu}, {os.cpu_count()} CPUs, {memory} GiB, Linux {platform.release()}",
        "python": platform.python_version(),
        "load_at_start": os.getloadavg()[0],
        "commit": commit.stdout.strip() + (" with changes that are not committed" if changed.stdout.strip() else ""),
        "command": f'make bench ARGS="{given}"' if given else "make bench",
    }


if __name__ == "__main__":
    main()
