#!/usr/bin/env python3
"""http mode, measured beside nginx, of-watchdog and the bare upstream.

All stand in front of the same upstream. They take turns within each round, so that a noisy machine is noisy for all
of them; what is reported is the median of the rounds' ratios with the smallest and the greatest. Loopback only. See
README.md beside this file, which is not called http.py because it would hide the module of Python that has this name.
"""

import argparse
import os
import shutil
import sys
from string import Template

from load import load, need_wrk
from options import add_common, add_lengths, listed, one_of
from report import Report, beside, beside_heads, errors
from servers import BUILT, HERE, METRICS, Server, compile_c, end_on_term, free_port, named_by, pinned, serving, until_free
from turns import take_turns

# What is called: method, bytes of the request's body, path. The upstream answers 100 bytes unless the path is /1MiB.
SHAPES = {
    "get-100B": ("GET", 0, "/"),
    "post-100B": ("POST", 100, "/"),
    "get-1MiB": ("GET", 0, "/1MiB"),
    "post-1MiB": ("POST", 1 << 20, "/"),
}

# What is compared: its name in the raw figures, its name in the tables.
SEEN = {"rate": "calls/s", "p50_us": "p50 µs", "p99_us": "p99 µs"}
SPENT = {"user_us": "user µs/call", "system_us": "system µs/call", "cpu_us": "both µs/call"}


class Bare:
    """The upstream without anything in front of it, in the place of a proxy."""

    def __init__(self, port):
        self.port = port

    def until_first_200(self):
        pass  # it has been waited for

    def cpu(self, family):
        return None

    def end(self):
        pass  # it is needed by the next one


def watchdog(binary, upstream, log, **settings):
    """heeler or of-watchdog: both want a program of their own, and are told that the function is elsewhere."""
    port = free_port()
    env = {"port": str(port), "mode": "http", "fprocess": "sleep 1000000",
           "http_upstream_url": f"http://127.0.0.1:{upstream}"}
    return Server([binary], env | settings, port, log)


def nginx(binary, upstream):
    port, http2 = free_port(), free_port()
    folder = BUILT / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    conf = Template((HERE / "nginx.conf").read_text()).substitute(LISTEN=port, LISTEN_HTTP2=http2, UPSTREAM=upstream)
    (folder / "nginx.conf").write_text(conf)
    server = Server([binary, "-p", str(folder), "-c", "nginx.conf"], {}, port, folder / "server.log")
    server.http2_port = http2
    return server


def proxies(report, upstream):
    """How each one is started; heeler first."""
    found = named_by({"heeler": "HEELER", "of-watchdog": "OF_WATCHDOG"}, report)
    here = {}
    if "heeler" in found:
        # No port for metrics, which are counted all the same: 8081 is of-watchdog's.
        here["heeler"] = lambda: watchdog(found["heeler"], upstream, BUILT / "server.log", access_log="false",
                                          metrics_port="0")
    here["bare upstream"] = lambda: Bare(upstream)
    if binary := shutil.which("nginx"):
        here["nginx"] = lambda: nginx(binary, upstream)
    else:
        report.line("left out: nginx, it is not installed")
    if "of-watchdog" in found:
        # Its access log cannot be switched off; the null device is the cheapest place for it.
        here["of-watchdog"] = lambda: until_free(METRICS) or watchdog(found["of-watchdog"], upstream, os.devnull)
    return here


def measure(start, shape, connections, options):
    method, body, path = SHAPES[shape]
    with pinned(options.server_cpus):
        server = start()
    try:
        server.until_first_200()
        with pinned(options.load_cpus):
            load(server.port, connections, 1, method, body, path)  # what is met for the first time is not what is measured
            before = server.cpu(family=True)
            result = load(server.port, connections, options.seconds, method, body, path)
        return result | spent(before, server.cpu(family=True), result["calls"])
    finally:
        server.end()


def spent(before, after, calls):
    """Processor time per call in microseconds; nothing for the bare upstream."""
    if before is None:
        return {}
    user, system = ((late - early) / max(calls, 1) * 1e6 for early, late in zip(before, after))
    return {"user_us": user, "system_us": system, "cpu_us": user + system}


def rows(shape, connections, runs, figures, report):
    for who, results in runs.items():
        if not figures.keys() <= results[0].keys():
            continue
        cells = beside(runs.get("heeler"), results, dict.fromkeys(figures, 1 if figures is SPENT else 0))
        report.row(shape, connections, who, *cells, errors(results))


def table(cells, figures, report):
    report.head("call", "connections", "who", *beside_heads(figures.values()), "errors")
    for shape, connections, runs in cells:
        rows(shape, connections, runs, figures, report)


def compare(here, options, report):
    """What callers see as soon as it is known, then what the proxies spent on it."""
    done = []

    def cells():
        for shape in options.shapes:
            for connections in options.connections:
                runs = take_turns({who: [] for who in here}, options.rounds,
                                  lambda who: measure(here[who], shape, connections, options), report)
                done.append((shape, connections, runs))
                report.raw += [{"call": shape, "connections": connections, "who": who, "rounds": results}
                               for who, results in runs.items()]
                yield done[-1]

    table(cells(), SEEN, report)
    table(done, SPENT, report)


def options_from(argv):
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_lengths(parse, 3, 5)
    parse.add_argument("--connections", type=listed(int), default="1,16,64", help="comma-separated (1,16,64)")
    parse.add_argument("--shapes", type=one_of(list(SHAPES), "shapes"), default=",".join(SHAPES), help="comma-separated")
    add_common(parse)
    return parse.parse_args(argv)


def main():
    options = options_from(sys.argv[1:])
    end_on_term()
    report = Report()
    need_wrk()
    program = compile_c("upstream", report)
    if not program:
        sys.exit("nothing to stand in front of: the upstream is needed")
    try:
        with serving(program, options) as port:
            here = proxies(report, port)
            cells = len(options.shapes) * len(options.connections) * len(here)
            report.settings(options, options.rounds * cells * (options.seconds + 1.3) / 60)
            compare(here, options, report)
    finally:
        report.keep(options.json)


if __name__ == "__main__":
    main()
