"""An interpreter of the Amazon States Language that is not ours: moto's, in process, in virtual time, with scripted functions.

Reads a JSON list of cases on stdin (`Script` of tests/tests/differential/cases.rs says what they are), and writes, in the same
order, what became of each: `result`, `calls`, `events` and `ended_ms`. No server, no network.

moto's interpreter lacks JSONata, which jsonata-python gives it here, and waits in real time for real functions. What is replaced
is internal to moto; so its version is checked first. Nothing of what it decides is replaced: where it decides otherwise than
AWS, the tests name the difference.
"""

import collections
import datetime
import functools
import io
import itertools
import json
import logging
import sys
import types

import jsonata
import moto
from botocore.exceptions import ClientError

import virtual_time
from virtual_time import TIME, THREADING, TURNS

VERSION = "5.2.5"
if moto.__version__ != VERSION:
    sys.exit(f"this replaces what is internal to moto {VERSION}, and found {moto.__version__}: run `make .venv/installed`")

from moto.stepfunctions.parser.api import HistoryEventType, StateMachineType
from moto.stepfunctions.parser.asl.component.common.retry import jitter_strategy_decl, retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval import states as eval_states
from moto.stepfunctions.parser.asl.eval import variable_store
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramTimedOut
from moto.stepfunctions.parser.asl.eval.states import ContextObjectData, ExecutionData, StateMachineData
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

ROLE = "arn:aws:iam::111122223333:role/oracle"
ARN = "arn:aws:states:us-west-2:111122223333"
MACHINE = f"{ARN}:stateMachine:machine"
EXECUTION = f"{ARN}:execution:machine:run"
IN_PLACE_OF = {"threading": THREADING, "Thread": THREADING.Thread, "Event": THREADING.Event, "time": TIME}


class Script:
    """What the world answers, and what it was asked."""

    def __init__(self, case):
        self.chance = case["chance"]
        self.functions = case["functions"]
        self.answers = iter(case["tokens"])
        self.asked = collections.Counter()
        self.token_numbers = itertools.count(1)
        self.calls = []

    def invoke(self, FunctionName, Payload):
        payload = json.loads(Payload)
        self.calls.append({"at_ms": now_ms(), "function": FunctionName, "payload": payload})
        answer = self.answer(FunctionName, payload)
        virtual_time.sleep(answer.get("after_s", 0))
        response = {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
        if "unavailable" in answer:
            error = {"Code": answer["unavailable"], "Message": "unavailable"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 500, "RequestId": "r"}}, "Invoke")
        if "error" in answer:
            payload = {"errorMessage": answer["message"], "errorType": answer["error"]}
            return response | {"FunctionError": "Unhandled", "Payload": body(payload)}
        return response | {"Payload": body(answer["returns"])}

    def answer(self, function, payload):
        """The nth answer of the function for this share of resources, if it has such, or the nth of all; the last one stays."""
        share = payload.get("resources") if isinstance(payload, dict) else None
        key = f"{function} {share[0]}" if share and f"{function} {share[0]}" in self.functions else function
        answers = self.functions[key]
        self.asked[key] += 1
        return answers[min(self.asked[key], len(answers)) - 1]


SCRIPT = None


def body(payload):
    return io.BytesIO(json.dumps(payload).encode())


def now_ms():
    return round(TURNS.now * 1000)


def evaluated(expression):
    try:
        value = jsonata.Jsonata.jsonata(expression).evaluate(None)
        return json.loads(json.dumps(value, default=lambda _: None))
    except Exception as problem:
        raise moto_jsonata.JSONataException("UNKNOWN", str(problem)) from problem


def declared(bindings):
    """moto's own leaves the quotation marks within a text as they are."""
    return "".join(f"{name}:={json.dumps(value, default=str)};" for name, value in bindings.items())


def waits_for_token(self, timeout=None):
    answer = next(SCRIPT.answers, None)
    if answer is not None:
        virtual_time.Thread(target=answers_token, args=(self, answer)).start()
    self._notify_event.wait(timeout=timeout)
    return self._outcome


def answers_token(endpoint, answer):
    virtual_time.sleep(answer.get("after_s", 0))
    if "error" in answer:
        endpoint.notify(callback.CallbackOutcomeFailure(endpoint.callback_id, answer["error"], answer["cause"]))
    else:
        endpoint.notify(callback.CallbackOutcomeSuccess(endpoint.callback_id, json.dumps(answer["output"])))


def install():
    """Gives moto's interpreter JSONata, virtual time, and the script in place of the world."""
    moto_jsonata._eval_jsonata = evaluated
    for module in (moto_jsonata, eval_states, variable_store):
        module.encode_jsonata_variable_declarations = declared
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser"):
            for attribute, ours in IN_PLACE_OF.items():
                if hasattr(module, attribute):
                    setattr(module, attribute, ours)
    EventManager._get_current_timestamp = staticmethod(
        lambda: datetime.datetime.fromtimestamp(now_ms() / 1000, tz=datetime.timezone.utc)
    )
    jitter_strategy_decl.random = types.SimpleNamespace(uniform=lambda low, high: low + (high - low) * SCRIPT.chance)
    eval_states.long_uid = lambda: f"token-{next(SCRIPT.token_numbers)}"
    callback.CallbackEndpoint.wait = waits_for_token
    lambda_eval_utils.boto_client_for = lambda **_: SCRIPT


@functools.lru_cache
def parsed(definition):
    return AmazonStateLanguageParser.parse(definition)[0]


def run(case):
    global SCRIPT
    SCRIPT = Script(case)
    TURNS.begin()
    program = parsed(json.dumps(case["definition"]))
    execution = ExecutionData(Id=EXECUTION, Input=case["input"], Name="run", RoleArn=ROLE, StartTime="1970-01-01T00:00:00.000Z")
    environment = Environment(
        aws_execution_details=AWSExecutionDetails(account="111122223333", region="us-west-2", role_arn=ROLE),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(Execution=execution, StateMachine=StateMachineData(Id=MACHINE, Name="machine")),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )
    environment.event_manager.add_event(
        context=environment.event_history_context, event_type=HistoryEventType.ExecutionStarted, update_source_event_id=False
    )
    program.eval(environment)
    history = [event(e) for e in environment.event_manager.get_event_history()]
    return {"result": result(environment), "calls": SCRIPT.calls, "events": history, "ended_ms": now_ms()}


def result(environment):
    state = environment.program_state()
    match state:
        case ProgramEnded():
            return {"output": environment.states.get_input()}
        case ProgramTimedOut():
            return {"error": "States.Timeout", "cause": ""}
        case ProgramError():
            return {"error": state.error.get("error"), "cause": state.error.get("cause")}
    raise RuntimeError(f"ended in {state}")


def event(e):
    details = next((value for key, value in e.items() if key.endswith("EventDetails")), None) or {}
    at = datetime.datetime.fromisoformat(e["timestamp"]) if isinstance(e["timestamp"], str) else e["timestamp"]
    said = {"id": e["id"], "previous": e["previousEventId"], "type": e["type"].value, "at_ms": round(at.timestamp() * 1000)}
    return said | {key: details[key] for key in ("name", "index") if key in details}


def main():
    logging.disable(logging.CRITICAL)
    install()
    json.dump([run(case) for case in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
