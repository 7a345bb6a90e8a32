#!/usr/bin/env python3
"""cgi mode, measured beside lighttpd with mod_cgi: a process per call after RFC 3875, the same program.

They take turns within each round. Loopback only. See README.md beside this file.
"""

import argparse
import shutil
import sys
from pathlib import Path
from string import Template

from fork import under_load
from load import need_wrk
from options import add_common, add_lengths, listed
from report import Report, beside, beside_heads, errors
from servers import BUILT, HERE, Server, compile_c, end_on_term, free_port, named_by
from turns import take_turns

FIGURES = {"rate": "calls/s", "p50_us": "p50 µs", "own_us": "own CPU µs/call"}


def lighttpd(binary, program):
    port = free_port()
    folder = BUILT / "lighttpd"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, folder / "index.cgi")
    conf = Template((HERE / "lighttpd.conf").read_text()).substitute(LISTEN=port, ROOT=folder)
    (folder / "lighttpd.conf").write_text(conf)
    return Server([binary, "-D", "-f", str(folder / "lighttpd.conf")], {}, port, folder / "server.log")


def heeler(binary, program):
    port = free_port()
    env = {"port": str(port), "mode": "cgi", "fprocess": program, "access_log": "false", "metrics_port": "0"}
    return Server([binary], env, port, BUILT / "server.log")


def present(report, program):
    found = named_by({"heeler": "HEELER"}, report)
    here = {"heeler": lambda: heeler(found["heeler"], program)} if found else {}
    binary = shutil.which("lighttpd")
    if not binary:
        report.line("left out: lighttpd, it is not installed")
    elif not any(Path(folder, "mod_cgi.so").exists() for folder in ("/usr/lib/lighttpd", "/usr/lib64/lighttpd")):
        report.line("left out: lighttpd, it has no mod_cgi")
    else:
        here["lighttpd"] = lambda: lighttpd(binary, program)
    return here


def measure(start, connections, options):
    result, own = under_load(start, connections, options)
    return result | {"own_us": own}


def compare(here, options, report):
    report.head("connections", "who", *beside_heads(FIGURES.values()), "errors")
    for connections in options.connections:
        runs = take_turns({who: [] for who in here}, options.rounds, lambda who: measure(here[who], connections, options), report)
        for who, results in runs.items():
            report.raw.append({"mode": "cgi", "connections": connections, "who": who, "rounds": results})
            cells = beside(runs.get("heeler"), results, dict.fromkeys(FIGURES, 0))
            report.row(connections, who, *cells, errors(results))


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_lengths(parse, 3, 5)
    parse.add_argument("--connections", type=listed(int), default="1,16", help="comma-separated (1,16)")
    add_common(parse)
    options = parse.parse_args()
    end_on_term()
    report = Report()
    need_wrk()
    program = compile_c("cgi", report)
    here = present(report, program) if program else {}
    if not here:
        sys.exit("nothing to measure")
    report.settings(options, options.rounds * len(here) * len(options.connections) * (options.seconds + 1.3) / 60)
    try:
        compare(here, options, report)
    finally:
        report.keep(options.json)


if __name__ == "__main__":
    main()
