"""What a run and an idle month cost, by the list prices of us-west-2.

Purpose: dollars from counted transitions and seconds. Guarantees: every price with its source; free tiers are not taken off.
What depends on the use of other services is not counted, and named.
"""

MEMORY_GB = 0.25
# A new environment is billed for its init, too: 50 ms is more than any was measured to take with a whole CPU.
INIT_S = 0.05

NOT_COUNTED = "requests to the table, its copies in the other Regions, logs, messages, alarms, and what is stored"

# As the pages gave them in November 2026, in dollars.
PRICES = {
    "state transition, Standard workflow": (0.025 / 1000, "https://aws.amazon.com/step-functions/pricing/"),
    "Lambda, arm64, GB-second": (0.0000133334, "https://aws.amazon.com/lambda/pricing/"),
    "Lambda, request": (0.20 / 1e6, "https://aws.amazon.com/lambda/pricing/"),
    "KMS, customer managed key, month": (1.00, "https://aws.amazon.com/kms/pricing/"),
}


def price(name):
    return PRICES[name][0]


def of_run(run):
    """Of a run's transitions and functions, and together."""
    gb_s = (run["function_s"] + run["environments"] * INIT_S) * MEMORY_GB
    parts = {
        "transitions": run["transitions"] * price("state transition, Standard workflow"),
        "Lambda seconds": gb_s * price("Lambda, arm64, GB-second"),
        "Lambda requests": run["invocations"] * price("Lambda, request"),
    }
    return parts | {"all": sum(parts.values())}


def idle_month():
    """Of one stack in which nothing runs: nothing is scheduled, so there are no transitions and no invocations."""
    return {"key": price("KMS, customer managed key, month"), "transitions": 0.0, "Lambda": 0.0}
