#!/usr/bin/env python3
"""heeler's memory over very many calls of warm workers: flat, or not.

Loopback only. See README.md beside this file.
"""

import argparse
import os
import time
from pathlib import Path

from contestants import GROUPS, heeler_or_end, prepare, present
from load import load, need_wrk
from report import Report
from servers import Unusable, end_on_term

CONNECTIONS = 16
SAMPLES = 10
# wrk is gone, but its connections are closed a moment later.
REST = 0.1
# Growth from the first sample to any later one that still counts as none.
ALLOWED = 0.10


def soak(who, contestant, calls, report):
    """Calls until there were so many, with a sample at each tenth of them, while no call is open."""
    server = contestant.start()
    samples, done, errors = [], 0, set()
    try:
        server.until_first_200(pause=0.002)
        report.head(who, "calls", "calls/s", "heeler RSS kB", "open files", "worker RSS kB", "errors")
        while done < calls:
            result = load(server.port, CONNECTIONS, 1)
            if not result["calls"]:
                raise Unusable(f"no call was answered; the server's log:\n{server.log.read_text()[-2000:]}")
            done += result["calls"]
            errors |= {result["errors"]} - {""}
            if done >= calls * (len(samples) + 1) / SAMPLES:
                time.sleep(REST)
                samples.append(sample(server, done))
                report.row("", done, f"{result['rate']:.0f}", *list(samples[-1].values())[1:], "; ".join(sorted(errors)))
    finally:
        server.end()
    report.raw.append({"who": who, "samples": samples, "errors": sorted(errors)})
    report.line(f"\n{who}: {verdict([sample['rss_kb'] for sample in samples])}")


def sample(server, done):
    return {"calls": done, "rss_kb": server.resident_kb(), "files": len(os.listdir(f"/proc/{server.pid}/fd")),
            "worker_rss_kb": server.resident_below_kb()}


def verdict(sizes):
    growth = max(sizes) / sizes[0] - 1
    word = "flat" if growth <= ALLOWED else "NOT flat"
    end = sizes[-1] / sizes[0] - 1
    return f"heeler's memory is {word}: at most {growth:+.1%} above the first sample, {end:+.1%} at the end"


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--calls", type=int, default=1_000_000, help="through a worker in Rust (1000000)")
    parse.add_argument("--python-calls", type=int, default=200_000, help="through one in Python (200000)")
    parse.add_argument("--json", type=Path, help="the samples go here too")
    options = parse.parse_args()
    end_on_term()
    report = Report()
    need_wrk()
    heeler_or_end()
    prepare()
    report.machine(f"{CONNECTIONS} connections")
    here = present({"heeler, Rust": GROUPS["rust"]["heeler, Rust"],
                    "heeler, Python hks": GROUPS["python"]["heeler, Python hks"]}, report)
    try:
        for (who, contestant), calls in zip(here.items(), (options.calls, options.python_calls)):
            soak(who, contestant, calls, report)
    finally:
        report.keep(options.json)


if __name__ == "__main__":
    main()
