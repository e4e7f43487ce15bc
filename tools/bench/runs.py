"""Runs of the shipped state machine with the built functions, in real time, against a simulated world.

Purpose: what a run takes beyond the longest chain of the services' own times, and what it costs.
Guarantees: a planned move of a plan with databases only. The chain is the longest promotion that was seen, then the longest
of the green window, DNS, and the canaries' first results since the move: what no machine could make shorter. It is seen from
outside, LOOK_S apart, so it is that coarse. Effects: starts `lifeboat simulate`. Fails when: a run does not complete.
"""

import datetime
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import prices
from botocore.config import Config
from world import ARTEFACTS, MACHINE, REGION, Failed, World, example_plan, with_databases

LOOK_S = 0.25
RUN_S_MAX = 900
GREEN_WINDOW_S = 60
CHAIN = "databases only: caches, brokers, tables and services are left out, so that the chain can be seen from outside"


def main(options, scratch):
    """The runs for each number of databases: some at once, each of another seed, since nearly all of a run is waiting."""
    found = {"plan": CHAIN, "look_s": LOOK_S, "runs": []}
    folder = flatten(scratch / "functions")
    for count in options.databases:
        with ThreadPoolExecutor(options.repeats) as at_once:
            seeds = range(1, options.repeats + 1)
            found["runs"] += at_once.map(lambda seed, count=count: one(scratch, folder, count, seed), seeds)
    found["idle_month_dollars"] = prices.idle_month()
    return found


def one(scratch, folder, count, seed):
    """A run of a world of so many databases."""
    plan = with_databases(example_plan(), count)
    for kind in ("caches", "brokers", "tables", "services"):
        plan.pop(kind)
    with World(scratch, f"run-{count}-{seed}", plan, "--functions", folder, "--fixed-dns", "--seed", seed) as world:
        played = play(world, plan) | {"databases": count, "seed": seed}
    played |= functions_used(world.said)
    print(f"{count} databases, seed {seed}: run {played['run_s']:.1f} s, chain {played['chain_s']:.1f} s, "
          f"overhead {played['overhead_s']:.1f} s, {played['transitions']} transitions", flush=True)
    return played | {"dollars": prices.of_run(played)}


def flatten(folder):
    """`lifeboat simulate` looks for DIR/FUNCTION; the artefacts are DIR/FUNCTION/bootstrap."""
    folder.mkdir(exist_ok=True)
    for binary in ARTEFACTS.glob("*/bootstrap"):
        link = folder / binary.parent.name
        link.unlink(missing_ok=True)
        link.symlink_to(binary.resolve())
    return folder


def client(world, service):
    return boto3.client(service, region_name=REGION, endpoint_url=world.url, aws_access_key_id="operator",
                        aws_secret_access_key="none", config=Config(retries={"total_max_attempts": 1}))


def play(world, plan):
    states, metrics = client(world, "stepfunctions"), client(world, "cloudwatch")
    request = json.dumps({"plan": plan["name"], "target": REGION, "mode": "switchover"})
    arn = states.start_execution(stateMachineArn=MACHINE, name="bench", input=request)["executionArn"]
    seen = {"moving": {}, "moved": {}, "shifted": None, "served": None, "dns": None}
    look, beat = Look(world, metrics, plan, seen), threading.Event()
    deadline = time.monotonic() + RUN_S_MAX
    while (run := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        if time.monotonic() > deadline:
            raise Failed(f"the run of {len(plan['databases'])} databases still goes on after {RUN_S_MAX} s")
        look.take()
        beat.wait(LOOK_S)
    output = json.loads(run.get("output") or "{}")
    if output.get("outcome") != "Completed":
        raise Failed(f"the run of {len(plan['databases'])} databases ended {run['status']}: {run.get('cause')} {output}")
    state = world.state()
    if state["invariants"]["violations"]:
        raise Failed(f"invariants were violated: {state['invariants']}")
    run_s = (run["stopDate"] - run["startDate"]).total_seconds()
    promotion_s = max(seen["moved"].get(name, at) - at for name, at in seen["moving"].items())
    settling_s = max(GREEN_WINDOW_S, *(at - seen["shifted"] for at in (seen["dns"], seen["served"]) if at))
    events = [event["type"] for page in states.get_paginator("get_execution_history").paginate(executionArn=arn)
              for event in page["events"]]
    scheduled = sum(event in ("TaskScheduled", "LambdaFunctionScheduled") for event in events)
    retries = scheduled - sum(event == "TaskStateEntered" for event in events)
    return {"run_s": run_s, "promotion_s": promotion_s, "settling_s": settling_s, "chain_s": promotion_s + settling_s,
            "overhead_s": run_s - promotion_s - settling_s, "retries": max(0, retries),
            "transitions": sum(event.endswith("StateEntered") for event in events) + max(0, retries), "events": len(events)}


class Look:
    """What is true in the world, each time that it is looked at."""

    def __init__(self, world, metrics, plan, seen):
        self.world, self.metrics, self.seen = world, metrics, seen
        self.canaries = [c for c in plan["canaries"] if c["watches"] == REGION and c["runs_in"] == REGION]

    def take(self):
        state, now, seen = self.world.state(), time.monotonic(), self.seen
        for name, database in state["databases"].items():
            if database["moves_to"]:
                seen["moving"].setdefault(name, now)
                seen["moved"][name] = now
        if seen["shifted"] is None and state["routing"]["controls"][REGION] == "On":
            seen["shifted"], self.since = now, datetime.datetime.now(datetime.timezone.utc)
        if seen["shifted"] and seen["dns"] is None and state["routing"]["dns_answers"] == [REGION]:
            seen["dns"] = now
        if seen["shifted"] and seen["served"] is None and self.reported():
            seen["served"] = now

    def reported(self):
        """Whether every canary in the target has a result since traffic was moved."""
        asked = [{"Id": f"c{n}", "MetricStat": {
            "Metric": {"Namespace": "CloudWatchSynthetics", "MetricName": "SuccessPercent",
                       "Dimensions": [{"Name": "CanaryName", "Value": canary["name"]}]}, "Period": 60, "Stat": "Average"}}
            for n, canary in enumerate(self.canaries)]
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)
        told = self.metrics.get_metric_data(MetricDataQueries=asked, StartTime=self.since, EndTime=until)["MetricDataResults"]
        return all(any(at >= self.since for at in one["Timestamps"]) for one in told)


def functions_used(said):
    """Invocations, and how long they took by their own log lines."""
    took_ms = {}
    for line in said.read_text().splitlines():
        environment, _, entry = line.partition(" ")
        if '"event":"end"' in entry and entry.startswith("{"):
            took_ms.setdefault(environment, []).append(json.loads(entry)["duration_ms"])
    every = [ms for ones in took_ms.values() for ms in ones]
    return {"invocations": len(every), "environments": len(took_ms), "function_s": sum(every) / 1000}
