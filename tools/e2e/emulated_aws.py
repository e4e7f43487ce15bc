"""The emulated AWS in which `make e2e` deploys: MiniStack, with what it lacks put beside it.

Purpose: CloudFormation, Lambda (the built binaries, as processes), DynamoDB, SNS, SQS, S3 and alarms of two Regions, on loopback.
What is not MiniStack's own, and why:
- AWS::SSM::Document and AWS::CloudWatch::CompositeAlarm: CloudFormation has no such types there; the first is only remembered.
- An alarm's action that is a function is called, as CloudWatch calls it. MiniStack calls topics only.
- Step Functions: another interpreter answers (emulated_states.py), since MiniStack's own is not faithful.
- The table of locks and journals: its two replicas are one table, as with multi-Region strong consistency. MiniStack gives a
  global table no replica.
- What else a function asks of DynamoDB, tables of the workload, the simulated world answers.
Fails when: MiniStack has another version, since part of this is internal to it.

Usage: emulated_aws.py, with E2E_STATES and E2E_WORLD (URLs), E2E_TABLE (a name), and what MiniStack itself reads
"""

import asyncio
import datetime
import functools
import http.client
import importlib.metadata
import json
import os
import re
import sys
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

VERSION = "1.5.33"
if importlib.metadata.version("ministack") != VERSION:
    sys.exit(f"this stands beside MiniStack {VERSION}, and found {importlib.metadata.version('ministack')}: make .venv-e2e/installed")

from ministack import app as gateway
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, stepfunctions
from ministack.services.cloudformation import provisioners

SELF = ("127.0.0.1", int(os.environ["GATEWAY_PORT"]))
STATES, WORLD = ((at.hostname, at.port) for at in (urllib.parse.urlsplit(os.environ[name]) for name in ("E2E_STATES", "E2E_WORLD")))
TABLE = os.environ["E2E_TABLE"]
SCOPE = re.compile(r"Credential=[^/]*/\d+/([^/]+)/([^/]+)/")
HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding"}


def send_to(address, method, path, headers, body):
    """One request to another server; its status, headers and body."""
    connection = http.client.HTTPConnection(*address, timeout=900)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.getheaders(), reply.read()
    finally:
        connection.close()


# ---- CloudFormation --------------------------------------------------------------------------------------------------------


def create_document(logical_id, properties, stack):
    return properties.get("Name") or f"{stack}-{logical_id}", {}


def put_composite_alarm(name, properties):
    status, _, body = cloudwatch._put_composite_alarm({}, properties | {"AlarmName": name}, False, is_json=True)
    if status >= 400:
        raise ValueError(f"AWS::CloudWatch::CompositeAlarm: {body!r}")
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


provisioners._RESOURCE_HANDLERS |= {
    "AWS::SSM::Document": {
        "create": create_document,
        "update": lambda physical_id, old, new, stack: (physical_id, {}),
        "delete": lambda physical_id, properties: None,
    },
    "AWS::CloudWatch::CompositeAlarm": {
        "create": lambda logical_id, properties, stack: put_composite_alarm(properties["AlarmName"], properties),
        "update": lambda physical_id, old, new, stack: put_composite_alarm(physical_id, new),
        "delete": lambda physical_id, properties: cloudwatch._composite_alarms.pop(physical_id, None),
    },
}

# ---- alarms ----------------------------------------------------------------------------------------------------------------


def call_functions(alarm, before, now, reason):
    """The functions among an alarm's actions, each called as CloudWatch does: asynchronously, with its event."""
    notify(alarm, before, now, reason)
    field = {"ALARM": "AlarmActions", "OK": "OKActions"}.get(now, "InsufficientDataActions")
    region, account = get_region(), get_account_id()
    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    event = {
        "source": "aws.cloudwatch", "alarmArn": alarm["AlarmArn"], "accountId": account, "time": at, "region": region,
        "alarmData": {
            "alarmName": alarm["AlarmName"],
            "state": {"value": now, "reason": reason, "reasonData": alarm.get("StateReasonData", "{}"), "timestamp": at},
            "previousState": {"value": before, "reason": "", "timestamp": at},
            "configuration": {"description": alarm.get("AlarmDescription", ""), "alarmRule": alarm.get("AlarmRule", "")},
        },
    }
    for action in alarm.get(field) or []:
        if ":lambda:" in action:
            headers = {"X-Amz-Invocation-Type": "Event", "Authorization": authorization(region, "lambda")}
            path = f"/2015-03-31/functions/{urllib.parse.quote(action)}/invocations"
            threading.Thread(target=send_to, args=(SELF, "POST", path, headers, json.dumps(event)), daemon=True).start()


notify, cloudwatch._dispatch_alarm_actions = cloudwatch._dispatch_alarm_actions, call_functions


def authorization(region, service):
    return f"AWS4-HMAC-SHA256 Credential={get_account_id()}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=none"


# ---- requests --------------------------------------------------------------------------------------------------------------


def made_in_states(headers, machine):
    """What CloudFormation made here, made there: the interpreter has the definition that is in force."""
    send = functools.partial(send_to, STATES, "POST", "/")
    asked = {"name": machine["name"], "definition": machine["definition"], "roleArn": machine["roleArn"]}
    status, _, body = send(headers | {"x-amz-target": "AWSStepFunctions.CreateStateMachine"}, json.dumps(asked))
    if status >= 400 and b"AlreadyExists" not in body:
        raise RuntimeError(f"the interpreter did not take {machine['name']}: {body!r}")


MADE = set()


def to_states(headers, body, region):
    arn = json.loads(body).get("stateMachineArn")
    machine = stepfunctions._state_machines.get_scoped(os.environ["MINISTACK_ACCOUNT_ID"], region, arn) if arn else None
    headers = headers | {"host": f"states.{region}.amazonaws.com"}
    if machine and arn not in MADE:
        made_in_states(headers, machine)
        MADE.add(arn)
    return send_to(STATES, "POST", "/", headers, body)


def routed(headers, body):
    """Who answers instead of MiniStack, if anybody."""
    scope = SCOPE.search(headers.get("authorization", ""))
    region, service = scope.groups() if scope else ("", "")
    if service == "states":
        return lambda: to_states(headers, body, region)
    if service == "dynamodb" and json.loads(body or b"{}").get("TableName", TABLE) != TABLE:
        return lambda: send_to(WORLD, "POST", "/", headers, body)
    return None


HOME = os.environ["E2E_TABLE_REGION"]


def wrapper():
    folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"]
    found = next((path for folder in folders if (path := Path(folder) / "libnss_wrapper.so").exists()), None)
    if not found:
        sys.exit("libnss_wrapper.so is not installed, and without it the functions would not see the world's DNS: tools/machine.sh")
    return str(found)


async def app(scope, receive, send):
    if scope["type"] != "http":
        await miniature(scope, receive, send)
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    sent = {name: value for name, value in headers.items() if name not in HOP_BY_HOP}
    if elsewhere := routed(sent, body):
        context = asyncio.get_running_loop()
        status, replied, content = await context.run_in_executor(POOL, elsewhere)
        kept = [(name.encode(), value.encode()) for name, value in replied if name.lower() not in HOP_BY_HOP]
        await send({"type": "http.response.start", "status": status, "headers": kept})
        await send({"type": "http.response.body", "body": content})
        return
    if "/dynamodb/aws4_request" in headers.get("authorization", ""):
        one = SCOPE.sub(lambda found: found[0].replace(f"/{found[1]}/", f"/{HOME}/"), headers["authorization"])
        scope = scope | {"headers": [(n, one.encode() if n.lower() == b"authorization" else v) for n, v in scope["headers"]]}
    whole = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay():
        return next(whole, None) or await receive()

    await miniature(scope, replay, send)


POOL = ThreadPoolExecutor(64)
# For the functions that it starts, not for itself: names are resolved by a file.
os.environ |= {"LD_PRELOAD": wrapper(), "NSS_WRAPPER_HOSTS": os.environ["E2E_HOSTS"]}
miniature, gateway.app = gateway.app, app
gateway.main()
