"""Runs cargo-mutants and holds what it finds to the list of accepted mutants (tests/mutants.toml).

Purpose: a change of a decision that no test misses is a decision that nobody has written down.
Guarantees: each mutant is first tried with the tests that take no time, and only what they miss with all of them. A mutant is
known by its file, what was changed and the code that it stands on, so that lines may move.
Fails when: fewer than 95 % of the viable mutants are caught, a missed one is not accepted, or an accepted one is caught or,
in a whole run, is not there any more.

Usage: mutants.py model|steps [ARGS of cargo mutants, such as --shard 0/8]
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARGO_MUTANTS = ROOT / ".tools" / "bin" / "cargo-mutants"
OUT = ROOT / "target" / "mutants"
LEAST_SHARE = 0.95
FIELDS = {"file", "mutant", "code", "reason"}

# Those that walk through a whole space of inputs. What the others miss is tried with these too.
LONG = {
    "model": [
        "what_an_alarm_hears_before_it_starts_a_run_is_what_the_lock_says",
        "liveness_from_every_state_time_and_an_acknowledgement_let_any_run_start",
        "s7_no_history_of_any_length_ends_in_an_automatic_failback",
        "s9_only_a_fresh_unmuted_transition_into_alarm_where_it_runs_starts_a_run",
        "s9_assess_hears_of_everything_in_the_state_that_would_forbid_the_call",
        "s8_s9_a_switchover_starts_from_an_available_datastore_with_a_known_lag_within_the_limit",
        "two_faults_are_refused_for_the_reasons_of_both",
    ],
    # Those that play many whole runs.
    "steps": [
        "single_faults_at_each_operation",
        "s14_a_stop_at_any_moment",
        "the_own_overhead",
        "a_plan_of_a_thousand_resources",
    ],
}
SCOPE = {
    # Its tests go through many inputs: what they are made of is compiled once and optimised.
    "model": ["-p", "lifeboat-model", '--cargo-arg=--config=profile.dev.package."*".opt-level=2'],
    # The steps have few tests of their own: what holds them is the world in which they run.
    "steps": [
        *["--workspace", "-f", "crates/step/src/*.rs", "-f", "functions/*/src/*.rs", "-e", "functions/*/src/main.rs"],
        *["--test-package", "lifeboat-tests,lifeboat-step,conclude"],
    ],
}
# One failure is enough. That rustc's own test harness stops at the first is not stable yet: so it is let, where tests run only.
FIRST_FAILURE = ["-Z", "unstable-options", "--fail-fast"]
LET = """--cargo-arg=--config=target.'cfg(all())'.runner=["env", "RUSTC_BOOTSTRAP=1"]"""


def main(scope, arguments):
    accepted = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text()).get("accepted", [])
    for entry in accepted:
        if set(entry) != FIELDS or not entry["reason"].strip():
            sys.exit(f"failed to read an accepted mutant: it has to have exactly {', '.join(sorted(FIELDS))}: {entry}")
    skipped = [word for name in LONG[scope] for word in ("--skip", name)]
    quick = run(scope, arguments, skipped)
    whole = run(scope, ["--iterate", *arguments], []) if missed_of(quick) else []
    judge(scope, arguments, accepted, quick, whole)


def run(scope, arguments, skipped):
    command = [str(CARGO_MUTANTS), "mutants", *SCOPE[scope], LET, "-o", str(OUT), "--no-shuffle", "--colors", "never", *arguments]
    command += ["--", "--tests", "--", *FIRST_FAILURE, *skipped]
    OUT.mkdir(parents=True, exist_ok=True)
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    # 2 and 3: some were missed, or took too long.
    if code not in (0, 2, 3):
        sys.exit(f"failed to run cargo-mutants: it ended with {code}; {OUT / 'mutants.out' / 'log'} says more")
    outcomes = json.loads((OUT / "mutants.out" / "outcomes.json").read_text())["outcomes"]
    return [(o["scenario"]["Mutant"], o["summary"]) for o in outcomes if isinstance(o["scenario"], dict)]


def missed_of(outcomes):
    return [mutant for mutant, summary in outcomes if summary == "MissedMutant"]


def judge(scope, arguments, accepted, quick, whole):
    viable = [mutant for mutant, summary in quick if summary not in ("Unviable", "Failure", "Success")]
    missed = missed_of(whole)
    keys = {key_of(mutant) for mutant in missed}
    caught_keys = {key_of(mutant) for mutant in viable} - keys
    complaints = []
    for mutant in missed:
        if key_of(mutant) not in {key(entry) for entry in accepted}:
            complaints.append(f"missed, and not accepted: {mutant['name']}\n    {describe(mutant)}")
    for entry in accepted:
        if key(entry) in caught_keys:
            complaints.append(f"accepted, and caught: take it off the list: {entry['file']}: {entry['mutant']}")
        elif key(entry) not in keys and not arguments and in_scope(scope, entry["file"]):
            complaints.append(f"accepted, and not there any more: {entry['file']}: {entry['mutant']}: {entry['code']}")
    share = 1 - len(missed) / len(viable) if viable else 1.0
    if share < LEAST_SHARE:
        complaints.append(f"fewer than {LEAST_SHARE:.0%} were caught")
    print("\n".join(complaints))
    print(f"{len(viable)} viable, {len(viable) - len(missed)} caught, {len(missed)} missed: {share:.1%}")
    sys.exit(1 if complaints else 0)


def in_scope(scope, file):
    return file.startswith("crates/model/") == (scope == "model")


def key(entry):
    return entry["file"], entry["mutant"], entry["code"]


def key_of(mutant):
    return key(description(mutant))


def description(mutant):
    """File, change and the rest of the line that it stands on, from where it begins."""
    start = mutant["span"]["start"]
    line = (ROOT / mutant["file"]).read_text().splitlines()[start["line"] - 1]
    change = mutant["name"].split(": ", 1)[1]
    return {"file": mutant["file"], "mutant": change, "code": line[start["column"] - 1 :].strip()}


def describe(mutant):
    return json.dumps(description(mutant))


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in SCOPE:
        sys.exit("usage: mutants.py model|steps [ARGS of cargo mutants]")
    main(sys.argv[1], sys.argv[2:])
