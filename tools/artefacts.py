"""Builds what is deployed: one zip for each function, as small as it gets, and holds each to what Lambda and we want of it.

Purpose: what a user deploys, what `make e2e` runs and what `make bench` measures are the same files.
Guarantees: the same sources give the same zips, to the byte. A zip that is there was held to everything: its architecture, a
C library that Lambda's image has (GLIBC_2.34), and its size (tests/budget.toml).
Effects: writes target/lambda/ARCHITECTURE/FUNCTION.zip, with the binary beside it in FUNCTION/bootstrap.
Fails when: it does not compile, or a binary or zip is not as it must be.

Usage: artefacts.py ARCHITECTURE [ARCHITECTURE]    x86_64 or arm64
       artefacts.py hello                          what `make bench` compares them with
"""

import os
import platform
import subprocess
import sys
import time
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import elf
import zopfli

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = sorted(path.name for path in (ROOT / "functions").iterdir())

# That of Amazon Linux 2023, on which provided.al2023 stands. What is linked for an older one loads two libraries more.
NEWEST_GLIBC = (2, 34)
TARGETS = {"x86_64": "x86_64-unknown-linux-gnu.2.34", "arm64": "aarch64-unknown-linux-gnu.2.34"}

# Zip knows no time before this one; a fixed one makes the same sources give the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
EXECUTABLE = 0o100755 << 16

# Of the compressor. Three times as many take three times as long, for a thousandth.
ITERATIONS = 5


def folder(architecture):
    """Where the artefacts of an architecture are."""
    return ROOT / "target" / "lambda" / architecture


def main(architectures):
    profile = tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]["release"]
    if profile.get("panic") != "abort":
        sys.exit('failed to build: tables for unwinding are taken out, so profile.release must say panic = "abort"')
    budget = tomllib.loads((ROOT / "tests" / "budget.toml").read_text())
    for architecture in architectures:
        started = time.monotonic()
        out = folder(architecture)
        # All in one call: what they share is compiled once, and what one does not use is not linked into it.
        compile_into(out, architecture, ROOT, FUNCTIONS)
        compiled = time.monotonic()
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            sizes = dict(zip(FUNCTIONS, workers.map(lambda name: finish(out, architecture, name), FUNCTIONS), strict=True))
        print(table(architecture, sizes, budget))
        print(f"{architecture}: compiled in {compiled - started:.0f} s, packed in {time.monotonic() - compiled:.0f} s", flush=True)
        if complaints := over(sizes, budget, architecture):
            sys.exit("\n".join(complaints))


def hello():
    """The bare function with which `make bench` compares ours, made for this machine as they are."""
    out = ROOT / "target" / "bench-hello"
    architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    compile_into(out, architecture, ROOT / "tools" / "bench" / "hello", ["hello"])
    print(f"hello.zip has {finish(out, architecture, 'hello'):,} bytes")


def compile_into(out, architecture, workspace, names):
    packages = [word for name in names for word in ("-p", name)]
    command = ["cargo", "lambda", "build", "--release", "--locked",
               "--target", TARGETS[architecture], "--lambda-dir", str(out), *packages]
    # cargo finds cargo-lambda, and that finds zig, beside this script's own interpreter. The profile is that of Cargo.toml;
    # cargo-lambda adds the instructions that all of Lambda's machines have: without them a zip is 2 % larger.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=workspace, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"failed to compile for {architecture}: {' '.join(command)} exited {done.returncode}")


def finish(out, architecture, name):
    """Holds a binary to what Lambda wants of it, takes out what is never read, and packs it; its zip's size in bytes."""
    binary, target = out / name / "bootstrap", out / f"{name}.zip"
    found, glibc = elf.machine(binary), elf.newest_glibc(binary)
    if found != architecture:
        sys.exit(f"failed to build {name}: {binary} is for {found}, not for {architecture}")
    if glibc > NEWEST_GLIBC:
        sys.exit(f"failed to build {name}: {binary} needs GLIBC_{dotted(glibc)}, and Lambda has GLIBC_{dotted(NEWEST_GLIBC)}")
    image = elf.without_unwind_tables(binary)
    binary.write_bytes(image)
    if not holds(target, image):
        pack(target, image)
    return target.stat().st_size


def holds(target, image):
    """Whether the zip is there and has this very binary: packing takes seconds for each."""
    if not target.exists():
        return False
    with zipfile.ZipFile(target) as packed:
        return [entry.filename for entry in packed.infolist()] == ["bootstrap"] and packed.read("bootstrap") == image


def pack(target, image):
    unfinished = target.with_suffix(".zip.new")
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.external_attr = EXECUTABLE
    entry.create_system = 3  # Unix: the mode counts
    entry.compress_type = zipfile.ZIP_DEFLATED
    # Slow to pack, as quick as any other to unpack, and 3 % smaller.
    with zopfli.ZipFile(unfinished, "w", iterations=ITERATIONS) as packed:
        packed.writestr(entry, image)
    with zipfile.ZipFile(unfinished) as packed:
        if packed.read("bootstrap") != image:
            sys.exit(f"failed to pack {target}: what was packed is not what comes out")
    unfinished.replace(target)


def limit_of(name, budget):
    """The most bytes that a function's zip may have, and why where that is more than the others may."""
    larger = budget["larger"].get(name)
    return (larger["bytes"], larger["reason"]) if larger else (budget["bytes"], "")


def over(sizes, budget, architecture):
    """What does not keep the budget. One that no longer needs its exception complains too, on the architecture that needs more."""
    complaints = [f"no function for the larger budget of {name}" for name in budget["larger"].keys() - sizes.keys()]
    for name, size in sizes.items():
        most, reason = limit_of(name, budget)
        if size > most:
            complaints.append(f"{name}.zip has {size:,} bytes, and {most:,} are allowed: mend it, or decide in tests/budget.toml")
        elif reason and architecture == "x86_64" and size <= budget["bytes"]:
            complaints.append(f"{name}.zip has {size:,} bytes and needs no larger budget: take it out of tests/budget.toml")
    return complaints


def table(architecture, sizes, budget):
    rows = [f"{'function':<18}{'zip, bytes':>12}{'allowed':>12}{'binary':>12}{'glibc':>8}"]
    for name, size in sizes.items():
        binary = folder(architecture) / name / "bootstrap"
        rows.append(f"{name:<18}{size:>12,}{limit_of(name, budget)[0]:>12,}{binary.stat().st_size:>12,}"
                    f"{dotted(elf.newest_glibc(binary)):>8}")
    return "\n".join(rows)


def dotted(version):
    return ".".join(map(str, version))


if __name__ == "__main__":
    wanted = sys.argv[1:]
    if wanted != ["hello"] and (not wanted or not set(wanted) <= set(TARGETS)):
        sys.exit("usage: artefacts.py x86_64|arm64 ... | hello")
    try:
        hello() if wanted == ["hello"] else main(wanted)
    except elf.Unfit as problem:
        sys.exit(f"failed to build: {problem}")
