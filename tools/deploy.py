"""Deploys Lifeboat for one plan into both of its Regions, or takes it away again: `make deploy` and `make destroy`.

Purpose: the steps that the README gives, in their order, with what one stack must know of the other and what both must know
of the plan; nobody copies ARNs.
Guarantees: what is deployed are the zips of `make build`, as they are. Without credentials, or with --dry, nothing is called:
each command is printed as it would be run. Every command can be repeated.
Effects: a stack in each Region, the plan in the table, one rehearsal, which changes nothing of the workload.
Fails when: the Regions are not the plan's, an artefact is missing, or a command fails; what was done before stays, and the
same command goes on from there.

Usage: deploy.py deploy|destroy --regions us-east-1,us-west-2 [--plan FILE] [--stack NAME] [--architecture arm64|x86_64]
                 [--witness REGION] [--email ADDRESS] [--lifeboat FILE] [--dry]
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import botocore.session
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_dump, yaml_parse

import artefacts

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TEMPLATE = ROOT / "template.yaml"
PACKAGED = ROOT / "target" / "deploy" / "template.yaml"
BUILDS = ["cargo", "run", "--quiet", "--profile", "drill", "-p", "lifeboat-cli", "--features", "aws", "--"]


class Failed(Exception):
    """What went wrong, and what to do."""


def main():
    asked = arguments()
    session = botocore.session.get_session()
    dry = asked.dry or session.get_credentials() is None
    if dry and not asked.dry:
        print("DRY: there are no AWS credentials here, so nothing is called; this is what would be done:\n")
    steps = Steps(session, dry)
    if asked.command == "deploy":
        if not (asked.plan or dry):
            raise Failed("PLAN: nothing found, expected your plan, such as my-plan.yaml; nothing was done")
        asked.plan = asked.plan or ROOT / "plans" / "retail-store.yaml"
        deploy(asked, steps)
    else:
        destroy(asked, steps)


def deploy(asked, steps):
    parameters = parameters_of(asked)
    name = json.loads(output_of([*asked.lifeboat, "plan", "check", asked.plan, "--json"]))["plan"]
    first, second = asked.regions
    package(asked.architecture, steps.dry)
    steps.stack(asked, first, parameters[first])
    steps.stack(asked, second, parameters[second] | {
        "CreateTable": "true",
        "TableReplicaRegion": first,
        "TableWitnessRegion": witness(asked),
        "TableReplicaKeyArn": steps.output(asked.stack, first, "KeyArn"),
    })
    steps.run("the plan is stored, and in force", [*asked.lifeboat, "plan", "apply", asked.plan, "--region", second])
    steps.run(
        "a rehearsal is started; it changes nothing",
        [*asked.lifeboat, "rehearse", name, "--target", second, "--mode", "switchover", "--by", "make deploy",
         "--reason", "just deployed", "--region", second],
    )
    if steps.dry:
        return
    print(f"\ndeployed: {asked.stack} in {first} and {second}. Read the rehearsal before you trust it: "
          f'make lifeboat-aws ARGS="watch {name} --region {second}"')


def destroy(asked, steps):
    """The second one first: its table has a replica that is encrypted with the first one's key."""
    remains = [(region, steps.output(asked.stack, region, "ReportsBucket")) for region in asked.regions]
    for region in reversed(asked.regions):
        at = ["--region", region, "--stack-name", asked.stack]
        steps.run(f"the stack in {region} goes", [BIN / "aws", "cloudformation", "delete-stack", *at])
        steps.run(f"until the stack in {region} is gone", [BIN / "aws", "cloudformation", "wait", "stack-delete-complete", *at])
    print("\nwhat remembers stays, and you remove it when nobody will ask: the table of locks and journals (its deletion "
          "protection off first), the keys, and the buckets of reports: " + ", ".join(f"{bucket} ({region})" for region, bucket in remains))


class Steps:
    """Runs commands, or only says them."""

    def __init__(self, session, dry):
        self.session, self.dry = session, dry

    def run(self, what, command):
        print(f"# {what}\n{shlex.join(map(str, command)).replace(str(ROOT) + '/', '')}", flush=True)
        if self.dry:
            return
        # The command reads credentials from the environment, wherever they were found: a profile, a role, a login.
        found = self.session.get_credentials().get_frozen_credentials()
        environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0",
                                    "AWS_ACCESS_KEY_ID": found.access_key, "AWS_SECRET_ACCESS_KEY": found.secret_key}
        if found.token:
            environment["AWS_SESSION_TOKEN"] = found.token
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        if done.returncode != 0:
            raise Failed(f"{what}: the command above exited {done.returncode}. What was done before it stays; mend what it names "
                         "and give the same make command again")

    def stack(self, asked, region, parameters):
        overrides = parameters | {"Architecture": asked.architecture, "NoticeEmail": asked.email}
        given = [f"{name}={value}" for name, value in sorted(overrides.items()) if value]
        # IAM: the roles of the steps. Changes are not asked about one by one: this was asked for by name.
        self.run(f"the stack in {region}", [
            BIN / "sam", "deploy", "--template-file", PACKAGED, "--stack-name", asked.stack, "--region", region, "--resolve-s3",
            "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset",
            "--parameter-overrides", *given,
        ])

    def output(self, stack, region, name):
        """An output of a stack that is there; of a dry run, where it would come from."""
        if self.dry:
            return f"<{name} of the stack in {region}>"
        client = self.session.create_client("cloudformation", region_name=region)
        try:
            outputs = client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
        except ClientError as error:
            raise Failed(f"the stack {stack} in {region}: {error.response['Error']['Message']}") from None
        found = {output["OutputKey"]: output["OutputValue"] for output in outputs}
        if name not in found:
            raise Failed(f"the stack {stack} in {region} has no output {name}: look at it in the console")
        return found[name]


def arguments():
    parser = argparse.ArgumentParser(prog="deploy.py")
    parser.add_argument("command", choices=["deploy", "destroy"])
    parser.add_argument("--regions", required=True, help="both Regions of the plan; the table is made in the second")
    parser.add_argument("--plan", type=Path, help="the plan; of a dry run the example, unless given")
    parser.add_argument("--stack", default="lifeboat")
    parser.add_argument("--architecture", choices=sorted(artefacts.TARGETS), default="arm64")
    parser.add_argument("--witness", help="the third Region, which votes on writes to the table")
    parser.add_argument("--email", default="", help="who is told of runs and asked for approval")
    parser.add_argument("--lifeboat", help="the lifeboat command, built with the feature aws, in place of one that is built here")
    parser.add_argument("--dry", action="store_true", help="say what would be done")
    asked = parser.parse_args()
    asked.regions = asked.regions.split(",")
    asked.lifeboat = [asked.lifeboat] if asked.lifeboat else BUILDS
    if len(asked.regions) != 2 or len(set(asked.regions)) != 2:
        raise Failed(f"REGIONS: {','.join(asked.regions)!r} found, expected two Regions, such as us-east-1,us-west-2; nothing was done")
    return asked


def parameters_of(asked):
    parameters = json.loads(output_of([*asked.lifeboat, "plan", "parameters", asked.plan]))
    if set(asked.regions) != set(parameters):
        raise Failed(f"REGIONS: {','.join(asked.regions)!r} found, expected {','.join(parameters)}, the Regions of "
                     f"{asked.plan}; nothing was done")
    return parameters


def witness(asked):
    """The Region that only votes: as asked, or the first other one of the pair's set."""
    allowed = yaml_parse(TEMPLATE.read_text())["Parameters"]["TableWitnessRegion"]["AllowedValues"]
    sets = {region.split("-")[0] for region in asked.regions}
    others = [region for region in allowed if region and region.split("-")[0] in sets and region not in asked.regions]
    if len(sets) != 1 or not set(asked.regions) <= set(allowed) or not others:
        raise Failed(f"REGIONS: {','.join(asked.regions)} have no multi-Region strong consistency together: make the table in a third "
                     "Region, and deploy by hand with TableRegion (README); nothing was done")
    if asked.witness and asked.witness not in others:
        raise Failed(f"WITNESS: {asked.witness} found, expected one of {', '.join(others)}; nothing was done")
    return asked.witness or others[0]


def package(architecture, dry):
    """The template as it is, with the zips in place of the sources that SAM would build."""
    template = yaml_parse(TEMPLATE.read_text())
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            name = resource.pop("Metadata")["BuildProperties"]["Binary"]
            zipped = artefacts.folder(architecture) / f"{name}.zip"
            if not dry and not zipped.exists():
                raise Failed(f"{zipped} is not there: make build ARCH={architecture}; nothing was done")
            properties["CodeUri"] = str(zipped)
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            properties["DefinitionUri"] = str(ROOT / properties["DefinitionUri"])
    PACKAGED.parent.mkdir(parents=True, exist_ok=True)
    PACKAGED.write_text(yaml_dump(template))


def output_of(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{done.stderr.strip() or done.stdout.strip()}\nnothing was done")
    return done.stdout


if __name__ == "__main__":
    try:
        main()
    except Failed as problem:
        sys.exit(f"failed to deploy: {problem}")
