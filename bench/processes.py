"""Runs programs and measures them."""

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """What one run of a program took."""

    wall: float
    """Seconds from the start of the process to its end."""
    cpu: float
    """Seconds of processor time."""


@dataclass(frozen=True)
class Program:
    """Something that is timed."""

    name: str
    command: list
    environment: dict


def run(program, expect=0):
    """Runs a program once. Anything but the expected code ends the benchmark, since its time would mean nothing."""
    with tempfile.TemporaryFile() as output:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        # A function before the start would make Python fork, which costs more than the programs that are timed.
        process = subprocess.Popen(
            program.command, env=program.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        code = process.wait()
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if code != expect:
            output.seek(0)
            text = output.read().decode(errors="replace")
            sys.exit(f"{program.name} ended with {code} in place of {expect}:\n{text[-3000:]}")
    cpu = sum(getattr(after, key) - getattr(before, key) for key in ("ru_utime", "ru_stime"))
    return Run(wall, cpu)


def interleaved(programs, times, prepare=None):
    """Runs each program so many times, one after the other in turn, so that a slow moment of the machine meets all."""
    runs = {program.name: [] for program in programs}
    for turn in range(times + 1):
        for program in programs:
            if prepare:
                prepare(program)
            result = run(program)
            if turn > 0:  # The first turn fills caches.
                runs[program.name].append(result)
    return runs


def median(runs, key):
    return statistics.median(getattr(run, key) for run in runs)


def peak_memory(program):
    """The largest resident set of a program, in KiB. GNU time stands between, since a process begins with the peak of the one
    that started it, and Python's is larger than what is measured."""
    with tempfile.NamedTemporaryFile("r") as figure:
        run(
            Program(
                program.name,
                [tool("time"), "--format", "%M", "--output", figure.name, *program.command],
                program.environment,
            )
        )
        return int(figure.read().split()[-1])


@dataclass(frozen=True)
class Count:
    """What callgrind counted in one run."""

    instructions: int
    allocations: int
    """Calls to malloc, calloc and realloc."""


def count(program):
    """Counts what a run executes. The program must be linked dynamically, so that functions of the C library have names."""
    [text] = callgrind(program)
    calls = re.findall(r"^cfn=(?:malloc|calloc|realloc)\ncalls=(\d+)", text, re.M)
    return Count(total(text), sum(map(int, calls)))


def instructions_to_first_byte(program):
    """Counts what a run executes before it sends the first byte."""
    before, *_ = callgrind(program, "--dump-before=send", "--dump-before=writev")
    return total(before)


def callgrind(program, *options):
    """Runs a program under callgrind and returns its parts: one for each dump, and what came after the last."""
    with tempfile.TemporaryDirectory() as folder:
        command = [tool("valgrind"), "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--compress-strings=no", *options]
        run(Program(program.name, [*command, *program.command], program.environment))
        # Numbered parts, then the last one, which has no number.
        names = sorted(os.listdir(folder), key=lambda name: (name == "out", len(name), name))
        return [open(os.path.join(folder, name)).read() for name in names]


def total(text):
    return int(re.search(r"^(?:summary|totals): (\d+)", text, re.M).group(1))


def tool(name):
    """The path of a tool, which is installed where it is missing; its Debian package has its name."""
    if not shutil.which(name):
        step(f"installing {name}")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", name]):
            subprocess.run(["apt-get", *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
    return shutil.which(name) or sys.exit(f"{name} is missing, and its Debian package does not bring it")


def step(title):
    print(f"{time.strftime('%H:%M:%S')} {title}", flush=True)
