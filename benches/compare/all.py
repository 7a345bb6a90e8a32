#!/usr/bin/env python3
"""All comparisons in one go, each within its bound, and at the end one table: every goal, what was measured, met or missed.

The raw figures go to target/bench/bench.json; with --keep to runs/DATE-bench.json as well, and docs/performance.md is written
from them. See README.md beside this file.
"""

import argparse
import datetime
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import figures
import page
from goals import MISSED, UNKNOWN, verdicts
from servers import BUILT, HERE, end_on_term
from versions import all_here

ROOT = HERE.parents[1]
# What a family may take to end once it is told to.
ENDING = 60
SECONDS, ROUNDS = 2, 3


@dataclass(frozen=True)
class Family:
    """A script with its arguments: `about` so many minutes, and at most `bound`. `lengths` may have {seconds} and {rounds}; `script` is
    that of the same name if none is named."""

    name: str
    about: float
    bound: float
    lengths: str
    quick: str
    rest: str = ""
    within: tuple = ()
    script: str = ""

    def file(self):
        return HERE / f"{self.script or self.name}.py"


BOTH = "--seconds {seconds} --rounds {rounds}"
FAMILIES = [
    Family("fork", 4.7, 5.5, f"{BOTH} --starts 10", f"{BOTH} --starts 3", "--connections 1,16"),
    Family("cgi_mode", 0.7, 1.0, BOTH, BOTH),
    Family("inits", 0.7, 1.0, BOTH, BOTH),
    Family("http_mode", 4.0, 5.0, BOTH, BOTH, "--shapes get-100B,post-100B"),
    Family("http2_mode", 2.1, 2.5, BOTH, BOTH),
    # A second is as good where thirty servers share the time.
    Family("warm_mode", 7.1, 8.5, "--seconds 1 --rounds {rounds}", BOTH, "--cells post:1,post:16"),
    # A single caller waits for wake-ups: of processors that sleep, where client, heeler and worker each have their own.
    Family("one_processor", 2.7, 3.5, "--seconds 1 --rounds {rounds}", BOTH,
           "--groups rust,python,go,java --cells post:1 --server-cpus 0 --load-cpus 0", script="warm_mode"),
    Family("event_cost", 1.2, 2.0, "--seconds 1 --rounds {rounds}", BOTH, "--who warm --connections 16"),
    Family("cold_start", 1.0, 2.0, "--runs 10", "--runs 2"),
    Family("memory", 1.2, 2.5, "--rounds {rounds}", "--rounds 1"),
    Family("growth", 4.0, 5.0, "--seconds 1 --rounds 2 --minutes 4.5", "--seconds 0.3 --rounds 1"),
    Family("images", 2.5, 3.0, "--runs 3", "--runs 1", within=("scripts/with-images.sh",)),
]


def longer(family, options):
    """How much longer than by default a family may take, where longer or more rounds were asked for."""
    asked = "{rounds}" in family.lengths and not options.quick
    return max(1.0, options.rounds * (options.seconds + 1.2) / (ROUNDS * (SECONDS + 1.2))) if asked else 1.0


class Run:
    """One family, in a session of its own: what it starts ends with it."""

    def __init__(self, family, options):
        self.family, self.options, self.left_out, self.ended = family, options, [], "well"
        self.minutes = family.bound * longer(family, options)
        self.json = BUILT / f"{family.name}.json"
        self.timers, self.began = [], time.monotonic()

    def arguments(self):
        family, options = self.family, self.options
        lengths = (family.quick if options.quick else family.lengths).format(seconds=options.seconds, rounds=options.rounds)
        pins = [f"--{name}={value}" for name, value in (("server-cpus", options.server_cpus), ("load-cpus", options.load_cpus))
                if value and family.name not in ("cold_start", "images", "one_processor")]
        return [*lengths.split(), *family.rest.split(), *pins]

    def command(self):
        return [*self.family.within, sys.executable, str(self.family.file()), *self.arguments(), "--json", str(self.json)]

    def play(self):
        """Runs it to its end or to its bound; everything it prints is printed."""
        self.json.unlink(missing_ok=True)
        self.process = subprocess.Popen(self.command(), cwd=ROOT, start_new_session=True, text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.later(self.minutes * 60, self.cut)
        self.follower = threading.Thread(target=self.follow, daemon=True)
        self.follower.start()
        try:
            for line in self.process.stdout:
                print(line, end="", flush=True)
                self.heard(line)
        except BaseException:
            self.ended = "was interrupted"
            raise
        finally:
            self.end()

    def heard(self, line):
        if left := figures.said(line):
            self.left_out.append(left)
        self.ended = figures.skipped(line) or self.ended

    def follow(self):
        """Ends what it leaves behind, which may hold its output open. It is not collected yet: until then its number is nobody
        else's, nor its group's."""
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        self.signal(signal.SIGKILL)

    def end(self):
        if self.ended == "was interrupted":
            self.stop()
        self.follower.join()
        for timer in self.timers:
            timer.cancel()
        self.process.stdout.close()
        if (code := self.process.wait()) and self.ended == "well":
            self.ended = f"failed with code {code}"

    def figures(self):
        """What the run keeps of it, however it ended."""
        raw = self.raw()
        return {"arguments": " ".join(self.arguments()), "minutes": (time.monotonic() - self.began) / 60, "ended": self.ended,
                "left_out": self.left_out, "raw": raw}

    def raw(self):
        try:
            return json.loads(self.json.read_text())
        except (OSError, ValueError):
            if self.ended == "well":
                self.ended = "said nothing"
            return []

    def cut(self):
        self.ended = f"was cut at its {self.minutes:.3g} minutes"
        self.stop()

    def stop(self):
        """It has some time to end what it has started and to write down what it has."""
        self.signal(signal.SIGTERM)
        self.later(ENDING, self.signal, signal.SIGKILL)

    def later(self, seconds, what, *arguments):
        timer = threading.Timer(seconds, what, arguments)
        timer.daemon = True
        self.timers.append(timer)
        timer.start()

    def signal(self, number):
        """To its whole group, which may outlive it."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass  # nobody is left


def table(run):
    """Every goal; then those that were missed, by name."""
    print("\n| goal | beside | wanted | measured: median (smallest–greatest) | |\n| --- | --- | --- | --- | --- |")
    found = verdicts(run)
    for goal, values, verdict in found:
        print(f"| {goal.about}: {goal.what} | {goal.beside_in(run)} | {goal.text()} | {goal.shown(values)} | {verdict} |")
    missed = [(goal, values) for goal, values, verdict in found if verdict == MISSED]
    unknown = sum(verdict == UNKNOWN for _, _, verdict in found)
    print(f"\n{len(found) - len(missed) - unknown} goals met, {len(missed)} missed, {unknown} not measured")
    for goal, values in missed:
        print(f"MISSED: {goal.short(values)}")
    for name, family in run["families"].items():
        if family["ended"] != "well":
            print(f"{name} {family['ended']}")


def play(chosen, options, run):
    for family in chosen:
        print(f"\nbench: {family.name}", flush=True)
        one = Run(family, options)
        try:
            one.play()
        finally:
            run["families"][family.name] = one.figures()
            figures.write(run, BUILT / "bench.json")


def options_from(argv):
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--seconds", type=int, help=f"of load per server and cell ({SECONDS})")
    parse.add_argument("--rounds", type=int, help=f"per cell ({ROUNDS})")
    parse.add_argument("--quick", action="store_true", help="one round of a second: whether it works, not how fast it is")
    parse.add_argument("--keep", action="store_true", help="into runs/, and docs/performance.md")
    parse.add_argument("--only", default="", help="comma-separated families; the others are not measured")
    parse.add_argument("--server-cpus", help="the servers run on these processors only")
    parse.add_argument("--load-cpus", help="the load generators run on these processors only")
    options = parse.parse_args(argv)
    options.seconds = options.seconds or (1 if options.quick else SECONDS)
    options.rounds = options.rounds or (1 if options.quick else ROUNDS)
    options.quick |= options.seconds == options.rounds == 1
    if options.keep and (options.quick or options.only):
        parse.error("--keep: what is kept is a whole run, neither a quick one nor --only some families")
    return options


def main():
    options = options_from(sys.argv[1:])
    end_on_term()
    BUILT.mkdir(parents=True, exist_ok=True)
    only = options.only.split(",") if options.only else [family.name for family in FAMILIES]
    chosen = [family for family in FAMILIES if family.name in only]
    if len(chosen) < len(only):
        sys.exit(f"--only {options.only}: families are {', '.join(family.name for family in FAMILIES)}")
    times = [sum(minutes * longer(family, options) for minutes, family in zip(column, chosen))
             for column in ([family.about for family in chosen], [family.bound for family in chosen])]
    print(f"bench: {len(chosen)} families, {'quick' if options.quick else f'some {times[0]:.0f} minutes'}, "
          f"at most {times[1]:.0f}; leave the machine alone meanwhile", flush=True)
    began = time.monotonic()
    run = {"date": datetime.date.today().isoformat(), "machine": all_here(),
           "settings": {"seconds": options.seconds, "rounds": options.rounds, "quick": options.quick}, "families": {}}
    try:
        play(chosen, options, run)
    finally:
        table(run)
        print(f"\nbench: {(time.monotonic() - began) / 60:.1f} minutes; raw figures: target/bench/bench.json")
    if options.keep:
        kept = figures.RUNS / f"{run['date']}-bench.json"
        figures.write(run, kept)
        page.write(kept)
        print(f"bench: kept as {kept.relative_to(ROOT)}; docs/performance.md is written from it")
    if not all(figures.ended_well(family) for family in run["families"].values()):
        sys.exit("bench: not all families ended well")


if __name__ == "__main__":
    main()
