"""What the figures are held to, and which misses are accepted, with the reason.

Purpose: one place where a goal stands. Guarantees: a miss that is not accepted here fails `make bench`, and so does one that is
accepted up to a figure and is worse than that; an accepted miss that is met again is told as met.
"""

import statistics

PYTHON_WAY = ("python-routing", "python-database")
MB = 1_000_000

# Name, what it holds, and the most it may be.
INIT_TO_HELLO = ("init CPU, to hello's", 1.6)
COLD_TO_HELLO = ("init and first invocation CPU, to hello's", 3.0)
COLD_TO_PYTHON = ("init and first invocation CPU, to the Python way's", 1 / 80)
PEAK = ("peak memory, MB", 8.0)
PEAK_TO_PYTHON = ("peak memory, to the Python way's", 1 / 6)
ZIP = ("zip, MB", 2.0)
OVERHEAD_S = {1: 5.0, 100: 8.0}

CALLS = ("hello makes no call; these make two to nine, each some 0.4 ms of CPU in the SDK and the kernel: a step reads plan, lock and "
         "kill switch before it acts, and writes what it did")
CALLS_OF_PYTHON = "the sample makes two or three calls and checks nothing; call by call ours take a tenth of its warm CPU time"
ASSESS = "it looks at everything that a run could move, at once: 31 calls by the clients of eight services in two Regions"

# (goal, function or "*"): the most that is accepted, and why.
ACCEPTED = {
    (COLD_TO_HELLO[0], "*"): (5.5, CALLS),
    (COLD_TO_HELLO[0], "assess"): (13.0, ASSESS),
    (COLD_TO_PYTHON[0], "*"): (1 / 36, CALLS_OF_PYTHON),
    (COLD_TO_PYTHON[0], "assess"): (1 / 14, ASSESS),
    (PEAK[0], "assess"): (11.0, ASSESS),
    (PEAK_TO_PYTHON[0], "assess"): (0.21, ASSESS),
    (ZIP[0], "assess"): (2.7, ASSESS),
    (ZIP[0], "scale-compute"): (2.2, "services, their auto scaling and their load balancers: two of the largest clients"),
    (ZIP[0], "promote-broker"): (2.02, "the broker's client and CloudWatch's, for the queues"),
}


def judge(results):
    """Every goal that can be judged by what was measured."""
    goals = []
    if "functions" in results:
        goals += functions(results["functions"]["found"]["subjects"])
    runs = results.get("runs", {"found": {"runs": []}})["found"]["runs"]
    for count, most in OVERHEAD_S.items():
        if overheads := [run["overhead_s"] for run in runs if run["databases"] == count]:
            goals.append(verdict(f"run overhead, s, {count} databases", "*", statistics.median(overheads), most))
    return goals


def functions(subjects):
    hello = subjects["hello"]["whole"]["median"]
    ways = [subjects[name]["whole"]["median"] for name in PYTHON_WAY]
    for name, subject in subjects.items():
        if name == "hello" or name.startswith("python-"):
            continue
        mine = subject["whole"]["median"]
        cold = mine["init_and_first_cpu_ms"]
        found = [
            (INIT_TO_HELLO, mine["init_cpu_ms"] / hello["init_cpu_ms"]),
            (COLD_TO_HELLO, cold / hello["init_and_first_cpu_ms"]),
            # Of the two samples, the one that is nearer to us.
            (COLD_TO_PYTHON, cold / min(way["init_and_first_cpu_ms"] for way in ways)),
            (PEAK, mine["peak_bytes"] / MB),
            (PEAK_TO_PYTHON, mine["peak_bytes"] / min(way["peak_bytes"] for way in ways)),
        ]
        if subject["zip_bytes"]:
            found.append((ZIP, subject["zip_bytes"] / MB))
        for (what, most), figure in found:
            yield verdict(what, name, figure, most)


def verdict(goal, function, figure, most):
    accepted, why = ACCEPTED.get((goal, function)) or ACCEPTED.get((goal, "*")) or (most, "")
    if figure <= most:
        word = "met"
    elif figure <= accepted:
        word = "accepted"
    else:
        word = "missed"
    what = goal if function == "*" else f"{function}: {goal}"
    return {"what": what, "goal": goal, "function": function, "found": round(figure, 4), "most": round(most, 4), "verdict": word,
            "why": why if word == "accepted" else ""}
