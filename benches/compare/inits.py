#!/usr/bin/env python3
"""`heeler init`, measured beside other plain inits: start and end of a program, forwarded signals, memory.

They take turns within each round; the program without any init is measured along. See README.md beside this file.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time

from options import add_common, add_lengths
from report import Report, beside, beside_heads
from servers import BUILT, Server, Unusable, compile_c, end_on_term, named_by, pinned
from turns import take_turns

SIGNALS = 2000
NONE = "no init"
FIGURES = {"run_us": ("start to end of a static `true`, µs", 0), "signal_us": ("signal to answer, µs", 1),
           "resident_kb": ("resident, kB", 0)}
# As processes that are not PID 1, as all of them are here, heeler and tini need to be told that they are to take orphans in.
HEELER = ["init", "-s", "--"]
RIVALS = {"tini": ["tini", "-s", "--"], "dumb-init": ["dumb-init", "--"], "catatonit": ["catatonit", "--"]}


def inits(report):
    """What stands before a command, by name; heeler first."""
    found = named_by({"heeler init": "HEELER"}, report)
    here = {name: [path, *HEELER] for name, path in found.items()}
    for name, (program, *options) in RIVALS.items():
        if path := shutil.which(program):
            here[name] = [path, *options]
        else:
            report.line(f"left out: {name}, it is not installed")
    return here | {NONE: []}


def said(command, cpus):
    with pinned(cpus):
        ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        raise Unusable(f"{' '.join(map(str, command))} ends with {ran.returncode}: {ran.stderr.strip()[-200:]}")
    return ran.stdout.split()


def one_processor(options):
    """Else what a signal takes is one thing where the kernel puts both ends on one processor, and another where it does not."""
    return [min(options.server_cpus or os.sched_getaffinity(0))]


def resident_kb(init):
    server = Server([*init, shutil.which("sleep"), "1000000"], {}, 0, BUILT / "server.log")
    try:
        deadline = time.monotonic() + 10
        # Its memory is that at rest once the program runs.
        while not os.path.exists(f"/proc/{server.pid}/task/{server.pid}/children") or not server.resident_below_kb():
            if time.monotonic() > deadline:
                raise Unusable(f"{init[0]} starts nothing")
            time.sleep(0.002)
        time.sleep(0.1)
        return server.resident_kb()
    finally:
        server.end()


def measure(init, programs, options):
    calls, took = said([programs["spawn_floor"], str(options.seconds), *init, programs["true"]], options.server_cpus)
    signal = said([programs["relay"], str(SIGNALS), *init], one_processor(options))
    figures = {"run_us": float(took) / int(calls) * 1e6, "signal_us": float(signal[0])}
    return figures | ({"resident_kb": resident_kb(init)} if init else {})


def table(runs, report):
    report.head("init", *beside_heads(name for name, _ in FIGURES.values()))
    for who, results in runs.items():
        if results:
            report.raw.append({"who": who, "rounds": results})
            report.row(who, *beside(runs.get("heeler init"), results, {figure: digits for figure, (_, digits) in FIGURES.items()}))


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_lengths(parse, 2, 5)
    add_common(parse)
    options = parse.parse_args()
    end_on_term()
    report = Report()
    BUILT.mkdir(parents=True, exist_ok=True)
    programs = {name: compile_c(name, report) for name in ("spawn_floor", "relay", "true")}
    if not all(programs.values()):
        sys.exit("nothing to measure with")
    here = inits(report)
    report.settings(options, options.rounds * len(here) * (options.seconds + 0.5) / 60)
    runs = {who: [] for who in here}
    try:
        take_turns(runs, options.rounds, lambda who: measure(here[who], programs, options), report)
    finally:
        table(runs, report)
        report.keep(options.json)


if __name__ == "__main__":
    main()
