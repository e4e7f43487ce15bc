"""`lifeboat simulate`, for as long as a block lasts.

Purpose: what the measured functions call. Guarantees: on loopback, on a port of its own; ended with the block.
Effects: starts a process, writes what it says to a file. Fails when: it does not say that it is ready.
"""

import json
import os
import platform
import subprocess
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "target" / "lambda" / {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
HELLO = ROOT / "target" / "bench-hello" / "hello" / "bootstrap"
LIFEBOAT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "drill" / "lifeboat"
REGION, SOURCE, ACCOUNT = "us-west-2", "us-east-1", "111122223333"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:lifeboat-failover"


class Failed(Exception):
    """What went wrong, and what to do."""


class World:
    """The simulated world of `plan`."""

    def __init__(self, scratch, name, plan, *more):
        self.file, self.said = scratch / f"{name}.yaml", scratch / f"{name}.log"
        self.plan = plan
        self.file.write_text(yaml.safe_dump(plan, sort_keys=False))
        self.command = [str(word) for word in (LIFEBOAT, "simulate", "--json", "--port", 0, "--plan", self.file, *more)]

    def __enter__(self):
        with self.said.open("w") as said:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=said, text=True)
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise Failed(f"failed to start {' '.join(self.command)}: {self.said.read_text()[:2000]}")
        self.environment = json.loads(line)["environment"]
        self.url = self.environment["AWS_ENDPOINT_URL"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()

    def state(self):
        with urllib.request.urlopen(f"{self.url}/simulator/state", timeout=30) as reply:
            return json.load(reply)


def example_plan():
    return yaml.safe_load((ROOT / "plans" / "retail-store.yaml").read_text())


def with_databases(plan, count):
    """The same plan with `count` databases like its first."""
    model = plan["databases"][0]
    plan["databases"] = [{
        "name": f"db-{n}",
        "global_cluster": f"{model['global_cluster']}-{n}",
        "clusters": {region: f"{arn}-{n}" for region, arn in model["clusters"].items()},
    } for n in range(count)]
    return plan
