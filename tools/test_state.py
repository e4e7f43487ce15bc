"""Asks Step Functions itself about the first state of the cases that say what it must answer, by its API TestState, with mocks.

The cases are those of tests/tests/differential/cases with `test_state`. It runs only with LIFEBOAT_TEST_STATE=1 and credentials
(AWS_ACCESS_KEY_ID or AWS_PROFILE) that allow `states:TestState`; nothing is created and no function is called. Otherwise the
requests are only held against boto3's model of the API, and what did not run is named, on stdout and in the file given.
"""

import json
import os
import pathlib
import sys

import boto3
import botocore.loaders
import botocore.model
import botocore.validate

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "tests" / "differential" / "cases"
STATE = "A"


def main():
    not_run = pathlib.Path(sys.argv[1])
    not_run.unlink(missing_ok=True)
    cases = {path.stem: json.loads(path.read_text()) for path in sorted(CASES.glob("*.json"))}
    cases = {name: case for name, case in cases.items() if "test_state" in case}
    if not cases:
        sys.exit(f"no case in {CASES} says what TestState must answer")
    requests = {name: request(case) for name, case in cases.items()}
    model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("stepfunctions", "service-2"))
    shape = model.operation_model("TestState").input_shape
    for name, asked in requests.items():
        report = botocore.validate.ParamValidator().validate(asked, shape)
        if report.has_errors():
            sys.exit(f"{name}: this is no request to TestState: {report.generate_report()}")
    why = missing()
    if why:
        said = f"NOT RUN: test-state ({why}); its {len(requests)} requests have the form of the API, no more is known"
        print(said)
        not_run.write_text(said + "\n")
        return
    client = boto3.client("stepfunctions", region_name=os.environ.get("AWS_REGION", "us-east-1"))
    found = {name: differs(case, client.test_state(**requests[name])) for name, case in cases.items()}
    wrong = [f"{name}: {what}" for name, what in found.items() if what]
    if wrong:
        sys.exit("Step Functions answers otherwise:\n" + "\n".join(wrong))
    print(f"test-state: {len(requests)} states, as Step Functions has them")


def missing():
    """Why Step Functions is not to be asked."""
    if not (os.environ.get("AWS_ACCESS_KEY_ID") or os.environ.get("AWS_PROFILE")):
        return "no AWS credentials"
    if os.environ.get("LIFEBOAT_TEST_STATE") != "1":
        return "LIFEBOAT_TEST_STATE is not 1"
    return None


def request(case):
    machine = {"QueryLanguage": "JSONata", "StartAt": STATE, "States": case["states"]}
    asked = {"definition": json.dumps(machine), "stateName": STATE, "input": json.dumps(case.get("input"))}
    state = case["states"][STATE]
    if state["Type"] != "Task":
        return asked
    answer = case["functions"][state["Arguments"]["FunctionName"]][0]
    if "error" in answer:
        said = json.dumps({"errorMessage": answer["message"], "errorType": answer["error"]})
        return asked | {"mock": {"errorOutput": {"error": answer["error"], "cause": said}}}
    result = {"Payload": answer["returns"], "StatusCode": 200, "ExecutedVersion": "$LATEST"}
    return asked | {"mock": {"result": json.dumps(result), "fieldValidationMode": "PRESENT"}}


def differs(case, answer):
    """What it must say and does not."""
    said = {key: answer.get(key) for key in case["test_state"]}
    if said.get("output") is not None:
        said["output"] = json.loads(said["output"])
    return None if said == case["test_state"] else f"expected {case['test_state']}, and it was {said}"


if __name__ == "__main__":
    main()
