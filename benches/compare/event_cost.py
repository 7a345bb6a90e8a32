#!/usr/bin/env python3
"""What it costs that a call is an event: processor time per call, beside the same call without.

Within a round each server gets all of its calls in turn, so that what is divided was measured within seconds; ratios are
taken within their round. Loopback only. See README.md beside this file.
"""

import argparse
import http.client
import sys

from contestants import EXAMPLES, heeler, heeler_or_end
from knative import ATTRIBUTES, DATA, STRUCTURED
from load import load, need_wrk
from options import add_common, add_lengths, listed
from report import Report, against, column, errors, spread
from servers import BUILT, Unusable, end_on_term, per_call, pinned
from turns import in_turn

JSON = {"Content-Type": "application/json"}
BINARY = JSON | {f"ce-{name}": value for name, value in ATTRIBUTES.items()}
# Names and values as long as those, and of no meaning.
OTHERS = JSON | {f"xx-{name}": value for name, value in ATTRIBUTES.items()}
PREFER = {"Prefer": "reply"}

CALLS = {
    "plain": (JSON, DATA),
    "plain, 6 headers": (OTHERS, DATA),
    "plain, 6 headers, Prefer": (OTHERS | PREFER, DATA),
    "plain, the document": (JSON, STRUCTURED),
    "binary": (BINARY, DATA),
    "binary, Prefer": (BINARY | PREFER, DATA),
    "structured": ({"Content-Type": "application/cloudevents+json"}, STRUCTURED),
}

WRAP = {"reply_type": "t", "reply_source": "/s"}
ECHO = EXAMPLES / "bench_echo"
SERVERS = {
    "warm": heeler(fprocess=ECHO),
    "warm, answers with 5 headers": heeler(fprocess=f"{ECHO} headers"),
    "warm, answers with an event": heeler(fprocess=f"{ECHO} event"),
    "warm, reply_type": heeler(fprocess=ECHO, **WRAP),
    "streaming": heeler(fprocess="cat", mode="streaming"),
    "streaming, reply_type": heeler(fprocess="cat", mode="streaming", **WRAP),
}

# What is divided by what: a server and a call of it.
PAIRS = [
    (("warm", "plain, 6 headers"), ("warm", "plain")),
    (("warm", "binary"), ("warm", "plain")),
    (("warm", "binary"), ("warm", "plain, 6 headers")),
    (("warm", "structured"), ("warm", "plain")),
    (("warm", "structured"), ("warm", "plain, the document")),
    (("warm, answers with an event", "binary"), ("warm, answers with 5 headers", "plain, 6 headers")),
    (("warm, answers with an event", "binary, Prefer"), ("warm, answers with 5 headers", "plain, 6 headers, Prefer")),
    (("warm, reply_type", "binary, Prefer"), ("warm, answers with 5 headers", "plain, 6 headers, Prefer")),
    (("streaming", "binary"), ("streaming", "plain")),
    (("streaming", "binary"), ("streaming", "plain, 6 headers")),
    (("streaming", "structured"), ("streaming", "plain, the document")),
    (("streaming, reply_type", "binary, Prefer"), ("streaming", "plain, 6 headers")),
]


def needed(options):
    """Each server's calls: those that some pair names."""
    wanted = [end for pair in PAIRS for end in pair if any(who.startswith(start) for who, _ in pair for start in options.who)]
    return {who: [call for call in CALLS if (who, call) in wanted] for who in SERVERS if any(who == name for name, _ in wanted)}


def visit(who, calls, options):
    """All cells of one server, which is started for them."""
    server = SERVERS[who].start(options.server_cpus)
    try:
        server.until_first_200(pause=0.002)
        for call in calls:
            answers_as_asked(server, who, call)
        with pinned(options.load_cpus):
            load(server.port, 16, 1)  # what is met for the first time is not what is measured
            return {(who, call, connections): measure(server, call, connections, options.seconds)
                    for connections in options.connections for call in calls}
    finally:
        server.end()


def answers_as_asked(server, who, call):
    """A call that is refused costs something else."""
    headers, body = CALLS[call]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("POST", "/", body, headers)
    response = connection.getresponse()
    answer = response.read().decode()
    connection.close()
    is_event = response.getheader("ce-type") is not None
    due = "event" in who or "reply_type" in who and call.endswith("Prefer")
    if response.status != 200 or len(answer) < len(DATA) or is_event != due:
        raise Unusable(f"{who}: {call} is answered with {response.status} {response.getheaders()} {answer[:200]!r}")


def measure(server, call, connections, seconds):
    headers, body = CALLS[call]
    result = per_call(server, lambda: load(server.port, connections, seconds, "POST", body, headers=headers))
    return result | {"both_us": result["own_us"] + result.pop("below_us")}


def play(runs, options):
    """Adds every cell's results, one a round."""
    servers = needed(options)
    for turn in range(options.rounds):
        for who in in_turn(servers, turn):
            for cell, result in visit(who, in_turn(servers[who], turn), options).items():
                runs.setdefault(cell, []).append(result)


def tables(runs, options, report):
    report.head("server", "call", "connections", "calls/s", "own CPU µs/call", "own + worker's µs/call", "errors")
    for (who, call, connections), results in sorted(runs.items()):
        cells = [spread(column(results, figure), digits) for figure, digits in (("rate", 0), ("own_us", 1), ("both_us", 1))]
        report.row(who, call, connections, *cells, errors(results))
    report.head("call", "÷ call", "connections", "own CPU", "own + worker's")
    for mine, its in PAIRS:
        for connections in options.connections:
            ends = [runs.get((*end, connections)) for end in (mine, its)]
            if all(ends):
                quotients = [against(*(column(end, figure) for end in ends)) for figure in ("own_us", "both_us")]
                report.row(": ".join(mine), ": ".join(its), connections, *quotients)


def options_from(argv):
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_lengths(parse, 1, 5)
    parse.add_argument("--connections", type=listed(int), default="1,16,64", help="(1,16,64)")
    parse.add_argument("--who", type=listed(str), default=[""], help="only pairs with a server whose name begins so")
    add_common(parse)
    return parse.parse_args(argv)


def main():
    options = options_from(sys.argv[1:])
    end_on_term()
    report = Report()
    need_wrk()
    heeler_or_end()
    BUILT.mkdir(parents=True, exist_ok=True)
    cells = sum(len(calls) for calls in needed(options).values()) * len(options.connections)
    report.settings(options, options.rounds * (cells * (options.seconds + 0.1) + 2 * len(needed(options))) / 60)
    runs = {}
    try:
        play(runs, options)
    finally:
        report.raw += [{"server": who, "call": call, "connections": connections, "rounds": results}
                      for (who, call, connections), results in runs.items()]
        tables(runs, options, report)
        report.keep(options.json)


if __name__ == "__main__":
    main()
