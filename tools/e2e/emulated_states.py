"""Step Functions for `make e2e`: moto's interpreter as a server, with JSONata, its calls going to the emulated AWS.

Purpose: an interpreter that is not ours executes the deployed machine with the built functions.
Guarantees: what it decides is moto's. What is given to it is JSONata (asl_oracle.py), and where functions are.
Fails when: moto has another version than the one that asl_oracle.py was written for.

Usage: emulated_states.py PORT URL    the URL of the emulated AWS
"""

import functools
import json
import logging
import sys
from pathlib import Path

import boto3
from botocore.config import Config

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import asl_oracle
import moto.stepfunctions.responses as responses
from moto.core.config import default_user_config
from moto.server import main
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval import states as eval_states
from moto.stepfunctions.parser.asl.eval import variable_store
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata

PORT, ENDPOINT = sys.argv[1:]


def client(region, service, state_credentials=None):
    return connected(region, service)


@functools.lru_cache
def connected(region, service):
    # The interpreter retries, as the machine says; nobody below it does.
    config = Config(retries={"total_max_attempts": 1}, read_timeout=920, max_pool_connections=64)
    return boto3.client(service, region_name=region, endpoint_url=ENDPOINT, config=config,
                        aws_access_key_id="states", aws_secret_access_key="none")


def described(self):
    """moto's own gives the output as it is, where the API has text."""
    reply = describe(self)
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    if reply.result.get("status") == "SUCCEEDED":
        reply.result["output"] = json.dumps(execution.output)
    return reply


def told_failure(self):
    """moto's own loses the error and the cause."""
    self.stepfunction_backend.send_task_failure(
        self._get_param("taskToken"), error=self._get_param("error"), cause=self._get_param("cause"))
    return responses.EmptyResult()


moto_jsonata._eval_jsonata = asl_oracle.evaluated
for module in (moto_jsonata, eval_states, variable_store):
    module.encode_jsonata_variable_declarations = asl_oracle.declared
lambda_eval_utils.boto_client_for = client
describe, responses.StepFunctionResponse.describe_execution = responses.StepFunctionResponse.describe_execution, described
responses.StepFunctionResponse.send_task_failure = told_failure
default_user_config["stepfunctions"] = {"execute_state_machine": True}
logging.getLogger("werkzeug").setLevel(logging.WARNING)
main(["-H", "127.0.0.1", "-p", PORT])
