"""Every function, a bare one in Rust, and the published sample's way in Python: started again and again, side by side.

Purpose: cold start in wall and CPU time, instructions, memory and size. Guarantees: interleaved, so that what else the machine
does falls on all of them alike; every start is kept. Effects: starts processes, which call a simulated world on loopback.
Fails when: one of them does not start, or does not answer.
"""

import itertools
import json
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import shares
from process import Subject, measure
from runtime_api import RuntimeApi
from world import ACCOUNT, ARTEFACTS, HELLO, MACHINE, REGION, ROOT, SOURCE, World, example_plan, with_databases

SAMPLES = Path(__file__).resolve().parent / "samples"
EVENTS = {"start-run": "start-run-alarm"}
MEMORIES_MB = [128, 512]
# A failover of a database that is under way is refused: each invocation has one of its own.
DATABASES = 400


def main(options, scratch):
    """The figures of everything, with how they were made."""
    common = ["--fixed-dns", "--seed", "1"]
    with World(scratch, "functions", example_plan(), *common) as world, \
            World(scratch, "samples", with_databases(example_plan(), DATABASES), *common) as samples:
        subjects = [*rust(world), *python(samples)]
        log = scratch / "functions-said.log"
        found = {"subjects": {s.name: {"zip_bytes": size(s.zip)} for s in subjects}, "throttled_by": {},
                 "not_measured": ["TLS: the functions trust Amazon's roots only, which are compiled in; all calls are plain HTTP "
                                  "on loopback, for everything that is measured"]}
        rounds(subjects, shares.whole, options.runs, options.warm, log, found, "whole")
        for megabytes in MEMORIES_MB:
            share, how = shares.of_memory(megabytes)
            found["throttled_by"][str(megabytes)] = how
            rounds(subjects, share, max(1, options.runs // 3), 0, log, found, f"{megabytes} MB")
        count_calls(subjects, {"rust": world, "python": samples}, log, found)
    count_instructions(subjects, scratch, found)
    if missing := [s.name for s in subjects if s.zip and not s.zip.exists()]:
        found["not_measured"].append(f"zips: none beside the binaries of {', '.join(missing)}")
    return found


def size(path):
    return path.stat().st_size if path and path.exists() else None


def rounds(subjects, share, runs, warm, log, found, key):
    """All subjects in turn, `runs` times; their medians and every single start."""
    for _number, subject in itertools.product(range(runs), subjects):
        entry = found["subjects"][subject.name].setdefault(key, {"starts": []})
        entry["starts"].append(asdict(measure(subject, share, warm, log)))
    for subject in subjects:
        entry = found["subjects"][subject.name][key]
        entry["median"] = medians(entry["starts"])
        print(f"{key:>8}  {subject.name:18} " + "  ".join(f"{name} {value:.2f}" for name, value in entry["median"].items()),
              flush=True)


def medians(starts):
    def of(name):
        values = [value for s in starts for value in (s[name] if isinstance(s[name], list) else [s[name]])]
        return statistics.median(values) if values else None

    found = {name: of(name) for name in starts[0] if name != "said"}
    found["init_and_first_cpu_ms"] = statistics.median(s["init_cpu_ms"] + s["first_cpu_ms"] for s in starts)
    found["init_and_first_wall_ms"] = statistics.median(s["init_wall_ms"] + s["first_wall_ms"] for s in starts)
    return {name: value for name, value in found.items() if value is not None}


def rust(world):
    environment = {
        **world.environment, "AWS_REGION": REGION, "LIFEBOAT_TABLE": "lifeboat", "LIFEBOAT_TABLE_REGION": REGION,
        "LIFEBOAT_STATE_MACHINE": MACHINE, "LIFEBOAT_TOPIC": f"arn:aws:sns:{REGION}:{ACCOUNT}:lifeboat-notices",
        "LIFEBOAT_BUCKET": f"lifeboat-reports-{REGION}", **lambda_sets("bench")}
    names = sorted(path.name for path in (ROOT / "functions").iterdir())
    yield Subject("hello", [HELLO], environment, {}, HELLO.parent.parent / "hello.zip")
    for name in names:
        event = json.loads((ROOT / "events" / f"{EVENTS.get(name, name)}.json").read_text())
        binary = ARTEFACTS / name / "bootstrap"
        yield Subject(name, [binary], environment, event, ARTEFACTS / f"{name}.zip")


def python(world):
    environment = {
        **world.environment, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true", "LAMBDA_TASK_ROOT": str(SAMPLES), "PYTHONPATH": str(SAMPLES),
        "POWERTOOLS_METRICS_NAMESPACE": "bench", "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000", **lambda_sets("bench")}
    command = [sys.executable, "-m", "awslambdaric"]
    routing = {
        # boto3 takes AWS_ENDPOINT_URL only where the handler names no endpoint.
        "endpoints": [{"url": world.url, "region": REGION}],
        "control": world.plan["routing"]["controls"][SOURCE], "state": "On"}
    databases = iter(world.plan["databases"])

    def database():
        taken = next(databases)
        return {"global_cluster": taken["global_cluster"], "target": taken["clusters"][REGION]}

    yield Subject("python-hello", [*command, "nothing.handler"], environment, {})
    yield Subject("python-routing", [*command, "routing.handler"], environment, routing)
    yield Subject("python-database", [*command, "database.handler"], environment, database)


def lambda_sets(name):
    return {"AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}", "AWS_LAMBDA_LOG_STREAM_NAME": "bench"}


def count_calls(subjects, worlds, log, found):
    """How many calls a first invocation makes: what the simulated AWS saw of one more."""
    for subject in subjects:
        world = worlds["python" if subject.name.startswith("python") else "rust"]
        before = arrived(world)
        measure(subject, shares.whole, 0, log)
        found["subjects"][subject.name]["calls"] = arrived(world) - before


def arrived(world):
    requests = world.state()["requests"]
    return requests if isinstance(requests, int) else total(requests)


def total(counted):
    if isinstance(counted, dict):
        return sum(total(value) for value in counted.values())
    return len(counted) if isinstance(counted, list) else counted


def count_instructions(subjects, scratch, found):
    """Instructions from the start to the first poll."""
    valgrind = shutil.which("valgrind")
    if not valgrind:
        found["not_measured"].append("instructions: valgrind is not installed (Debian: apt-get install valgrind)")
        return
    for subject in subjects:
        out, log = scratch / f"callgrind-{subject.name}.out", scratch / f"callgrind-{subject.name}.log"
        out.unlink(missing_ok=True)
        with RuntimeApi() as api:
            command = [valgrind, "--tool=callgrind", f"--callgrind-out-file={out}", *subject.command]
            process = subprocess.Popen(command, env=subject.environment | {"AWS_LAMBDA_RUNTIME_API": api.address},
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log.open("w"))
            try:
                api.await_("poll")
            finally:
                process.terminate()
                process.wait(60)
        text = out.read_text() if out.exists() else ""
        counted = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
        if counted:
            found["subjects"][subject.name]["init_instructions"] = int(counted[1])
        else:
            found["not_measured"].append(f"instructions of {subject.name}: callgrind wrote no total")
