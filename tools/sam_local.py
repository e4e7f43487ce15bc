"""Tries every function through AWS SAM, in containers, against the simulator's HTTP face.

`sam build`; `sam local invoke` of each function with its event in events/; `sam local start-lambda` with an invoke through the
AWS CLI; and the door itself: with us-east-1 dark, `sam local invoke StartRunFunction` starts a run, which completes.
Replies are checked, as `sam local invoke` exits 0 even when a handler fails. Needs a container engine: see `make sam-local`.
"""

import datetime
import ipaddress
import json
import os
import pathlib
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
import botocore.config
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.executable).parent
BUILT = ROOT / ".aws-sam" / "build"
REGION = "us-west-2"
SOURCE = "us-east-1"
ACCOUNT = "111122223333"
SIMULATOR_PORT = 4610
LAMBDA_PORT = 4611
STATE_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:lifeboat-failover"

# In the order of a run: what each reply says, under `status`, `outcome` or `errorType`.
REPLIES = [
    ("start-run", "told"),  # its event is long past: people are told, and nothing starts
    ("admit", "done"),
    ("assess", "done"),
    ("isolate-source", "done"),
    ("scale-compute", "done"),
    ("promote-database", "done"),
    ("promote-cache", "done"),
    ("promote-broker", "done"),
    ("check-table", "done"),
    ("verify-writers", "done"),
    ("shift-traffic", "done"),
    ("verify-traffic", "done"),
    ("request-approval", "Lifeboat.Refused"),  # a rehearsal asks nobody: its event is of a run that holds no lock
    ("conclude", "Rehearsed"),
]


class Failed(Exception):
    """What went wrong, and what to do."""


def main():
    gateway = engine()
    subprocess.run([ROOT / "tools" / "base-image.sh", rie()], check=True)
    build()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        url = f"http://{gateway}:{SIMULATOR_PORT}"
        variables = environment_of_containers(scratch, url)
        with simulator(scratch, gateway):
            each_function(variables, url)
            through_the_endpoint(variables, url)
            the_door(scratch, variables, url)
    print("sam-local: every function answered as it should, and a run that SAM started completed")


def engine():
    """The address at which containers reach this machine."""
    found = subprocess.run(
        ["docker", "network", "inspect", "bridge", "--format", "{{json (index .IPAM.Config 0)}}"],
        capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise Failed(
            "no container engine answers, and sam local needs one. Install it (Debian: apt-get install docker.io) and start it "
            f"(systemctl start docker, or dockerd as root); on a bare machine tools/machine.sh does both. It said: {found.stderr.strip()}")
    network = json.loads(found.stdout)
    # Not said before the first container ran: then it is the first address.
    return network.get("Gateway") or str(next(ipaddress.ip_network(network["Subnet"]).hosts()))


def rie():
    """The runtime interface emulator that AWS SAM brings."""
    return next(BIN.parent.glob(f"lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{architecture()}"))


def architecture():
    return {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]


def environment():
    """That of every tool here: no account's credentials, no telemetry, no retries of what cannot be reached."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return mine | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
    }


def build():
    """Unoptimised, by the machine's own compiler: minutes instead of an hour, and not what is deployed."""
    quick = {"SAM_BUILD_MODE": "debug", "CARGO_LAMBDA_COMPILER": "cargo", "CARGO_PROFILE_DEV_DEBUG": "false",
             "CARGO_PROFILE_DEV_STRIP": "true"}
    started = time.monotonic()
    run([BIN / "sam", "build", "--parameter-overrides", f"Architecture={architecture()}"], env=environment() | quick)
    print(f"sam build: {time.monotonic() - started:.0f} s", flush=True)
    declare_endpoint()


def declare_endpoint():
    """SAM hands a container only variables that the template declares: the built copy gets those that SAM must set."""
    path = BUILT / "template.yaml"
    template = yaml.safe_load(path.read_text())
    template["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""
    path.write_text(yaml.safe_dump(template, sort_keys=False))


def environment_of_containers(scratch, url):
    path = scratch / "variables.json"
    path.write_text(json.dumps({"Parameters": {
        "AWS_ENDPOINT_URL": url,
        "LIFEBOAT_TABLE_REGION": REGION,
        "LIFEBOAT_STATE_MACHINE": STATE_MACHINE,
        "LIFEBOAT_TOPIC": f"arn:aws:sns:{REGION}:{ACCOUNT}:lifeboat-notices",
        "LIFEBOAT_BUCKET": "lifeboat-reports",
    }}))
    return path


class simulator:
    """`lifeboat simulate` with the functions that SAM built, for as long as the block lasts."""

    def __init__(self, scratch, host):
        self.scratch, self.host, self.process = scratch, host, None

    def __enter__(self):
        functions = self.scratch / "functions"
        functions.mkdir()
        for name, _ in REPLIES:
            (functions / name).symlink_to(BUILT / function_of(name) / "bootstrap")
        # The world's own alarm would start a run before SAM does: it waits longer.
        plan = (ROOT / "plans" / "retail-store.yaml").read_text()
        plan = re.sub(r"evaluation_periods: \d+", "evaluation_periods: 10", plan)
        (self.scratch / "plan.yaml").write_text(plan)
        command = ["cargo", "run", "--quiet", "--profile", "drill", "-p", "lifeboat-cli", "--features", "simulate", "--"]
        subprocess.run([*command, "--version"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        arguments = ["simulate", "--host", self.host, "--port", str(SIMULATOR_PORT), "--plan",
                     self.scratch / "plan.yaml", "--functions", functions,
                     "--fixed-dns"]  # containers resolve names as this machine does
        self.process = subprocess.Popen([*command, *arguments], cwd=ROOT, env=environment(), start_new_session=True)
        wait_for(self.host, SIMULATOR_PORT, self.process, "lifeboat simulate")
        return self

    def __exit__(self, *_):
        end(self.process)


def each_function(variables, url):
    for name, expected in REPLIES:
        event = {"start-run": "start-run-alarm"}.get(name, name)
        reply = invoke(name, ROOT / "events" / f"{event}.json", variables, url)
        check(f"sam local invoke {function_of(name)}", reply, expected)


def invoke(name, event, variables, url):
    done = run([BIN / "sam", "local", "invoke", function_of(name), "--event", event, "--env-vars", variables,
                "--parameter-overrides", f"Architecture={architecture()}", "--skip-pull-image"],
               env=environment() | {"AWS_ENDPOINT_URL_STS": url}, capture_output=True)
    # It exits 0 whatever the handler did, and prints nothing when the process crashed or ran out of time.
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise Failed(f"sam local invoke {function_of(name)} printed no reply; it said:\n{done.stderr}")
    return json.loads(lines[-1])


def through_the_endpoint(variables, url):
    command = [BIN / "sam", "local", "start-lambda", "--port", str(LAMBDA_PORT), "--env-vars", variables,
               "--parameter-overrides", f"Architecture={architecture()}", "--skip-pull-image"]
    served = subprocess.Popen(command, cwd=ROOT, env=environment() | {"AWS_ENDPOINT_URL_STS": url}, start_new_session=True,
                              stderr=subprocess.DEVNULL)
    try:
        wait_for("127.0.0.1", LAMBDA_PORT, served, "sam local start-lambda")
        with tempfile.NamedTemporaryFile() as reply:
            run([BIN / "aws", "lambda", "invoke", "--endpoint-url", f"http://127.0.0.1:{LAMBDA_PORT}", "--function-name",
                 "AdmitFunction", "--payload", f"file://{ROOT / 'events' / 'admit.json'}", reply.name],
                env=environment(), capture_output=True)
            check("aws lambda invoke AdmitFunction", json.loads(pathlib.Path(reply.name).read_text()), "done")
    finally:
        end(served)


def the_door(scratch, variables, url):
    """The source goes dark, the alarm's event reaches start-run in its container, and the run that it starts completes."""
    post(f"{url}/simulator/break", {"region": SOURCE})
    print(f"{SOURCE} is dark; its canaries are given three minutes to tell", flush=True)
    time.sleep(180)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    event = json.loads((ROOT / "events" / "start-run-alarm.json").read_text())
    event["time"] = event["alarmData"]["state"]["timestamp"] = now
    path = scratch / "alarm.json"
    path.write_text(json.dumps(event))
    reply = invoke("start-run", path, variables, url)
    check("sam local invoke StartRunFunction, of an alarm just now", reply, "started")
    states = boto3.client("stepfunctions", region_name=REGION, endpoint_url=url, aws_access_key_id="none",
                          aws_secret_access_key="none", config=botocore.config.Config(retries={"total_max_attempts": 1}))
    deadline = time.monotonic() + 900
    while (run_ := states.describe_execution(executionArn=reply["execution"]))["status"] == "RUNNING":
        if time.monotonic() > deadline:
            raise Failed(f"{reply['execution']} still runs after 15 minutes")
        time.sleep(2)
    if run_["status"] != "SUCCEEDED":
        raise Failed(f"{reply['execution']} ended {run_['status']}: {run_.get('error')}: {run_.get('cause')}")
    check("the run that SAM started", json.loads(run_["output"]), "Completed")


def check(what, reply, expected):
    said = reply.get("status") or reply.get("outcome") or reply.get("errorType")
    if said != expected:
        raise Failed(f"{what}: expected {expected}, found {json.dumps(reply, indent=2)}")
    print(f"ok  {what}: {said}", flush=True)


def function_of(name):
    return "".join(word.capitalize() for word in name.split("-")) + "Function"


def run(command, **more):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, text=True, check=False, **more)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))} exited {done.returncode}:\n{done.stdout or ''}{done.stderr or ''}")
    return done


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def wait_for(host, port, process, what):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"{what} ended with {process.returncode} before it listened")
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.2)
    raise Failed(f"{what} does not listen on {host}:{port} after a minute")


def end(process):
    """Ends what this script started, and what that started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("sam-local: ended"))  # what was started is ended, too
    try:
        main()
    except Failed as problem:
        sys.exit(f"sam-local: {problem}")
