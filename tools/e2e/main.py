"""The built zips, deployed into two Regions of an emulated AWS by the steps of `make deploy`, and runs through their doors.

Purpose: what a user deploys is what runs here: template, zips, machine, alarm. No container, no account, loopback only.
What is emulated by whom: emulated_aws.py and emulated_states.py are AWS; the workload (databases, caches, services, routing
controls, canaries) is `lifeboat simulate`. Each call of a function goes to the one or the other, by the endpoint variables of the SDKs.
Guarantees: every ending, report and state is looked at, and what each run went through is kept in target/e2e/recorded, where
`make e2e` then holds our own runner to it. What is started is ended.
Fails when: an artefact is missing, a port is taken, or anything ends otherwise than it must.
"""

import datetime
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import boto3
import botocore.config
import yaml

import record

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "target" / "e2e"
WORLD, PLATFORM, STATES = (f"http://127.0.0.1:{port}" for port in (4620, 4621, 4622))
EAST, WEST = "us-east-1", "us-west-2"
ACCOUNT = "111122223333"
STACK = "lifeboat"
CLIENTS_S = 150
PLAN = OUT / "plan.yaml"
HOSTS = OUT / "hosts"
LIFEBOAT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "lifeboat"


class Failed(Exception):
    """What went wrong."""


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    plan()
    run(["cargo", "build", "--quiet", "--workspace", "--all-features", "--bins"])  # as the tests build it
    with Started() as started:
        started.process("world", [LIFEBOAT, "simulate", "--port", port(WORLD), "--plan", PLAN], clean())
        started.process("states", [sys.executable, ROOT / "tools/e2e/emulated_states.py", port(STATES), PLATFORM],
                        clean() | {"MOTO_ACCOUNT_ID": ACCOUNT})
        started.process("platform", [sys.executable, ROOT / "tools/e2e/emulated_aws.py"], platform_environment())
        for url in (WORLD, STATES, PLATFORM):
            started.listens(url)
        started.follows_dns()
        deployed()
        tell("deployed, and rehearsed", ended(WEST, newest(WEST)), "Rehearsed")
        refusal()
        mid_run_failure()
        switchover()
        alarm()
    print(f"e2e: every run ended as it must; what each went through is in {record.FOLDER.relative_to(ROOT)}")


# ---- the parts -------------------------------------------------------------------------------------------------------------


def deployed():
    """By the very steps of `make deploy`, for the machine's own architecture."""
    begun = time.monotonic()
    with (OUT / "deploy.log").open("w") as log:
        run([ROOT / ".venv/bin/python", ROOT / "tools/deploy.py", "deploy", "--regions", f"{EAST},{WEST}", "--plan", PLAN,
             "--architecture", "x86_64", "--lifeboat", LIFEBOAT], env=person(WEST), stdout=log, stderr=subprocess.STDOUT)
    print(f"ok  deployed into {EAST} and {WEST} in {time.monotonic() - begun:.0f} s", flush=True)


def refusal():
    """A failover loses data, and the source is well: Assess says no, and nothing is changed."""
    arn = start(WEST, "failover", ["--max-data-loss", "30s"])
    tell("a failover from a Region that is well is refused", ended(WEST, arn), "Unchanged")


def mid_run_failure():
    """The databases move, and then nobody may touch traffic. A person reads it, mends the permission, and goes on."""
    control("fault", {"operation": "route53-recovery-cluster:UpdateRoutingControlStates", "kind": "denied", "skip": 0, "times": 1})
    arn = start(WEST, "switchover")
    tell("a switchover that is denied the routing controls", ended(WEST, arn), "NeedsOperator")
    acknowledge("the permission was given back")


def switchover():
    arn = start(WEST, "switchover")
    tell(f"the switchover to {WEST} goes on from there", ended(WEST, arn), "Completed")
    report(WEST, arn)
    served_by(WEST)


def alarm():
    """The Region that serves goes dark; the alarm of the other one calls start-run, and nobody else does anything."""
    acknowledge("the switchover was wanted; an outage after it may be answered at once")
    control("break", {"region": WEST})
    until(f"the canaries tell that {WEST} is dark", 300, lambda: all(value == 0 for value in seen_from_elsewhere(WEST)))
    print(f"    {WEST} is dark, and its canaries tell it", flush=True)
    watch = client("cloudwatch", EAST)
    watch.set_alarm_state(AlarmName=f"{STACK}-this-region", StateValue="OK", StateReason="e2e: this Region is well")
    watch.set_alarm_state(AlarmName=f"{STACK}-other-region", StateValue="OK", StateReason="e2e: until now")
    before = newest(EAST, none_is_fine=True)
    watch.set_alarm_state(AlarmName=f"{STACK}-other-region", StateValue="ALARM", StateReason="e2e: the other Region is dark")
    arn = until("start-run starts a run", 60, lambda: (found := newest(EAST, none_is_fine=True)) != before and found)
    tell(f"the alarm's failover to {EAST}", ended(EAST, arn), "Completed")
    report(EAST, arn)
    served_by(EAST)


# ---- what they need --------------------------------------------------------------------------------------------------------


def plan():
    """The example; but the simulated world's own alarm waits longer than we do, since the emulated one is to start the run."""
    text = yaml.safe_load((ROOT / "plans" / "retail-store.yaml").read_text())
    text["automation"]["alarm"]["evaluation_periods"] = 60
    PLAN.write_text(yaml.safe_dump(text, sort_keys=False))


def follow_dns(over):
    """The functions resolve names by a file, which follows the DNS of the world."""
    plan_ = yaml.safe_load(PLAN.read_text())
    address = {EAST: "198.51.100.1", WEST: "203.0.113.1"}
    while not over.wait(0.2):
        answering = control("state")["routing"]["dns_answers"]
        lines = [(address[region], answer) for name in plan_["dns"] for region, answer in name["answers"].items()]
        lines += [(address[region], name["name"]) for name in plan_["dns"] for region in answering]
        HOSTS.with_suffix(".new").write_text("".join(f"{ip} {name}\n" for ip, name in lines))
        HOSTS.with_suffix(".new").replace(HOSTS)


def clean():
    """No account's credentials, and nothing of the machine's AWS configuration."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return mine | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": WEST, "AWS_DEFAULT_REGION": WEST,
                   "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "SAM_CLI_TELEMETRY": "0"}


def platform_environment():
    """Its functions inherit it: the workload answers from the simulated world, what Lifeboat stands on from the platform."""
    ours = {f"AWS_ENDPOINT_URL_{service}": PLATFORM for service in ("DYNAMODB", "SFN", "SNS", "S3")}
    return clean() | ours | {
        "AWS_ENDPOINT_URL": WORLD, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": port(PLATFORM), "IOT_MTLS_PORT": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT, "LAMBDA_EXECUTOR": "local", "E2E_STATES": STATES, "E2E_WORLD": WORLD,
        "E2E_TABLE": STACK, "E2E_TABLE_REGION": WEST, "E2E_HOSTS": str(HOSTS),
    }


def person(region):
    return clean() | {"AWS_ENDPOINT_URL": PLATFORM, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def lifeboat(region, arguments):
    return run([LIFEBOAT, *arguments, "--region", region], env=person(region), capture_output=True).stdout


def start(region, mode, more=()):
    said = lifeboat(region, ["start", "retail-store", "--target", region, "--mode", mode, *more, "--by", "e2e", "--reason", "e2e",
                             "--yes", "--json"])
    return json.loads(said)["run"]


def acknowledge(reason):
    lifeboat(WEST, ["acknowledge", "retail-store", "--by", "e2e", "--reason", reason, "--yes"])


def ended(region, arn):
    """The run, once it has ended; what it went through is recorded."""
    states = client("stepfunctions", region)

    def described():
        found = states.describe_execution(executionArn=arn)
        return found if found["status"] != "RUNNING" else None

    run_ = until(f"{arn} ends", 900, described)
    record.write(states, run_)
    return run_


def newest(region, none_is_fine=False):
    states = client("stepfunctions", region)
    machine = f"arn:aws:states:{region}:{ACCOUNT}:stateMachine:lifeboat-failover"
    found = states.list_executions(stateMachineArn=machine)["executions"]
    if not found and not none_is_fine:
        raise Failed(f"no run in {region}")
    return max(found, key=lambda e: e["startDate"])["executionArn"] if found else None


def tell(what, run_, expected):
    """A run that did not complete fails with its outcome as the error's name."""
    said = json.loads(run_["output"])["outcome"] if run_["status"] == "SUCCEEDED" else run_.get("error", "")
    if said.removeprefix("Lifeboat.") != expected:
        raise Failed(f"{what}: expected {expected}, found {said}: {run_.get('cause') or run_.get('output')}")
    print(f"ok  {what}: {expected}", flush=True)


def report(region, arn):
    """It is in the bucket of the stack that ran, as a page and as data."""
    outputs = client("cloudformation", region).describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    bucket = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "ReportsBucket")
    name = arn.rsplit(":", 1)[1]
    keys = [entry["Key"] for entry in client("s3", region).list_objects_v2(Bucket=bucket).get("Contents", []) if name in entry["Key"]]
    if {key.rsplit(".", 1)[1] for key in keys} != {"html", "json"}:
        raise Failed(f"the report of {name} is not in {bucket}: {keys}")
    print(f"ok  its report is in {bucket}", flush=True)


def served_by(region):
    """What is true in the world: writers, traffic and clients, whatever the run said of them. Clients hold what DNS answered for its
    lifetime. The world's invariants are of no use here: they ask for locks and journals in its own table, and these runs have
    theirs in the deployed one."""

    def found():
        state = control("state")
        writers = {database["writer"] for database in state["databases"].values()}
        return (writers, state["routing"]["dns_answers"], state["clients"]["all_served"]) == ({region}, [region], True)

    until(f"{region} alone serves", CLIENTS_S, found)
    print(f"ok  {region} has all writers and all clients", flush=True)


def seen_from_elsewhere(region):
    """The newest result of each canary that watches `region` from another one."""
    now = datetime.datetime.now(datetime.timezone.utc)
    for canary in yaml.safe_load(PLAN.read_text())["canaries"]:
        if canary["watches"] == region != canary["runs_in"]:
            metric = {"Namespace": "CloudWatchSynthetics", "MetricName": "SuccessPercent",
                      "Dimensions": [{"Name": "CanaryName", "Value": canary["name"]}]}
            asked = [{"Id": "newest", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}]
            told = client("cloudwatch", canary["runs_in"], WORLD).get_metric_data(
                MetricDataQueries=asked, StartTime=now - datetime.timedelta(minutes=10), EndTime=now, ScanBy="TimestampDescending")
            yield next(iter(told["MetricDataResults"][0]["Values"]), None)


def control(what, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{WORLD}/simulator/{what}", data), timeout=10) as reply:
        return json.load(reply)


def client(service, region, url=PLATFORM):
    return boto3.client(service, region_name=region, endpoint_url=url, aws_access_key_id="test", aws_secret_access_key="none",
                        config=botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}))


def until(what, seconds, look):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    raise Failed(f"{what}: not within {seconds} s")


def run(command, **more):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, text=True, check=False, **more)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))} exited {done.returncode}:\n{done.stdout or ''}{done.stderr or ''}")
    return done


def port(url):
    return url.rsplit(":", 1)[1]


class Started:
    """The processes of a run of this script; all are ended with it."""

    def __enter__(self):
        self.processes, self.over, self.dns = {}, threading.Event(), None
        return self

    def follows_dns(self):
        self.dns = threading.Thread(target=follow_dns, args=(self.over,), daemon=True)
        self.dns.start()

    def process(self, name, command, environment):
        log = (OUT / f"{name}.log").open("w")
        self.processes[name] = subprocess.Popen([str(word) for word in command], cwd=ROOT, env=environment, stdout=log,
                                                stderr=subprocess.STDOUT, start_new_session=True)

    def listens(self, url):
        def answers():
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise Failed(f"{name} ended with {process.returncode}: {OUT / name}.log says why")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", int(port(url)))) == 0

        until(f"something listens at {url}", 60, answers)

    def __exit__(self, *_):
        self.over.set()
        if self.dns:
            self.dns.join()
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("e2e: ended"))  # what was started is ended, too
    try:
        main()
    except Failed as problem:
        sys.exit(f"e2e: {problem}\nthe logs of what was emulated are in {OUT.relative_to(ROOT)}")
