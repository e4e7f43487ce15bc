"""One process under the stand-in Runtime API, measured from its start.

Purpose: wall and CPU time to the first poll, of the first invocation and of later ones, and the peak of its memory.
Guarantees: CPU time is that of all of its threads, in nanoseconds, read while it waits for the next event.
Effects: starts a process, and ends it. Fails when: it does not poll, or `clock_gettime` knows no other process's clock.
"""

import os
import signal
import time
from dataclasses import dataclass, field

from runtime_api import RuntimeApi


@dataclass
class Subject:
    """What is measured: how it is started, and what it is told."""

    name: str
    command: list
    environment: dict
    event: object
    zip: str = None


@dataclass
class Measured:
    init_wall_ms: float = 0
    init_cpu_ms: float = 0
    first_wall_ms: float = 0
    first_cpu_ms: float = 0
    warm_wall_ms: list = field(default_factory=list)
    warm_cpu_ms: list = field(default_factory=list)
    peak_bytes: int = 0
    said: str = ""


def measure(subject, share, warm, log):
    """`subject`, started once within the CPU `share`; after the first invocation, `warm` more."""
    with RuntimeApi() as api:
        pid = held(subject.command, subject.environment | {"AWS_LAMBDA_RUNTIME_API": api.address}, log)
        try:
            with share(pid):
                before, started = parked(pid), time.monotonic()
                os.kill(pid, signal.SIGCONT)
                return watch(pid, (started, before), api, subject.event, warm)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def watch(pid, began, api, event, warm):
    (started, before), found = began, Measured()
    _, at, _ = api.await_("poll")
    cpu = parked(pid)
    found.init_wall_ms, found.init_cpu_ms = (at - started) * 1000, (cpu - before) * 1000
    for number in range(1 + warm):
        told = time.monotonic()
        api.give(event() if callable(event) else event)
        what, at, body = api.await_("response|error")
        api.await_("poll")
        before, cpu = cpu, parked(pid)
        wall_ms, cpu_ms = (at - told) * 1000, (cpu - before) * 1000
        if number == 0:
            found.first_wall_ms, found.first_cpu_ms, found.said = wall_ms, cpu_ms, f"{what}: {body.decode()[:300]}"
        else:
            found.warm_wall_ms.append(wall_ms)
            found.warm_cpu_ms.append(cpu_ms)
    found.peak_bytes = peak(pid)
    return found


def held(command, environment, log):
    """A process that stands still just before it becomes `command`, so that its share of the CPU is set before it begins."""
    words = ["/bin/sh", "-c", 'kill -STOP $$; exec "$@"', "sh", *(str(word) for word in command)]
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
               (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
               (os.POSIX_SPAWN_DUP2, 1, 2)]
    pid = os.posix_spawn(words[0], words, environment, file_actions=actions)
    os.waitpid(pid, os.WUNTRACED)
    return pid


def parked(pid):
    """The CPU seconds of a process, once none of its threads runs."""
    clock = (~pid << 3) | 2  # CPUCLOCK_SCHED of another process, as clock_getcpuclockid(3) makes it
    while any(running(pid, thread) for thread in os.listdir(f"/proc/{pid}/task")):
        os.sched_yield()
    return time.clock_gettime(clock)


def running(pid, thread):
    try:
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "R"
    except FileNotFoundError:
        return False


def peak(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
