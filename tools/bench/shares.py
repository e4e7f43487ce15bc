"""The share of a CPU that Lambda gives a function of some memory: 1,769 MB are one vCPU.

Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
Purpose: what a cold start takes where there is little CPU. Guarantees: what was used to throttle is told.
Effects: makes a control group and removes it; or stops and continues the process. Fails when: neither is allowed.
"""

import contextlib
import os
import signal
import threading
from pathlib import Path

MB_OF_A_CPU = 1769
PERIOD_US = 20_000
GROUP = f"lifeboat-bench-{os.getpid()}"


@contextlib.contextmanager
def whole(_pid):
    """All of it."""
    yield


def of_memory(megabytes):
    """How to throttle a process to the share of a function with so much memory, and by what."""
    quota_us = PERIOD_US * megabytes // MB_OF_A_CPU
    for root, files in [
        (Path("/sys/fs/cgroup/cpu"), {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota_us}),
        (Path("/sys/fs/cgroup"), {"cpu.max": f"{quota_us} {PERIOD_US}"}),
    ]:
        if allowed(root, files):
            return (lambda pid: group(root, files, pid)), f"CPU quota of a control group: {quota_us} of {PERIOD_US} us"
    share = megabytes / MB_OF_A_CPU
    return (lambda pid: duty(share, pid)), f"stopped and continued: {share:.1%} of {PERIOD_US} us"


def allowed(root, files):
    folder = root / GROUP
    try:
        folder.mkdir()
    except OSError:
        return False
    try:
        return all((folder / name).exists() and (folder / name).write_text(str(value)) for name, value in files.items())
    except OSError:
        return False
    finally:
        folder.rmdir()


@contextlib.contextmanager
def group(root, files, pid):
    folder = root / GROUP
    folder.mkdir()
    try:
        for name, value in files.items():
            (folder / name).write_text(str(value))
        (folder / "cgroup.procs").write_text(str(pid))
        try:
            yield
        finally:
            (root / "cgroup.procs").write_text(str(pid))
    finally:
        folder.rmdir()


@contextlib.contextmanager
def duty(share, pid):
    over = threading.Event()
    run_s = share * PERIOD_US / 1e6

    def cycle():
        while not over.wait(run_s):
            os.kill(pid, signal.SIGSTOP)
            over.wait(PERIOD_US / 1e6 - run_s)
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=cycle)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        os.kill(pid, signal.SIGCONT)
