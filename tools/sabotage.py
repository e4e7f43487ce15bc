"""Removes each guard of tests/sabotage.toml, one at a time, and demands that the test named there fails.

Purpose: a guard that no test misses is one that anybody may remove. Each entry is an exact text of one file, what stands
there when the guard is gone, and the test that has to notice.
Guarantees: works on a copy of the tree (target/sabotage), never on yours. Every test named passes before anything is
removed. An entry counts as caught only when the changed tree compiles and exactly the named test ran and failed.
Fails when: a text does not occur exactly once, a test does not exist, the changed tree does not compile, or the test passes.

Usage: sabotage.py [PATTERN ...]    entries whose id or invariant matches any pattern; all of them without one
       sabotage.py --check          only that each text still occurs exactly once in its file, which takes no time
"""

import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "target" / "sabotage"
TREE = SCRATCH / "tree"
FIELDS = {"id", "invariant", "file", "text", "instead", "test"}
INVARIANTS = [f"S{n}" for n in range(1, 18)]
# Of ours only: what other people wrote stays compiled as it is.
CONFIG = [
    "profile.dev.debug=false",
    "profile.dev.package.lifeboat-model.opt-level=0",
    "profile.dev.package.lifeboat-simulator.opt-level=0",
]
# Far more than any named test takes; a guard whose absence makes a test hang is one that the test misses, too.
TIMEOUT_S = 1800


class Complaint(Exception):
    """An entry that does not do what it has to."""


def main(patterns):
    entries = read_table()
    if patterns == ["--check"]:
        sys.exit(check_that_all_stand(entries))
    chosen = [e for e in entries if not patterns or any(p in (e["invariant"], e["id"]) for p in patterns)]
    if not chosen:
        sys.exit(f"failed to find an entry for {' '.join(patterns)}: name an id or an invariant of tests/sabotage.toml")
    refresh_tree()
    check_that_all_pass({e["test"] for e in chosen})
    caught = 0
    for entry in chosen:
        began = time.monotonic()
        try:
            sabotage(entry)
            caught, word = caught + 1, "caught"
        except Complaint as complaint:
            word = f"NOT CAUGHT: {complaint}"
        print(f"{entry['invariant']:>3} {entry['id']}: {word} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{caught} of {len(chosen)} guards caught")
    sys.exit(0 if caught == len(chosen) else 1)


def read_table():
    entries = tomllib.loads((ROOT / "tests" / "sabotage.toml").read_text())["guard"]
    for entry in entries:
        if set(entry) != FIELDS:
            sys.exit(f"failed to read entry {entry.get('id')}: it has to have exactly {', '.join(sorted(FIELDS))}")
        if entry["text"] == entry["instead"]:
            sys.exit(f"failed to read entry {entry['id']}: it removes nothing")
    ids = [e["id"] for e in entries]
    for repeated in {i for i in ids if ids.count(i) > 1}:
        sys.exit(f"failed to read the table: two entries are named {repeated}")
    for missing in set(INVARIANTS) - {e["invariant"] for e in entries}:
        sys.exit(f"failed to read the table: no entry is about {missing}")
    return entries


def check_that_all_stand(entries):
    moved = [f"{e['id']}: {why}" for e in entries if (why := misplaced(e, ROOT))]
    print("\n".join(moved) or f"{len(entries)} guards stand where tests/sabotage.toml says")
    return 1 if moved else 0


def misplaced(entry, tree):
    """Why the guard cannot be taken out of `tree`; None if it can be."""
    path = tree / entry["file"]
    if not path.is_file():
        return f"there is no {entry['file']}"
    times = path.read_text().count(entry["text"])
    return None if times == 1 else f"its text occurs {times} times in {entry['file']}; it has to occur exactly once"


def refresh_tree():
    """Makes the copy what the tree is now. A file that is alike keeps its time, so that cargo need not compile it anew."""
    listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT).stdout.split("\0")
    wanted = {name for name in listed if name and (ROOT / name).is_file()}
    for name in wanted:
        put(TREE / name, (ROOT / name).read_bytes())
    for path in TREE.rglob("*"):
        if path.is_file() and str(path.relative_to(TREE)) not in wanted:
            path.unlink()


def put(path, content):
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def check_that_all_pass(tests):
    for package, target in sorted({tuple(t.split("/")[:2]) for t in tests}):
        names = sorted(t.split("/")[2] for t in tests if t.startswith(f"{package}/{target}/"))
        result = cargo_test(package, target, names)
        passed = set(re.findall(r"^test (\S+) \.\.\. ok$", result.stdout, re.MULTILINE))
        for name in names:
            if name not in passed:
                sys.exit(f"failed to begin: {package}/{target}/{name} does not pass as things are\n{tail(result)}")


def sabotage(entry):
    package, target, test = entry["test"].split("/")
    path = TREE / entry["file"]
    if why := misplaced(entry, TREE):
        raise Complaint(why)
    whole = path.read_text()
    path.write_text(whole.replace(entry["text"], entry["instead"]))
    try:
        if not compiles(package, target):
            raise Complaint("what is left does not compile; write what stands there without the guard")
        result = cargo_test(package, target, [test])
        if f"test {test} ... FAILED" not in result.stdout and "timed out" not in result.stdout:
            raise Complaint(f"{entry['test']} does not miss it\n{tail(result)}")
    finally:
        path.write_text(whole)


def compiles(package, target):
    return cargo(package, target, ["--no-run"]).returncode == 0


def cargo_test(package, target, names):
    return cargo(package, target, ["--", "--exact", *names])


def cargo(package, target, rest):
    flags = [flag for line in CONFIG for flag in ("--config", line)]
    which = ["--lib"] if target == "lib" else ["--test", target]
    # Explorations play for minutes unless they are optimised.
    profile = ["--profile", "exhaustive"] if target == "explore" else []
    command = ["cargo", "test", "--offline", *flags, *profile, "-p", package, *which, *rest]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(SCRATCH / "target"), "CARGO_TERM_COLOR": "never"}
    return run(command, TREE, environment)


def run(command, where, environment=None):
    try:
        return subprocess.run(
            command, cwd=where, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, f"timed out after {TIMEOUT_S} s", "")


def tail(result):
    return "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])


if __name__ == "__main__":
    main(sys.argv[1:])
