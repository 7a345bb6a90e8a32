#!/usr/bin/env python3
"""What bodies and idle connections cost in memory: heeler's own, beside of-watchdog's and a bare server's.

Each figure is the most that one process held while it was asked (VmHWM), of idle connections what it held with all of them open
(VmRSS), above what it held before. Loopback only. See README.md beside this file.
"""

import argparse
import os
import sys
import time

from contestants import ECHO, EXAMPLES, HANDLERS, PYTHON, Contestant, heeler, heeler_or_end, prepare
from crowd import Crowd, allow_files
from options import add_common
from report import Report, against, column, errors, spread
from servers import METRICS, end_on_term, named_by, serving, until_free
from turns import take_turns

GIB = 1 << 30
MIB = 1 << 20
CALLERS = 64
IDLE = 1000
# No call is to end for its length.
LONG = {"exec_timeout": "10m", "read_timeout": "10m", "write_timeout": "10m"}
# After its start or its calls a server may still be putting things away.
REST = 0.3


class Setting:
    """A server as it is measured, and what its callers ask it."""

    def __init__(self, what, mode, who, server, path="/"):
        self.what, self.mode, self.who, self.server, self.path = what, mode, who, server, path


def settings(found, upstream):
    """The cells, those who are compared next to each other."""
    own = lambda mode, **more: heeler(mode=mode, **LONG, **more)
    url = {"http_upstream_url": f"http://127.0.0.1:{upstream}", "fprocess": "sleep 1000000"}
    cells = [
        Setting("1 GiB", "streaming", "heeler", own("streaming", fprocess="cat")),
        Setting("1 GiB", "http", "heeler", own("http", **url), "/stream"),
        Setting("64 × 1 MiB", "serializing", "heeler", own("serializing", fprocess="cat")),
        Setting("64 × 1 MiB", "classic", "heeler", own("classic", fprocess="cat")),
        Setting("1,000 idle", "warm", "heeler", heeler(**ECHO)),
        Setting("1,000 idle", "http", "heeler", own("http", **url)),
        Setting("1,000 idle", "", "bare hyper", Contestant([EXAMPLES / "bench_hyper", "{port}"])),
    ]
    if PYTHON:
        handler = {"handler": HANDLERS / "stream_app.py", "handler_style": "asgi"}
        cells.append(Setting("1 GiB", "warm", "heeler", own("warm", **handler)))
    for name in ("of-watchdog", "classic-watchdog"):
        if name in found:
            cells += rivals(name, found[name], url)
    return cells


def rivals(name, binary, url):
    server = lambda **more: Contestant([binary], {"port": "{port}", "PATH": os.environ["PATH"]} | LONG | more)
    if name == "classic-watchdog":
        return [Setting("64 × 1 MiB", "classic", name, server(fprocess="cat"))]
    return [
        Setting("1 GiB", "streaming", name, server(mode="streaming", fprocess="cat")),
        Setting("1 GiB", "http", name, server(mode="http", **url), "/stream"),
        Setting("64 × 1 MiB", "serializing", name, server(mode="serializing", fprocess="cat")),
        Setting("1,000 idle", "http", name, server(mode="http", **url)),
    ]


def measure(cell, options):
    if cell.who.endswith("watchdog"):
        until_free(METRICS)
    server = cell.server.start(options.server_cpus)
    try:
        server.until_first_200(pause=0.002)
        time.sleep(REST)
        before = server.resident_kb()
        server.forget_peak()
        figures = ask(cell, server, options)
        return {"before_mb": before / 1024, "over_mb": (figures.pop("held_kb", None) or server.peak_kb()) / 1024 - before / 1024} | figures
    finally:
        server.end()


def ask(cell, server, options):
    """What is asked of the server, and what came back."""
    if cell.what == "1,000 idle":
        with Crowd(server.port, IDLE, options.load_cpus):
            time.sleep(REST)
            return {"errors": "", "held_kb": server.resident_kb()}
    connections, body = (1, options.large) if cell.what == "1 GiB" else (CALLERS, MIB)
    with Crowd(server.port, connections, options.load_cpus, body=body, path=cell.path) as crowd:
        done = crowd.once()
    errors = done["errors"] or ("" if done["answered"] == connections * body else f"{done['answered']} bytes came back")
    return {"errors": errors, "seconds": done["seconds"], "bytes": connections * body + done["answered"]}


def table(runs, report):
    report.head("what", "mode", "who", "before, MB", "more, MB", "heeler ÷ it", "more ÷ request and answer", "seconds", "errors")
    for (what, mode, who), results in sorted(runs.items()):
        if not results:
            continue
        report.raw.append({"what": what, "mode": mode, "who": who, "rounds": results})
        # A server without modes is beside the one that serves by itself.
        mine = runs.get((what, mode or "warm", "heeler"))
        wrong = errors(results)
        compared = mine and who != "heeler" and not wrong and not errors(mine)
        share = [one["over_mb"] * MIB / one["bytes"] for one in results if one.get("bytes")] if "64" in what and not wrong else []
        report.row(what, mode, who, spread(column(results, "before_mb"), 1), spread(column(results, "over_mb"), 1),
                   against(column(mine, "over_mb"), column(results, "over_mb")) if compared else "", spread(share) if share else "",
                   spread(column(results, "seconds"), 1) if "seconds" in results[0] else "", wrong)


def play(cells, runs, options, report):
    by_key = {(cell.what, cell.mode, cell.who): cell for cell in cells}
    runs |= {key: [] for key in by_key}
    take_turns(runs, options.rounds, lambda key: measure(by_key[key], options), report,
               needed=lambda key: key[2] == "heeler", called=lambda key: f"{key[2]}, {key[0]} in {key[1] or 'its only mode'}")


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--rounds", type=int, default=3, help="of each (3)")
    parse.add_argument("--large", type=int, default=GIB, help="bytes of the large body (1 GiB)")
    add_common(parse)
    options = parse.parse_args()
    end_on_term()
    report = Report()
    heeler_or_end()
    prepare()
    if allow_files() < IDLE:
        sys.exit(f"{IDLE} connections take more open files than may be here: ulimit -Hn")
    found = named_by({"of-watchdog": "OF_WATCHDOG", "classic-watchdog": "CLASSIC_WATCHDOG"}, report)
    report.machine(f"{options.rounds} rounds")
    runs = {}
    try:
        with serving(EXAMPLES / "bench_hyper", options) as port:
            play(settings(found, port), runs, options, report)
    finally:
        table(runs, report)
        report.keep(options.json)


if __name__ == "__main__":
    main()
