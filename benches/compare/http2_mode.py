#!/usr/bin/env python3
"""http mode for callers of HTTP/2 (h2c by prior knowledge), measured beside nginx.

Both stand in front of the same upstream, which speaks HTTP/1.1, and take turns within each round. Each connection has one
call at a time. Loopback only. See README.md beside this file.
"""

import argparse
import shutil
import sys

from contestants import heeler_or_end
from crowd import Crowd, spent
from http_mode import nginx, watchdog
from options import add_common, add_lengths, listed
from report import Report, beside, beside_heads, column, errors, spread
from servers import BUILT, compile_c, end_on_term, named_by, pinned, serving
from turns import take_turns

# Bytes of the request's body; the answer has 100.
BODIES = {"get-100B": 0, "post-100B": 100}
FIGURES = {"rate": "calls/s", "cpu_us": "both µs/call"}
# Without a ratio: of nginx the first process only starts its worker, of heeler it is the one that serves.
HELD = {"own_mb": "own RSS MB", "peak_mb": "own, the most, MB", "below_mb": "below RSS MB"}


def proxies(report, upstream):
    """How each one is started, and the port of its HTTP/2; heeler first."""
    found = named_by({"heeler": "HEELER"}, report)
    here = {}
    if "heeler" in found:
        here["heeler"] = lambda: watchdog(found["heeler"], upstream, BUILT / "server.log", access_log="false",
                                          metrics_port="0", upstream_protocol="http1")
    if binary := shutil.which("nginx"):
        here["nginx"] = lambda: nginx(binary, upstream)
    else:
        report.line("left out: nginx, it is not installed")
    return here


def measure(start, shape, connections, options):
    with pinned(options.server_cpus):
        server = start()
    try:
        server.until_first_200()
        port = getattr(server, "http2_port", server.port)
        with Crowd(port, connections, options.load_cpus, http2=True, body=BODIES[shape]) as crowd:
            crowd.run(1)  # what is met for the first time is not what is measured
            return spent(server, crowd, options.seconds)
    finally:
        server.end()


def compare(here, options, report):
    report.head("call", "connections", "who", *beside_heads(FIGURES.values()), *HELD.values(), "errors")
    for shape in BODIES:
        for connections in options.connections:
            runs = take_turns({who: [] for who in here}, options.rounds,
                              lambda who: measure(here[who], shape, connections, options), report)
            for who, results in runs.items():
                report.raw.append({"call": shape, "connections": connections, "who": who, "rounds": results})
                cells = beside(runs.get("heeler"), results, dict.fromkeys(FIGURES, 1))
                cells += [spread(column(results, figure), 1) for figure in HELD]
                report.row(shape, connections, who, *cells, errors(results))


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_lengths(parse, 3, 5)
    parse.add_argument("--connections", type=listed(int), default="1,16,64", help="comma-separated (1,16,64)")
    add_common(parse)
    options = parse.parse_args()
    end_on_term()
    report = Report()
    heeler_or_end()
    program = compile_c("upstream", report)
    if not program:
        sys.exit("nothing to stand in front of: the upstream is needed")
    try:
        with serving(program, options) as port:
            here = proxies(report, port)
            cells = len(BODIES) * len(options.connections) * len(here)
            report.settings(options, options.rounds * cells * (options.seconds + 1.4) / 60)
            compare(here, options, report)
    finally:
        report.keep(options.json)


if __name__ == "__main__":
    main()
