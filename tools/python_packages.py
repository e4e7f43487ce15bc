#!/usr/bin/env python3
"""What may be among the Python packages of the tools: `make deny-python` and `make advisories-python`.

`licences` holds each package of .venv, .venv-e2e and .venv-bench to the list below. One that several licences cover at once
needs each of them in the list; of a choice (`OR`) one is enough. `advisories` looks up known vulnerabilities; where the index that knows them
does not answer for a package, it names what was not looked up and says NOT RUN, since pip-audit itself would call that clean.

Exit: 0, nothing found (standard output says NOT RUN where that is so); 1, a package that may not be there.
"""

import json
import re
import subprocess
import sys

TOOLS = ".venv/bin/"
ENVIRONMENTS = (".venv/bin/python", ".venv-e2e/bin/python", ".venv-bench/bin/python")
REQUIREMENTS = ("tools/requirements.txt", "tools/requirements-e2e.txt", "tools/requirements-bench.txt")

# Permissive ones. A new licence is a decision, made here. These packages run the checks; nothing of them is shipped.
ALLOWED = {
    "Apache Software License", "Apache-2.0", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC", "MIT",
    "MIT License", "MIT No Attribution License (MIT-0)", "MIT-0", "PSF-2.0", "Public Domain",
    "Python Software Foundation License", "ZPL-2.1",
}

# What the list does not allow and is used all the same, with the licence that was found: another one fails.
EXCEPTIONS = {
    "antlr4-python3-runtime": ("BSD", "BSD-3-Clause in its LICENSE file, said without its number; moto's parser needs it"),
    "certifi": ("Mozilla Public License 2.0 (MPL 2.0)", "a list of certificates, unchanged; the AWS CLI needs it"),
    "cookiecutter": ("UNKNOWN", "BSD-3-Clause in its LICENSE file, said in no field; aws-sam-cli needs it"),
    "docutils": (
        "BSD License; GNU General Public License (GPL); Public Domain; Python Software Foundation License",
        "the GPL is that of one Emacs file, which is not installed; the AWS CLI needs it",
    ),
    "pyte": ("GNU Lesser General Public License v3 (LGPLv3)", "draws docs/watch.svg; imported, unchanged, never shipped"),
    "text-unidecode": (
        "Artistic License; GNU General Public License (GPL); GNU General Public License v2 or later (GPLv2+)",
        "a choice of the Artistic License; cookiecutter needs it",
    ),
}


def allowed(licence: str) -> bool:
    """Whether the list allows `licence`: an SPDX expression without parentheses, or classifiers with `;` between them."""
    return all(
        any(choice.strip() in ALLOWED for choice in re.split(r" OR ", part)) for part in re.split(r";| AND ", licence)
    )


def licences() -> int:
    found = {}
    for python in ENVIRONMENTS:
        command = [TOOLS + "pip-licenses", "--python", python, "--from=mixed", "--format=json", "--with-system"]
        found |= {p["Name"]: p["License"] for p in json.loads(subprocess.check_output(command))}
    problems = [
        f"{name}: {licence!r} is not allowed: take another package, or decide in tools/python_packages.py"
        for name, licence in found.items()
        if not allowed(licence) and EXCEPTIONS.get(name, ("",))[0] != licence
    ]
    stale = EXCEPTIONS.keys() - {name for name, licence in found.items() if not allowed(licence)}
    problems += [f"{name}: has no need of an exception any more: take it out of tools/python_packages.py" for name in stale]
    print("\n".join(sorted(problems)) or f"licences of {len(found)} Python packages ok", file=sys.stderr)
    return 1 if problems or not found else 0


def advisories() -> int:
    packages: dict[str, dict] = {}
    for file in REQUIREMENTS:
        command = [TOOLS + "pip-audit", "--requirement", file, "--no-deps", "--disable-pip"]
        command += ["--vulnerability-service=pypi", "--format=json", "--progress-spinner=off", "--timeout=20"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            packages |= {f"{p['name']} {p.get('version', '')}".strip(): p for p in json.loads(done.stdout)["dependencies"]}
        except (ValueError, KeyError):
            why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            print(f"NOT RUN: advisories-python of {file} (pip-audit: {why}); run \"make advisories-python\" where the index answers")
    ill = [f"{name}: {v['id']}, mended in {', '.join(v['fix_versions']) or 'no version'}"
           for name, p in packages.items() for v in p.get("vulns", [])]
    skipped = [p["name"] for p in packages.values() if "skip_reason" in p]
    if ill:
        print("\n".join(ill), file=sys.stderr)
    if skipped:
        some = ", ".join(skipped[:3]) + (", ..." if len(skipped) > 3 else "")
        print(f"NOT RUN: advisories-python for {len(skipped)} of {len(packages)} packages ({some}: the index knows no "
              "advisories of them here); run \"make advisories-python\" where it does")
    return 1 if ill else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["licences"]:
        sys.exit(licences())
    if sys.argv[1:] == ["advisories"]:
        sys.exit(advisories())
    sys.exit("usage: python_packages.py licences|advisories")
