#!/usr/bin/env python3
"""From a process's start to its first answer: heeler with a function in Python or Node, beside the bare interpreter and
beside functions-framework.

Everybody starts once a round, in turn; a start before the first round brings the files into memory. Loopback only. See
README.md beside this file.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

from contestants import (BARE, ECHO, FF_NODE, FF_PYTHON, GROUPS, NODE, NODE_FF, NODE_HKS, NODE_HTTP, PYTHON,
                         PYTHON_FF, PYTHON_HKS, ROOT, UVICORN, VENV, WITH_FLASK, Contestant, heeler, heeler_or_end, path, prepare,
                         present)
from report import Report, against, spread
from servers import BUILT, Server, Unusable, end_on_term
from turns import is_heeler, take_turns

RUNTIMES = BUILT / "runtimes"
# What was started before may still be ending, on one of few processors.
REST = 0.03
# Between two tries to connect.
PAUSE = 0.0005

# A name with a start of its own, or a contestant; the first of a language is what the others' times are put beside.
TABLES = {
    "Python": {
        "python3 -c pass": [BARE / "python3", "-c", "pass"],
        "heeler, hks, first start": heeler(**PYTHON_HKS),
        "heeler, hks, later start": heeler(**PYTHON_HKS),
        "heeler, hks, runtimes set": heeler(runtimes=RUNTIMES, **PYTHON_HKS),
        "heeler, http, later start": heeler(**PYTHON_FF),
        "python3 -c 'import flask'": [VENV / "python3", "-c", "import flask"],
        "heeler, http with Flask, later start": heeler(**WITH_FLASK),
        "uvicorn": Contestant(UVICORN),
        "functions-framework": Contestant(FF_PYTHON),
    },
    "Node": {
        "node -e 0": [NODE, "-e", "0"],
        "heeler, hks, first start": heeler(**NODE_HKS),
        "heeler, hks, later start": heeler(**NODE_HKS),
        "heeler, hks, runtimes set": heeler(runtimes=RUNTIMES, **NODE_HKS),
        "heeler, (req, res), later start": heeler(**NODE_FF),
        "node:http": Contestant(NODE_HTTP),
        "functions-framework": Contestant(FF_NODE),
    },
    "Rust": {
        "bare hyper": GROUPS["rust"]["bare hyper"],
        "heeler": heeler(**ECHO),
    },
}


def to_its_end(command):
    """Milliseconds from the start of a program to its end."""
    server = Server([str(word) for word in command], {"PATH": path(BARE)}, 0, BUILT / "server.log")
    _, status = os.waitpid(server.pid, 0)
    took = time.monotonic() - server.began
    if status:
        raise Unusable(f"{command} failed:\n{server.log.read_text()[-2000:]}")
    return took * 1000


def to_first_200(contestant, unpacked):
    """Milliseconds from the start of a server to the end of its first 200; unpacked is a folder for what it unpacks."""
    server = contestant.start(TMPDIR=unpacked)
    try:
        return server.until_first_200(pause=PAUSE) * 1000
    finally:
        server.end()


def to_first_200_from_nothing(contestant):
    empty = tempfile.mkdtemp(dir=BUILT)
    try:
        return to_first_200(contestant, empty)
    finally:
        # A worker that is just being ended may still write into it.
        shutil.rmtree(empty, ignore_errors=True)


def starts(members, report):
    """What measures one start, by name."""
    commands = {name: how for name, how in members.items() if isinstance(how, list)}
    here = present({name: Contestant(how) if name in commands else how for name, how in members.items()}, report)
    kinds = {}
    for name, contestant in here.items():
        if name in commands:
            kinds[name] = partial(to_its_end, commands[name])
        elif name.endswith("first start"):
            kinds[name] = partial(to_first_200_from_nothing, contestant)
        else:
            kinds[name] = partial(to_first_200, contestant, BUILT)
    return kinds


def without_broken(kinds, report):
    """Those that start at all; heeler has to."""
    here = {}
    for name, start in kinds.items():
        try:
            start()
            here[name] = start
        except Unusable as why:
            if is_heeler(name):
                raise
            report.line(f"left out: {name}, {str(why).splitlines()[0]}")
    return here


def play(kinds, runs, report):
    """Everybody's milliseconds, one a round."""
    def measure(who):
        time.sleep(REST)
        return kinds[who]()

    return take_turns({who: [] for who in kinds}, runs, measure, report)


def table(language, took, report):
    bare = next(iter(TABLES[language]))
    framework = took.get("functions-framework")
    report.head(language, "ms", f"− {bare}, ms", "÷ functions-framework")
    for who, mine in took.items():
        more = [a - b for a, b in zip(mine, took[bare])] if bare in took and who != bare else None
        report.row(who, spread(mine, 1), spread(more, 1) if more else "", against(mine, framework if who != "functions-framework" else None))


def lay_out_runtimes():
    """As an image would have them: compiled."""
    shutil.rmtree(RUNTIMES, ignore_errors=True)
    shutil.copytree(ROOT / "runtimes", RUNTIMES, ignore=shutil.ignore_patterns("test", "tests", "__pycache__"))
    if PYTHON:
        subprocess.run([PYTHON, "-m", "compileall", "-q", str(RUNTIMES / "python")], check=True)


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--runs", type=int, default=20, help="starts of each (20)")
    parse.add_argument("--json", type=Path, help="every start's time goes here too")
    options = parse.parse_args()
    end_on_term()
    report = Report()
    heeler_or_end()
    prepare()
    lay_out_runtimes()
    report.machine(f"{options.runs} starts of each")
    report.line("figures: median (smallest–greatest) of the rounds")
    try:
        for language, members in TABLES.items():
            took = play(without_broken(starts(members, report), report), options.runs, report)
            report.raw += [{"language": language, "who": who, "ms": times} for who, times in took.items()]
            if took:
                table(language, took, report)
    finally:
        report.keep(options.json)


if __name__ == "__main__":
    main()
