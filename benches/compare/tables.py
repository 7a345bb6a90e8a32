"""The parts of docs/performance.md: for each family a table of ratios and a plot."""

import statistics

from figures import NotMeasured, column, over, records
from goals import verdicts
from pairs import PAIRS
from plot import dots, lines
from report import errors, spread

OTHER = "heeler ÷ the other"


def image(name):
    return f"![{name}](performance/{name}.svg)"


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |",
            *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows), ""]


def goals_plot(run):
    """How far each goal is met: above one it is."""
    rows = []
    for goal, values, _ in verdicts(run):
        # A logarithmic axis has no place for what is zero or less; the table has.
        if isinstance(values, list) and all(value > 0 for value in values):
            reached = lambda value, goal=goal: goal.limit / value if goal.most else value / goal.limit
            beside = "" if goal.about in ("size", "memory", "growth") else f", {goal.beside}"
            # Where the verdict is: of an even number of rounds the inverses' median is another one.
            rows.append((f"{goal.what}{beside}".replace("`", ""), list(map(reached, values)), reached(statistics.median(values))))
    return dots("Goals", "how many times as good as wanted", rows, labels=560)


def quotients(run, family, figure, mine, its, keys):
    """The ratios, or the reason in their place; None where one of the two was not measured, which is said under "Left out"."""
    if not all(records(run, family, who=who, **keys) for who in (mine, its)):
        return None
    try:
        own = column(run, family, figure.get("mine", figure["name"]), who=mine, **keys)
        return over(own, column(run, family, figure["name"], who=its, **keys))
    except NotMeasured as why:
        return str(why)


def ratios(run, family, title, about, names, shown, pairs_of):
    """A family's part: a row for each two that are compared, and a plot of the first figure."""
    rows, plotted = [], []
    for keys in cells(run, family, names):
        for mine, its in pairs_of(run, family, keys):
            found = [quotients(run, family, figure, mine, its, keys) for figure in shown]
            if isinstance(found[0], str):
                rows.append([*keys.values(), mine, its, found[0], *("" for _ in found)])
            elif found[0]:
                own = column(run, family, shown[0]["name"], who=mine, **keys)
                rows.append([*keys.values(), mine, its, spread(own, 0), *(spread(values) if isinstance(values, list) else "" for values in found)])
                # The groups of a family have names that say it.
                where = " ".join(str(value) for name, value in keys.items() if name != "group")
                short = mine.removeprefix("heeler").removeprefix(", ")
                plotted.append((f"{', '.join(filter(None, (short, where)))}, beside {its}", found[0]))
    if not rows:
        return [], None
    head = [*names, "who", "beside", shown[0]["label"], *(f"{figure['label']}: ÷" for figure in shown)]
    plot = dots(f"{title}: {shown[0]['label']}", OTHER, plotted, labels=540)
    return [f"## {title}", "", about, "", image(family), "", *table(head, rows)], plot


def cells(run, family, names):
    """Each combination of these keys, in the order in which it was measured."""
    found = []
    for record in records(run, family):
        keys = {name: record[name] for name in names if name in record}
        if len(keys) == len(names) and keys not in found:
            found.append(keys)
    return found


def beside_all(mine):
    """One of a cell beside all others that are there."""
    return lambda run, family, keys: [(mine, record["who"]) for record in records(run, family, **keys) if record["who"] != mine]


def of_group(run, family, keys):
    return PAIRS[keys["group"]]


RATE, P50 = {"name": "rate", "label": "calls/s"}, {"name": "p50_us", "label": "p50"}
CPU = {"name": "cpu_us", "label": "CPU/call"}
OWN = {"name": "own_us", "label": "own CPU/call"}
RATIOS = [
    ("fork", "A process per call", "100 bytes. Own CPU is without the programs'. The loop starts the same program with `posix_spawn` and waits.",
     ["mode", "program", "connections"], [RATE, CPU], beside_all("heeler")),
    ("cgi_mode", "CGI", "The same static CGI program.", ["connections"], [RATE, P50, OWN], beside_all("heeler")),
    ("http_mode", "http mode", "All in front of the same server; the bare upstream is asked directly.", ["call", "connections"],
     [RATE, P50, CPU], beside_all("heeler")),
    ("http2_mode", "http mode for callers of HTTP/2", "h2c by prior knowledge, a call at a time on each connection.", ["call", "connections"],
     [RATE, P50, CPU], beside_all("heeler")),
    ("warm_mode", "warm mode", "The same functions under others' servers. CPU is that of a server and all below it.",
     ["group", "call", "connections"], [RATE, P50, CPU], of_group),
    ("one_processor", "warm mode, one connection, all on one processor", "As above, with client and servers on the same processor: nobody's "
     "wake-up is that of another one, which sleeps.", ["group", "call", "connections"], [RATE, P50, CPU], of_group),
]


def inits(run):
    shown = [("run_us", "start to end of `true`, µs", 0), ("signal_us", "a signal, µs", 1), ("resident_kb", "resident, kB", 0)]
    rows, plotted = [], []
    for record in records(run, "inits"):
        of = [[one[figure] for one in record["rounds"] if figure in one] for figure, _, _ in shown]
        rows.append([record["who"], *(spread(values, digits) if values else "" for values, (_, _, digits) in zip(of, shown))])
        plotted += [(f"{record['who']}: {label.replace('`', '')}", values) for values, (_, label, _) in zip(of, shown) if values]
    if not rows:
        return [], {}
    parts = ["## A plain init", "", "`heeler init` beside others; none of them is PID 1 here.", "", image("inits"), "",
             *table(["", *(label for _, label, _ in shown)], rows)]
    return parts, {"inits.svg": dots("A plain init", "µs, kB", plotted, one=False)}


def cold_start(run):
    rows, plotted = [], []
    for record in records(run, "cold_start"):
        rows.append([record["language"], record["who"], spread(record["ms"], 1)])
        plotted.append((f"{record['language']}: {record['who']}", record["ms"]))
    if not rows:
        return [], {}
    parts = ["## From the start to the first answer", "", image("cold_start"), "", *table(["", "", "ms"], rows)]
    return parts, {"cold_start.svg": dots("From the start to the first answer", "ms", plotted, one=False)}


def without_failed(found):
    """Records of which all calls were answered, and a line for each other one: what stands beside errors is no figure."""
    good = [record for record in found if not errors(record["rounds"])]
    names = lambda record: ", ".join(str(value) for name, value in record.items() if name != "rounds" and value != "")
    lines_of = [f"- left out, as calls failed: {names(record)}: {errors(record['rounds'])}" for record in found if record not in good]
    return good, [*lines_of, ""] if lines_of else []


def memory(run):
    rows, plotted = [], []
    found, failed = without_failed(records(run, "memory"))
    for record in found:
        more, before = ([one[figure] for one in record["rounds"]] for figure in ("over_mb", "before_mb"))
        rows.append([record["what"], record["mode"], record["who"], spread(before, 1), spread(more, 1)])
        if min(more) > 0:
            plotted.append((" ".join(filter(None, (record["what"], record["mode"], record["who"]))), more))
    if not rows and not failed:
        return [], {}
    about = ("The most that one process held while it was asked, above what it held before; of idle connections what it held with all of "
             "them open. What is not above it is in the table only.")
    rest = [*table(["", "mode", "who", "before, MB", "more, MB"], rows), *failed]
    plots = {"memory.svg": dots("Memory: more than at rest", "MB", plotted, one=False)} if plotted else {}
    return ["## Memory", "", about, "", *([image("memory"), ""] if plots else []), *rest], plots


# Curve, figure, file, title, across, up, and how the figure is shown.
GROWN = [
    ("connections", "own_us", "growth_connections", "Own CPU per call as connections grow", "connections", "µs", 1),
    ("connections", "own_mb", "growth_memory", "Own memory as connections grow", "connections", "MB", 1),
    ("workers", "own_us", "growth_workers", "Own CPU per call as workers grow", "workers", "µs", 1),
    ("body", "rate", "growth_bodies", "Calls per second as bodies grow", "bytes each way", "calls/s", 0),
    ("body", "peak_mb", "growth_body_memory", "Own memory as bodies grow", "bytes each way", "the most, MB", 1),
    ("headers", "own_us", "growth_headers", "Own CPU per call as headers grow", "headers", "µs", 1),
]


def growth(run):
    parts, plots = [], {}
    for curve, figure, file, title, across, up, digits in GROWN:
        series = {}
        for record in without_failed(records(run, "growth", curve=curve))[0]:
            series.setdefault(record["line"], []).append((record["x"], [one[figure] for one in record["rounds"]]))
        if not any(value > 0 for line in series.values() for _, values in line for value in values):
            continue
        plots[f"{file}.svg"] = lines(title, across, up, series)
        xs = sorted({x for line in series.values() for x, _ in line})
        rows = [[name, *(spread(dict(line)[x], digits) if x in dict(line) else "" for x in xs)] for name, line in series.items()]
        parts += [f"### {title}", "", image(file), "", *table([f"{up} at {across}", *(f"{x:,}" for x in xs)], rows)]
    parts += without_failed(records(run, "growth"))[1]
    return (["## As it grows", "", *parts] if parts else []), plots


def events(run):
    found, failed = without_failed(records(run, "event_cost"))
    at = {(record["server"], record["call"], record["connections"]): record["rounds"] for record in found}
    rows = []
    for (server, call, connections), rounds in at.items():
        beside = at.get((server, "plain", connections))
        if beside and call != "plain":
            own = [mine["own_us"] / its["own_us"] for mine, its in zip(rounds, beside) if its["own_us"]]
            rows.append([f"{server}: {call}", connections, spread([one["own_us"] for one in rounds], 1), spread(own) if own else ""])
    head = ["call", "connections", "own CPU, µs", "÷ a plain call of 100 bytes"]
    return (["## Calls that are events", "", *table(head, rows), *failed] if rows or failed else []), {}


def images(run):
    rows = []
    for record in (record for record in records(run, "images") if record["rounds"]):
        of = lambda key: spread([one[key] for one in record["rounds"]])
        failed = sum(one["failed"] for one in record["rounds"])
        rows.append([f"heeler-{record['image']}", f"{record['megabytes']:.1f}", f"{record['over_base']:.1f}", of("start_s"), of("memory_mb"), failed])
    head = ["image", "MB", "over its base, MB", "start to first 200, s", "at rest, MB", "calls that failed while it ended"]
    return (["## Images", "", *table(head, rows)] if rows else []), {}


def all_of(run):
    """The page's parts in order, and their plots by file name."""
    parts, plots = [], {}
    for family, title, about, names, shown, pairs_of in RATIOS:
        lines_of, plot = ratios(run, family, title, about, names, shown, pairs_of)
        parts += lines_of
        plots |= {f"{family}.svg": plot} if plot else {}
    for part in (inits, cold_start, memory, growth, events, images):
        lines_of, plots_of = part(run)
        parts += lines_of
        plots |= plots_of
    return parts, plots
