#!/usr/bin/env python3
"""Counts what heeler's pieces and calls cost in instructions, and compares with budgets.txt beside this file.

Each thing is done N times and 2N times, each in a process of its own under valgrind; the difference, divided by N, is
free of the start and the end. More than the tolerance above its budget fails; as much below asks for a lower budget.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

# What the comparisons have, too.
sys.path.append(str(Path(__file__).parents[1] / "compare"))
import calls
from callgrind import Counted

FILE = Path(__file__).with_name("budgets.txt")

# Pieces are pure: one count is like the next. In calls timers and the kernel's moods have a small part, which only adds.
PIECE_TIMES = 200
CALL_ROUNDS = 2
# What a fresh line of the file allows: several times what repeated counts differ by.
PIECE_PERCENT = 1.0
CALL_PERCENT = 3.0


def counts(options):
    """Everything that is counted, in the order of the file: name, what to do for so many times, how many, how often, and the
    tolerance of a new line."""
    names = subprocess.run([options.pieces], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        yield name, lambda times, name=name: Counted([options.pieces, name, times]).ended(), PIECE_TIMES, 1, PIECE_PERCENT
    for name, (settings, call, times) in calls.cases(options.worker, options.upstream).items():
        run = lambda times, settings=settings, call=call: calls.instructions(options.heeler, settings, call, times)
        yield name, run, times, CALL_ROUNDS, CALL_PERCENT


def each(run, times, rounds):
    """Instructions for one."""
    once, twice = (min(run(many) for _ in range(rounds)) for many in (times, 2 * times))
    return round((twice - once) / times)


def budgets():
    """Name: instructions and tolerance in percent."""
    lines = [line.rsplit(None, 2) for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
    return {name: (int(most), float(percent)) for name, most, percent in lines}


def written(counted, before):
    """The file with new numbers; a tolerance that somebody chose stays."""
    head = [line for line in FILE.read_text().splitlines() if line.startswith("#")]
    head = [line for line in head if not line.startswith("# made with ")] + [f"# made with {compiler()}"]
    rows = [f"{name:<28} {number:>9} {before.get(name, (0, percent))[1]:>4}" for name, (number, percent) in counted.items()]
    return "\n".join(head + rows) + "\n"


def compiler():
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def judged(number, budget):
    """Whether it may be, and what is to be said of it."""
    if budget is None:
        return False, f"{number} instructions, and no budget: `make budgets UPDATE=1` gives it one"
    most, percent = budget
    off = (number - most) / most * 100
    said = f"{number} instructions, {off:+.2f} % from its budget of {most}"
    if off > percent:
        return False, f"{said}, and {percent} % is allowed"
    if off < -percent:
        return True, f"{said}: the budget should be lowered (make budgets UPDATE=1)"
    return True, said


def count(options, before):
    """Name: instructions and the tolerance of a new line; and whether all may be. Each is judged as it is counted."""
    counted, good = {}, 0
    for name, run, times, rounds, percent in counts(options):
        number = each(run, times, rounds)
        counted[name] = (number, percent)
        fine, said = judged(number, before.get(name))
        good += fine
        print(f"budgets: {'ok  ' if fine else 'OVER'} {name}: {said}", flush=True)
    return counted, good


def verdict(counted, good, before):
    """The exit code, behind the closing lines."""
    gone = [name for name in before if name not in counted]
    for name in gone:
        print(f"budgets: OVER {name}: has a budget, and nothing of that name is counted")
    if good < len(counted) or gone:
        made = next((line[2:] for line in FILE.read_text().splitlines() if line.startswith("# made with ")), "")
        print(f"budgets: the file is {made}, this is {compiler()}")
    print(f"budgets: {good} of {len(counted)} within their tolerance")
    return 0 if good == len(counted) and not gone else 1


def take_turns():
    """This and all that it starts is on one processor, where nobody that wakes up drives out who runs: an answer that is there
    before heeler looks for it costs a turn less than one that is waited for, so it must always be the same."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("heeler", "pieces", "worker", "upstream"):
        parse.add_argument(name)
    parse.add_argument("--update", action="store_true", help="write budgets.txt anew")
    options = parse.parse_args()
    take_turns()
    began, before = time.monotonic(), budgets()
    counted, good = count(options, before)
    print(f"budgets: counted in {time.monotonic() - began:.0f} s")
    if not options.update:
        return verdict(counted, good, before)
    FILE.write_text(written(counted, before))
    print(f"budgets: {len(counted)} written to {FILE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
