"""What a run went through in the emulated AWS, as a script and a history that our own runner is then held to.

Purpose: the same answers of the functions must lead both interpreters through the same states to the same end.
Guarantees: what is recorded is the execution's own history, whole; the form is that of tests/tests/differential.
Effects: writes target/e2e/recorded/NAME.json.
"""

import collections
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "target" / "e2e" / "recorded"

# More than a run may take.
NEVER_S = 100_000


def write(states, run):
    events = history(states, run["executionArn"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    recorded = {
        "input": json.loads(run["input"]),
        "functions": answers(events),
        "result": result(run),
        "events": [event(e) for e in events],
    }
    (FOLDER / f"{run['name']}.json").write_text(json.dumps(recorded, indent=1) + "\n")


def history(states, arn):
    events, more = [], {}
    while True:
        page = states.get_execution_history(executionArn=arn, maxResults=1000, **more)
        events += page["events"]
        if not page.get("nextToken"):
            return events
        more = {"nextToken": page["nextToken"]}


def result(run):
    if run["status"] == "SUCCEEDED":
        return {"output": json.loads(run["output"])}
    return {"error": run.get("error", "States.Timeout"), "cause": run.get("cause", "")}


def answers(events):
    """By function, and by the first of its resources where it has such, each answer in the order of the calls. One that was
    not awaited to its end, since another branch failed, never answers."""
    by_id = {e["id"]: e for e in events}
    ends = {scheduled_before(e, by_id): e for e in events if e["type"] in ("TaskSucceeded", "TaskFailed")}
    found = collections.defaultdict(list)
    for call in events:
        if call["type"] == "TaskScheduled":
            found[key(call["taskScheduledEventDetails"])].append(answer(call, ends.get(call["id"])))
    return found


def answer(call, end):
    if end is None:
        return {"returns": None, "after_s": NEVER_S}
    took = {"after_s": round((end["timestamp"] - call["timestamp"]).total_seconds(), 3)}
    if end["type"] == "TaskSucceeded":
        return took | {"returns": json.loads(end["taskSucceededEventDetails"]["output"])["Payload"]}
    details = end["taskFailedEventDetails"]
    cause = json.loads(details["cause"]) if details.get("cause", "").startswith("{") else {}
    return took | {"error": details["error"], "message": cause.get("errorMessage", details.get("cause", ""))}


def scheduled_before(e, by_id):
    """The call that an event ends, by its number."""
    while e["type"] != "TaskScheduled":
        e = by_id[e["previousEventId"]]
    return e["id"]


def key(scheduled):
    """As the definition names the function before CloudFormation puts its ARN there: `${AdmitFunctionArn}`."""
    parameters = json.loads(scheduled["parameters"])
    step = parameters["FunctionName"].split(":function:")[1].split(":")[0]
    name = next(word for word in step.split("-") if word.endswith("Function")) if "Function" in step else step
    resources = parameters.get("Payload", {}).get("resources")
    return f"${{{name}Arn}}" + (f" {resources[0]}" if resources else "")


def event(e):
    details = next((value for name, value in e.items() if name.endswith("EventDetails")), None) or {}
    said = {"id": e["id"], "previous": e["previousEventId"], "type": e["type"], "at_ms": 0}
    return said | {name: details[name] for name in ("name", "index") if name in details}
