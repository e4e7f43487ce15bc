"""Runs an SSM Automation document of the template as Systems Manager would, as far as these documents go.

Standard input: {"document": ..., "parameters": {...}}, the document with CloudFormation's references resolved. What is not
known here is refused. Prints the outputs as JSON; a step that fails ends it with its message and status 1.
"""

import json
import re
import sys
import uuid


def main():
    given = json.load(sys.stdin)
    document, execution = given["document"], str(uuid.uuid4())
    assert document["schemaVersion"] == "0.3", document["schemaVersion"]
    values = parameters(document["parameters"], given["parameters"])
    values["automation:EXECUTION_ID"] = execution
    outputs = {}
    for step in document["mainSteps"]:
        assert step["action"] == "aws:executeScript", f"unknown action {step['action']}"
        inputs = step["inputs"]
        payload = {name: filled(value, values) for name, value in inputs["InputPayload"].items()}
        scope = {}
        exec(inputs["Script"], scope)
        returned = {"Payload": scope[inputs["Handler"]](payload, {})}
        for output in step.get("outputs", []):
            outputs[f"{step['name']}.{output['Name']}"] = selected(returned, output["Selector"])
        if step.get("isEnd"):
            break
    print(json.dumps({name: outputs[name] for name in document["outputs"]}))


def parameters(declared, given):
    unknown = set(given) - set(declared)
    if unknown:
        sys.exit(f"unknown parameters: {', '.join(sorted(unknown))}")
    values = {}
    for name, rule in declared.items():
        if name not in given and "default" not in rule:
            sys.exit(f"parameter {name} is missing")
        value = given.get(name, rule.get("default"))
        if name in given and "allowedPattern" in rule and not re.search(rule["allowedPattern"], value):
            sys.exit(f"parameter {name}: {value!r} does not match {rule['allowedPattern']}")
        if "allowedValues" in rule and value not in rule["allowedValues"]:
            sys.exit(f"parameter {name}: {value!r} is none of {', '.join(rule['allowedValues'])}")
        values[name] = value
    return values


def filled(value, values):
    return re.sub(r"{{ *([A-Za-z:_]+) *}}", lambda found: values[found[1]], value)


def selected(returned, selector):
    for key in selector.removeprefix("$.").split("."):
        returned = returned[key]
    return returned


if __name__ == "__main__":
    main()
