"""What heeler is to reach, beside whom, and whether a run of `make bench` shows it.

A goal is met where the median of its rounds is on the right side.
"""

import statistics
from dataclasses import dataclass, replace
from typing import Callable

from figures import Failed, NotMeasured, column, over, records, values, why_not
from points import CURVES, FEW
from report import spread

MET, MISSED, UNKNOWN = "met", "MISSED", "not measured"


@dataclass(frozen=True)
class Goal:
    """`limit` is the most if `most`, else the least; `measured` takes a run and gives a value for each round."""

    about: str
    what: str
    beside: str
    most: bool
    limit: float
    unit: str
    measured: Callable
    # Takes a run and gives the values of the one beside, where they are not in `measured`.
    its: Callable = None
    # Beyond the budgets that heeler began with.
    self_set: bool = False

    def text(self):
        return f"{'≤' if self.most else '≥'} {self.limit:g}{self.unit}{', self-set' if self.self_set else ''}"

    def beside_in(self, run):
        """Beside whom, with what that one has where the run knows it."""
        try:
            return f"{self.beside}: {self.shown(self.its(run))}{self.unit}" if self.its else self.beside
        except NotMeasured:
            return self.beside

    def shown(self, found):
        """The values, or the reason in their place."""
        return spread(found, 1 if self.unit in (" MB", " ms") else 2) if isinstance(found, list) else found

    def short(self, found):
        """By how much it is missed."""
        beside = "" if self.beside == "–" else f" (beside: {self.beside})"
        got = f"{statistics.median(found):.2f}{self.unit}" if isinstance(found, list) else found
        return f"{self.about}: {self.what}{beside}: {got}, wanted {self.text()}"

    def judge(self, run):
        """The values, and one of the three words; the reason in place of values where there are none."""
        try:
            found = self.measured(run)
        except Failed as why:
            return str(why), MISSED
        except NotMeasured as why:
            return str(why), UNKNOWN
        middle = statistics.median(found)
        good = middle <= self.limit if self.most else middle >= self.limit
        return found, MET if good else MISSED


def at_most(about, what, beside, limit, unit, measured, its=None):
    return Goal(about, what, beside, True, limit, unit, measured, its)


def at_least(about, what, beside, limit, unit, measured):
    return Goal(about, what, beside, False, limit, unit, measured)


def self_set(goal):
    return replace(goal, self_set=True)


def quotient(family, figure, mine, its, mine_figure=None, **keys):
    """A figure of one contestant divided by that of another, round by round."""
    return lambda run: over(column(run, family, mine_figure or figure, who=mine, **keys), column(run, family, figure, who=its, **keys))


def alone(family, scale, what, who="heeler"):
    return lambda run: [value / scale for value in values(run, family, who, what=what)]


def small():
    both = ("heeler", "of-watchdog")
    first = "start to first 200, function, ms"
    start = lambda run: over(values(run, "fork", "heeler", what=first), values(run, "fork", "of-watchdog", what=first))
    return [
        at_most("size", "the static binary", "of-watchdog", 3, " MB", *(alone("fork", 1e6, "size of the binary, bytes", who) for who in both)),
        at_most("size", "resident at rest", "of-watchdog", 3, " MB", *(alone("fork", 1024, "resident at rest, kB", who) for who in both)),
        at_most("start", "from the start to the first 200, `cat`", "of-watchdog", 0.4, " ×", start),
    ]


def fork():
    rows = []
    for mode, peer in (("streaming", "of-watchdog"), ("serializing", "of-watchdog"), ("classic", "classic-watchdog")):
        for program, least in (("cat", 1.3), ("true", 1.4)):
            at = {"mode": mode, "program": program, "connections": 16}
            what = f"{mode}, `{program}`, 16 connections"
            rows.append(at_least("a process per call", f"{what}: calls/s", peer, least, " ×", quotient("fork", "rate", "heeler", peer, **at)))
            rows.append(at_most("a process per call", f"{what}: own CPU per call", peer, 0.35, " ×", quotient("fork", "cpu_us", "heeler", peer, **at)))
    for program in ("cat", "true"):
        at = {"mode": "streaming", "program": program, "connections": 1}
        rows.append(at_most("a process per call", f"streaming, `{program}`, one connection: time per call", "posix_spawn loop", 1.35, " ×",
                            quotient("fork", "rate", "posix_spawn loop", "heeler", **at)))
    return rows


def http():
    rows = []
    for connections, least in ((1, 1.9), (16, 2.6), (64, 2.9)):
        at = {"call": "post-100B", "connections": connections}
        what = f"100 bytes, {connections} connection{'s' if connections > 1 else ''}"
        rows.append(at_least("http mode", f"{what}: calls/s", "of-watchdog", least, " ×", quotient("http_mode", "rate", "heeler", "of-watchdog", **at)))
        rows.append(at_most("http mode", f"{what}: CPU per call", "of-watchdog", 0.25, " ×", quotient("http_mode", "cpu_us", "heeler", "of-watchdog", **at)))
        for family, protocol in (("http_mode", "HTTP/1.1"), ("http2_mode", "HTTP/2")):
            rows.append(at_least("http mode", f"{what}, {protocol}: calls per CPU second", "nginx", 1, " ×",
                                 quotient(family, "cpu_us", "nginx", "heeler", **at)))
    return rows


PYTHON, FLASK = "heeler, Python http", "heeler, Python http with Flask"


def warm_quotient(family, group, connections):
    """Of two contestants' figures in one cell of warm mode."""
    return lambda figure, mine, its, **more: quotient(family, figure, mine, its, group=group, call="post", connections=connections, **more)


def python(about, family, mine, what, connections, slowest):
    of, its = warm_quotient(family, "python", connections), "functions-framework"
    return [at_least(about, f"{what} at {connections}: calls/s", its, 5, " ×", of("rate", mine, its)),
            at_most(about, f"{what} at {connections}: p50", its, slowest, " ×", of("p50_us", mine, its))]


def compiled(about, family, connections):
    rows = []
    for group, language, mine, its, least in (("go", "Go", "heeler, Go", "net/http", 1),
                                              ("java", "Java", "heeler, Java HttpFunction", "functions-framework, java invoker", 1.5)):
        of = warm_quotient(family, group, connections)
        rows.append(at_least(about, f"{language} at {connections}: calls per CPU second", its, least, " ×", of("cpu_us", its, mine)))
    return rows


def warm():
    about, family, rows = "warm mode", "warm_mode", []
    for connections in (1, 16):
        of = warm_quotient(family, "rust", connections)
        rows.append(at_most(about, f"echo in Rust at {connections}: heeler's own CPU per call", "bare hyper", 2, " ×",
                            of("cpu_us", "heeler, Rust", "bare hyper", mine_figure="own_us")))
    cells = ((1, 0.5), (16, 0.3))
    for cell in cells:
        rows += python(about, family, PYTHON, "Python", *cell)
    for cell in cells:
        rows += map(self_set, python(about, family, FLASK, "Python, Flask's request in both", *cell))
    for connections in (1, 16):
        of, production = warm_quotient(family, "node", connections), "functions-framework, NODE_ENV=production"
        rows.append(self_set(at_least(about, f"Node (req, res) at {connections}: calls/s", production, 1, " ×",
                                      of("rate", "heeler, Node (req, res)", production))))
        rows += compiled(about, family, connections)
    return rows


def one_processor():
    """What one connection is to reach where no sleeping processor has to be woken."""
    about, family = "warm mode on one processor", "one_processor"
    return list(map(self_set, python(about, family, PYTHON, "Python", 1, 0.5) + compiled(about, family, 1)))


def start():
    def later(run):
        found = {record["who"]: record["ms"] for record in records(run, "cold_start", language="Python")}
        mine, bare = (found.get(who) for who in ("heeler, hks, runtimes set", "python3 -c pass"))
        if not mine or not bare:
            raise NotMeasured(why_not(run, "cold_start", {"what": "Python"}))
        return [a - b for a, b in zip(mine, bare)]

    return [at_most("start", "a function in Python, runtimes compiled: beyond the interpreter's start", "`python3 -c pass`", 15, " ms", later)]


def memory():
    def held(who, mode):
        def of(run):
            at = {"what": "1,000 idle", "mode": mode, "who": who}
            return [a + b for a, b in zip(column(run, "memory", "before_mb", **at), column(run, "memory", "over_mb", **at))]
        return of

    def share(mode, who="heeler"):
        def of(run):
            at = {"what": "64 × 1 MiB", "mode": mode, "who": who}
            return [mb * 2**20 / size for mb, size in zip(column(run, "memory", "over_mb", **at), column(run, "memory", "bytes", **at))]
        return of

    rows = [at_most("memory", f"1 GiB both ways, {mode}: more than at rest", "–", 8, " MB",
                    lambda run, mode=mode: column(run, "memory", "over_mb", what="1 GiB", mode=mode, who="heeler"))
            for mode in ("streaming", "http", "warm")]
    rows += [at_most("memory", f"64 × 1 MiB both ways, {mode}: more than at rest ÷ those bytes", peer, 1.3, " ×", share(mode), share(mode, peer))
             for mode, peer in (("serializing", "of-watchdog"), ("classic", "classic-watchdog"))]
    return rows + [at_most("memory", "1,000 idle connections: resident", "bare hyper", 20, " MB", held("heeler", "warm"), held("bare hyper", ""))]


# What is called flat: measurements of the same thing differ by as much.
FLAT = 1.2


def growth():
    def most(curve, line, first):
        """In each round how much dearer a point is than one before it, at the most. Not the first alone counts: a single
        connection pays by itself for what many share. Without any of its points there is no such line."""
        def of(run):
            due = [x for x in CURVES[curve] if x >= first]
            points = [column(run, "growth", "own_us", curve=curve, line=line, x=x) for x in due]
            return [max(over(costs[1:], [min(costs[:at]) for at in range(1, len(costs))])) for costs in zip(*points)]
        return of

    rows = [("connections", "warm, all call", 1), ("connections", f"warm, {FEW} call", FEW), ("connections", f"http, {FEW} call", FEW),
            ("workers", "warm", 1)]
    return [self_set(at_most("growth", f"own CPU per call, {first} to {CURVES[curve][-1]:,} {curve}, {line}: the dearest ÷ the cheapest before it",
                             "–", FLAT, " ×", most(curve, line, first))) for curve, line, first in rows]


GOALS = small() + fork() + http() + warm() + one_processor() + start() + memory() + growth()


def verdicts(run):
    """Every goal with what the run says of it."""
    return [(goal, *goal.judge(run)) for goal in GOALS]
