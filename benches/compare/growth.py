#!/usr/bin/env python3
"""What a call costs heeler as there is more of something: connections, workers, bytes of a body, headers.

Each point has a server of its own; rounds go through all points in turn, there and back. Loopback only. See README.md beside
this file.
"""

import argparse
import time
from dataclasses import dataclass, field

from contestants import ECHO, EXAMPLES, HANDLERS, PYTHON, Contestant, heeler, heeler_or_end, prepare
from crowd import Crowd, allow_files, spent
from options import add_common, one_of
from points import CURVES, FEW
from report import Report, against, column, errors, spread
from servers import Unusable, end_on_term, serving
from turns import in_turn

BUSY = 64
# Places for all who may call at once: what is measured is what calls cost, not who is refused.
ROOM = {"max_connections": 20_000, "queue_depth": 20_000, "worker_concurrency": 20_000}
LONG = {"exec_timeout": "10m", "read_timeout": "10m", "write_timeout": "10m"}
FIGURES = {"rate": ("calls/s", 0), "own_us": ("own CPU µs/call", 1), "cpu_us": ("both µs/call", 1), "p50_us": ("p50 µs", 0),
           "own_mb": ("own RSS MB", 1), "peak_mb": ("most, MB", 1)}


@dataclass(frozen=True)
class Point:
    """One point of one line."""

    curve: str
    line: str
    x: int
    server: Contestant = field(compare=False)
    connections: int = 1
    asked: tuple = ()


# A worker that hands on what it has, whatever the length.
ASGI = {"handler": HANDLERS / "stream_app.py", "handler_style": "asgi"}


def points(curves, upstream, most):
    """All points of the curves that are wanted."""
    url = {"http_upstream_url": f"http://127.0.0.1:{upstream}", "fprocess": "sleep 1000000", "mode": "http"}
    hyper = Contestant([EXAMPLES / "bench_hyper", "{port}"])
    found = []
    for many in CURVES["connections"]:
        many, few = min(many, most), ("active", min(FEW, many))
        found.append(Point("connections", "warm, all call", many, heeler(**ECHO, **ROOM), many))
        found.append(Point("connections", "bare hyper, all call", many, hyper, many))
        if many >= FEW:
            found.append(Point("connections", f"warm, {FEW} call", many, heeler(**ECHO, **ROOM), many, (few,)))
            found.append(Point("connections", f"http, {FEW} call", many, heeler(**url, **ROOM), many, (few,)))
    for many in CURVES["workers"]:
        found.append(Point("workers", "warm", many, heeler(many, **ECHO), BUSY))
    for size in CURVES["body"]:
        modes = {"warm, Python": ASGI, "http": url} | {mode: {"mode": mode, "fprocess": "cat"} for mode in ("streaming", "serializing")}
        if not PYTHON:
            del modes["warm, Python"]
        for mode, setting in modes.items():
            found.append(Point("body", mode, size, heeler(**LONG, **setting), 4, (("body", size), ("path", "/stream"))))
    for many in CURVES["headers"]:
        for mode, setting in (("warm", ECHO), ("http", url)):
            found.append(Point("headers", mode, many, heeler(**setting), FEW, (("headers", many),)))
    return [point for point in dict.fromkeys(found) if point.curve in curves]


def measure(point, options):
    server = point.server.start(options.server_cpus)
    try:
        server.until_first_200(pause=0.002)
        with Crowd(server.port, point.connections, options.load_cpus, **dict(point.asked)) as crowd:
            crowd.run(0.3)  # what is met for the first time is not what is measured
            server.forget_peak()
            return spent(server, crowd, options.seconds)
    finally:
        server.end()


def table(runs, report):
    report.head("curve", "line", "x", *(name for name, _ in FIGURES.values()), "own CPU ÷ the first point's", "errors")
    first = {}
    for point, results in sorted(runs.items(), key=lambda one: (list(CURVES).index(one[0].curve), one[0].line, one[0].x)):
        first.setdefault((point.curve, point.line), results)
        report.raw.append({"curve": point.curve, "line": point.line, "x": point.x, "rounds": results})
        cells, wrong = [""] * (len(FIGURES) + 1), errors(results)
        if all(figure in one for figure in FIGURES for one in results):
            cells = [spread(column(results, figure), digits) for figure, (_, digits) in FIGURES.items()]
            cells.append(against(column(results, "own_us"), [one.get("own_us") for one in first[point.curve, point.line]]))
        report.row(point.curve, point.line, point.x, *cells, wrong)


def play(here, runs, options, report):
    """Every point's results, one a round; no round is begun that would end too late."""
    began, longest = time.monotonic(), 0
    for turn in range(options.rounds):
        since = time.monotonic()
        if turn and since - began + longest > options.minutes * 60:
            report.line(f"{turn} rounds of {options.rounds}: another one would last beyond {options.minutes} minutes")
            break
        for point in in_turn(here, turn):
            try:
                figures = measure(point, options)
            except Unusable as why:
                # A point that cannot be reached is a result, too, and no reason to leave out all others.
                figures = {"errors": " ".join(str(why).split())[-200:]}
            runs.setdefault(point, []).append(figures)
        longest = max(longest, time.monotonic() - since)


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--seconds", type=float, default=1, help="of load per point (1)")
    parse.add_argument("--rounds", type=int, default=2, help="of all points (2)")
    parse.add_argument("--minutes", type=float, default=5, help="no round is begun that would end later (5)")
    parse.add_argument("--curves", type=one_of(list(CURVES), "curves"), default=",".join(CURVES), help="comma-separated")
    add_common(parse)
    options = parse.parse_args()
    end_on_term()
    report = Report()
    heeler_or_end()
    prepare()
    most = allow_files()
    if most < max(CURVES["connections"]):
        report.line(f"no more than {most} connections: each takes an open file (ulimit -Hn)")
    runs = {}
    try:
        with serving(EXAMPLES / "bench_hyper", options) as port:
            here = points(options.curves, port, most)
            report.settings(options, options.rounds * len(here) * (options.seconds + 0.8) / 60)
            play(here, runs, options, report)
    finally:
        table(runs, report)
        report.keep(options.json)


if __name__ == "__main__":
    main()
