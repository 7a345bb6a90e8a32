#!/usr/bin/env python3
"""warm mode, measured beside bare servers and beside those that run the same functions.

Groups of servers take turns within each round, so that a noisy machine is noisy for all of them; what is reported is the
median of the rounds with the smallest and the greatest, and ratios that are taken within their round. Loopback only. See
README.md beside this file.
"""

import argparse
import http.client
import sys
from contextlib import contextmanager

from contestants import GROUPS, heeler_or_end, prepare, present
from load import load, need_wrk
from options import add_common, add_lengths, listed
from pairs import PAIRS
from report import Report, against, column, errors, spread
from servers import Unusable, end_on_term, per_call, pinned
from turns import is_heeler, take_turns

# Method and bytes of the request's body; the answer has 100 either way.
SHAPES = {"post": ("POST", 100), "get": ("GET", 0)}

SEEN = {"rate": "calls/s", "p50_us": "p50 µs", "p99_us": "p99 µs"}
SPENT = {"own_us": "own CPU µs/call", "below_us": "below CPU µs/call", "cpu_us": "both µs/call"}
HELD = {"own_mb": "own RSS MB", "below_mb": "below RSS MB"}
FIGURES = SEEN | SPENT | HELD
DIGITS = dict.fromkeys(SEEN, 0) | dict.fromkeys(SPENT | HELD, 1)


def answers_as_asked(server):
    """Whoever answers something else does not do the same work."""
    for method, body in (("POST", b"y" * 100), ("GET", b"")):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        try:
            connection.request(method, "/", body or None, {"Content-Type": "application/octet-stream"} if body else {})
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as why:
            raise Unusable(f"{method} is not answered: {why!r}") from None
        finally:
            connection.close()
        if response.status != 200 or answer != (body or b"x" * 100):
            raise Unusable(f"{method} is answered with {response.status} {answer[:200]!r}")


@contextmanager
def started(contestant, options):
    server = contestant.start(options.server_cpus)
    try:
        server.until_first_200(pause=0.002)
        yield server
    finally:
        server.end()


def visit(contestant, options):
    """All cells of one server, which is started for them."""
    with started(contestant, options) as server:
        with pinned(options.load_cpus):
            load(server.port, 16, contestant.warm_seconds)
            return {cell: measure(server, *cell, options.seconds) for cell in options.cells}


def measure(server, shape, connections, seconds):
    result = per_call(server, lambda: load(server.port, connections, seconds, *SHAPES[shape]))
    held = {"own_mb": server.resident_kb() / 1024, "below_mb": server.resident_below_kb() / 1024}
    return result | {"cpu_us": result["own_us"] + result["below_us"]} | held


def by_cell(visits, options):
    """Everybody's results by cell, one a round."""
    return {cell: {who: column(results, cell) for who, results in visits.items() if results} for cell in options.cells}


def figures_table(runs, report):
    report.head("call", "connections", "who", *FIGURES.values(), "errors")
    for (shape, connections), cell in runs.items():
        for who, results in cell.items():
            cells = [spread(column(results, figure), DIGITS[figure]) for figure in FIGURES]
            report.row(shape, connections, who, *cells, errors(results))


def ratios_table(pairs, runs, report):
    pairs = [pair for pair in pairs if all(who in cell for who in pair for cell in runs.values())]
    if not pairs:
        return
    report.head("call", "connections", "who", "÷ whom", *SEEN.values(), "both CPU", "heeler's own CPU ÷ both of it")
    for mine, its in pairs:
        for (shape, connections), cell in runs.items():
            quotient = lambda figure, of: against(column(cell[mine], figure), column(cell[its], of))
            cells = [quotient(figure, figure) for figure in (*SEEN, "cpu_us")] + [quotient("own_us", "cpu_us")]
            report.row(shape, connections, mine, its, *cells)


def compare(groups, options, report):
    for group, here in groups.items():
        visits = {who: [] for who in here}
        try:
            take_turns(visits, options.rounds, lambda who: visit(here[who], options), report)
        finally:
            runs = by_cell(visits, options)
            report.raw += [{"group": group, "call": shape, "connections": connections, "who": who, "rounds": results}
                           for (shape, connections), cell in runs.items() for who, results in cell.items()]
            report.line(f"\n{group}:")
            figures_table(runs, report)
            ratios_table(PAIRS[group], runs, report)


def cell_from(text):
    shape, _, connections = text.partition(":")
    if shape not in SHAPES or not connections.isdigit():
        raise argparse.ArgumentTypeError(f"{text}: say {' or '.join(SHAPES)}, a colon and a number of connections")
    return shape, int(connections)


def options_from(argv):
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_lengths(parse, 1, 3)
    parse.add_argument("--cells", type=listed(cell_from), default="post:1,post:16,post:64,get:16",
                       help="what is called with how many connections (post:1,post:16,post:64,get:16)")
    parse.add_argument("--groups", type=listed(str), default=",".join(GROUPS), help=f"of {', '.join(GROUPS)}")
    parse.add_argument("--who", action="append", help="only those whose names begin so; may be given several times")
    add_common(parse)
    options = parse.parse_args(argv)
    unknown = [group for group in options.groups if group not in GROUPS]
    if unknown:
        parse.error(f"--groups: {unknown[0]} is none of {', '.join(GROUPS)}")
    return options


def chosen(options, report):
    """The groups with those of their members that are wanted and can be had."""
    wanted = lambda name: any(name.startswith(start) for start in options.who or [""])
    here = {}
    for group in options.groups:
        members = present({name: how for name, how in GROUPS[group].items() if wanted(name)}, report)
        here[group] = {name: how for name, how in members.items() if works(name, how, options, report)}
    return {group: members for group, members in here.items() if members}


def works(name, contestant, options, report):
    """Whether it starts and answers. A rival that does not is left out; heeler has to."""
    try:
        with started(contestant, options) as server:
            answers_as_asked(server)
        return True
    except Unusable as why:
        if is_heeler(name):
            raise
        report.line(f"left out: {name}, {str(why).splitlines()[0]}")
        return False


def main():
    options = options_from(sys.argv[1:])
    end_on_term()
    report = Report()
    need_wrk()
    heeler_or_end()
    prepare()
    groups = chosen(options, report)
    members = [member for group in groups.values() for member in group.values()]
    # A start, some time to warm up, and for each cell wrk's own start.
    once = sum(0.8 + member.warm_seconds + len(options.cells) * (options.seconds + 0.1) for member in members)
    report.settings(options, options.rounds * once / 60)
    try:
        compare(groups, options, report)
    finally:
        report.keep(options.json)


if __name__ == "__main__":
    main()
