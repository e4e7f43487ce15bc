"""BENCHMARKS.md, made of target/bench/bench.json.

Guarantees: made of the figures alone: the same figures give the same text. What was not measured is named.
"""

import statistics

import goals
import prices


def write(results):
    """The whole page."""
    parts = ["# Benchmarks", "Made by `make bench`; the raw figures are in target/bench/bench.json. Do not edit."]
    parts += [section for part, section in (("functions", cold_starts), ("runs", whole_runs), ("compare", compared))
              if part in results for section in section(results[part])]
    return "\n\n".join([*parts, *judged(results["goals"])]) + "\n"


def table(head, rows):
    aligned = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, aligned, *rows])


def made(how):
    return (f"{how['date']}, {how['machine']}, load {how['load_at_start']:.1f} at the start, Python {how['python']}, "
            f"commit {how['commit']}: `{how['command']}`")


def cold_starts(part):
    found = part["found"]
    subjects = found["subjects"]
    starts = len(subjects["hello"]["whole"]["starts"])
    yield "## Cold starts"
    yield made(part["how"])
    yield (f"Medians of {starts} starts of each, all in turn, under one stand-in for Lambda's Runtime API. *init*: from the "
           "start of the process to its first poll; *first*: the first invocation, which makes so many *calls*; *warm*: later "
           "ones. CPU is user and system together. `hello` is a bare `lambda_runtime` function, which calls nothing, compiled as ours are. "
           "`python-routing` (read, set and read a routing control) and `python-database` (read and fail over a global database) "
           "do as the published sample does: boto3, Powertools logger, tracer and metrics. Our functions get their events of "
           "`events/`: a rehearsal, which reads and signs as a run does, and sends nothing that changes anything.")
    yield table(["function", "init CPU ms", "to hello", "first CPU ms", "calls", "warm CPU ms", "init + first", "to hello",
                 "to Python", "init Minstr.", "peak MB", "zip MB"], [row(name, subjects) for name in subjects])
    yield "### With the CPU that Lambda gives to some memory"
    yield ("Wall milliseconds; 1,769 MB are one vCPU. The first invocation includes what the simulated AWS takes to answer. "
           + " ".join(f"{mb} MB: {how}." for mb, how in found["throttled_by"].items()))
    shares = [f"{mb} MB" for mb in found["throttled_by"]]
    yield table(["function", "init", *(f"init, {s}" for s in shares), *(f"first, {s}" for s in shares)],
                [[name, f"{s['whole']['median']['init_wall_ms']:.1f}", *(f"{s[k]['median']['init_wall_ms']:.1f}" for k in shares),
                  *(f"{s[k]['median']['first_wall_ms']:.0f}" for k in shares)] for name, s in subjects.items()])
    if found["not_measured"]:
        yield "Not measured:\n" + "\n".join(f"- {what}" for what in found["not_measured"])


def row(name, subjects):
    subject, mine = subjects[name], subjects[name]["whole"]["median"]
    hello = subjects["hello"]["whole"]["median"]
    python = min(subjects[way]["whole"]["median"]["init_and_first_cpu_ms"] for way in goals.PYTHON_WAY)
    cold, counted = mine["init_and_first_cpu_ms"], subject.get("init_instructions")
    warm = f"{mine['warm_cpu_ms']:.2f}" if "warm_cpu_ms" in mine else ""
    return [name, f"{mine['init_cpu_ms']:.2f}", f"{mine['init_cpu_ms'] / hello['init_cpu_ms']:.2f}",
            f"{mine['first_cpu_ms']:.2f}", str(subject["calls"]), warm, f"{cold:.2f}",
            f"{cold / hello['init_and_first_cpu_ms']:.2f}", f"1/{python / cold:.0f}",
            f"{counted / 1e6:.2f}" if counted else "", f"{mine['peak_bytes'] / goals.MB:.1f}",
            f"{subject['zip_bytes'] / goals.MB:.2f}" if subject["zip_bytes"] else ""]


def whole_runs(part):
    found = part["found"]
    yield "## Runs"
    yield made(part["how"])
    yield (f"Planned moves with the built functions, in real time, against `lifeboat simulate` ({found['plan']}). The chain is "
           "the longest promotion and then the longest of green window, DNS and canaries, as seen from outside every "
           f"{found['look_s']} s; overhead is the rest: transitions, cold starts, calls, polls. The goals are for the medians.")
    yield table(["databases", "seed", "run s", "chain s", "overhead s", "goal s", "transitions", "retries", "invocations",
                 "environments", "function s"],
                [[str(r["databases"]), str(r["seed"]), f"{r['run_s']:.1f}", f"{r['chain_s']:.1f}", f"{r['overhead_s']:.1f}",
                  str(goals.OVERHEAD_S.get(r["databases"], "")), str(r["transitions"]), str(r["retries"]), str(r["invocations"]),
                  str(r["environments"]), f"{r['function_s']:.1f}"] for r in found["runs"]])
    yield "### What it costs"
    yield table(["median of", *next(iter(found["runs"]))["dollars"]],
                [[f"runs, {count} databases", *(f"${statistics.median(d):.5f}" for d in zip(*parts, strict=True))]
                 for count, parts in by_count(found["runs"], lambda run: run["dollars"].values()).items()])
    idle = " + ".join(f"{name} ${dollars:.2f}" for name, dollars in found["idle_month_dollars"].items())
    yield f"An idle month of one stack: {idle}. Not counted, here and above: {prices.NOT_COUNTED}."
    yield table(["price, November 2026", "dollars", "source"],
                [[name, f"{dollars:.10f}".rstrip("0").rstrip("."), f"<{source}>"]
                 for name, (dollars, source) in prices.PRICES.items()])


def by_count(runs, figure):
    found = {}
    for run in runs:
        found.setdefault(run["databases"], []).append(figure(run))
    return found


def compared(part):
    found = part["found"]
    yield "## Simulated runs"
    yield made(part["how"])
    yield (f"`lifeboat compare` plays {found['runs']:,} runs, {found['seeds']:,} seeds by three orders, in "
           f"{found['took_s']:.1f} s: "
           f"**{found['runs_per_s']:.0f} a second** (CPU time: {found['cpu_s']:.1f} s).")
    yield found["table"].strip()


def judged(found):
    yield "## Goals"
    if not found:
        yield "None was judged: neither functions nor runs were measured."
        return
    kinds = list(dict.fromkeys(goal["goal"] for goal in found))
    rows = []
    for kind in kinds:
        of_kind = [goal for goal in found if goal["goal"] == kind]
        counted = {word: sum(goal["verdict"] == word for goal in of_kind) for word in ("met", "accepted", "missed")}
        worst = max(of_kind, key=lambda goal: goal["found"])
        rows.append([kind, f"{worst['most']:g}", f"{min(g['found'] for g in of_kind):g} to {worst['found']:g}",
                     *(str(n) for n in counted.values())])
    yield table(["goal", "at most", "found", "met", "accepted", "missed"], rows)
    misses = [goal for goal in found if goal["verdict"] != "met"]
    if misses:
        yield table(["not met", "found", "at most", "why"],
                    [[goal["what"], f"{goal['found']:g}", f"{goal['most']:g}", goal["why"] or "**not accepted**"]
                     for goal in misses])
