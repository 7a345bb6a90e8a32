#!/usr/bin/env python3
"""docs/performance.md and its plots, from a run that was kept: without measuring anything.

    page.py [RUN.json]      write them, from the newest kept run or from this one
    page.py --check         whether they are what the newest kept run makes; without a kept run there must be none

What stands between the two marks of the page is written by hand and stays.
"""

import sys
from pathlib import Path

import figures
import tables
from goals import MISSED, UNKNOWN, verdicts

DOCS = figures.HERE.parents[1] / "docs"
PAGE = DOCS / "performance.md"
PLOTS = DOCS / "performance"
BEGIN, END = "<!-- by hand: begin -->", "<!-- by hand: end -->"
EMPTY = "\nNothing has been written about this run yet.\n"

HOW = """## How it is measured, and how to do it again

    make bench                  # everything below, on a quiet machine with two processors or more
    make bench KEEP=1           # and keeps it: raw figures in benches/compare/runs/, this page and its plots
    python3 benches/compare/page.py     # this page and its plots from the newest run that was kept, without measuring

OF_WATCHDOG and CLASSIC_WATCHDOG name the binaries of those two; without them their rows are not measured. Every contestant gets a
fresh process each round, they take turns, and a ratio is taken within its round. What each figure is exactly:
[benches/compare](../benches/compare/README.md). Ratios travel to other machines, absolute figures do not.
"""


def by_hand():
    """What is between the marks of the page as it is."""
    page = PAGE.read_text() if PAGE.exists() else ""
    return page.partition(BEGIN)[2].partition(END)[0] or EMPTY


def goals(run):
    found = verdicts(run)
    lines = ["## Goals", "", "| | goal | beside | wanted | measured | |", "| --- | --- | --- | --- | --- | --- |"]
    for goal, values, verdict in found:
        lines.append(f"| {goal.about} | {goal.what} | {goal.beside_in(run)} | {goal.text()} | {goal.shown(values)} | {verdict} |")
    count = {word: sum(verdict == word for _, _, verdict in found) for word in (MISSED, UNKNOWN)}
    lines += ["", f"Of {len(found)} goals {len(found) - sum(count.values())} are met, {count[MISSED]} are missed and "
              f"{count[UNKNOWN]} were not measured. Self-set goals are beyond the budgets that heeler began with. In the plot, right of the "
              "line is met.", "", tables.image("goals"), ""]
    return lines, [(goal, values) for goal, values, verdict in found if verdict == MISSED]


def short_of(missed):
    lines = ["## What falls short, and why", ""]
    lines += [f"- {goal.short(values)}" for goal, values in missed] or ["Nothing that was measured."]
    return lines


def machine(run):
    on = run["machine"]
    return (f"Measured on {run['date']}: {on['cpus']} processors ({on['model']}), {on['memory_gb']:.0f} GB, Linux {on['kernel']}, load "
            f"before {on['load_before']:.1f}.")


def which(run):
    """Which heeler, and which others."""
    on = run["machine"]
    if "heeler" not in on:
        return "Which heeler it was, and which watchdogs, this run does not say."
    binary = lambda name, one: f"{name} {one.get('version') or ''}".strip() + f" (sha256 {one.get('sha256', 'unknown')[:16]})"
    others = [binary(name, one) for name, one in on["watchdogs"].items()]
    others += [f"{name} {version}" for name, version in on["versions"].items()]
    return f"{binary('heeler', on['heeler'])}, at commit {on['heeler']['commit'] or 'unknown'}. Beside it: {', '.join(others)}."


def lengths(run):
    """How long each family was loaded and how often, as it was told."""
    lines = [f"    {name} {family['arguments']}" for name, family in run["families"].items() if "arguments" in family]
    return ["Each family was told for how long and how often:", "", *lines, ""] if lines else []


def ends(run):
    """How families ended that did not end well, and what they left out."""
    lines = []
    for name, family in run["families"].items():
        lines += [f"- {name} {family['ended']}"] if family["ended"] != "well" else []
        lines += [f"- {name}, left out: {line}" for line in family["left_out"]]
    return ["## Left out", "", *lines, ""] if lines else []


def made(run, source):
    """The page and its plots by file name."""
    goal_lines, missed = goals(run)
    parts, plots = tables.all_of(run)
    plots["goals.svg"] = tables.goals_plot(run)
    page = ["# Performance", "", f"Made from `benches/compare/runs/{source.name}`; only what stands between the two marks is written by hand.",
            "", machine(run), which(run), "Figures are medians of the rounds, with the smallest and the greatest behind them.", "", *goal_lines,
            *short_of(missed), "", f"{BEGIN}{by_hand()}{END}", "", *parts, *ends(run), HOW, *lengths(run)]
    return "\n".join(page), plots


def write(source):
    source = Path(source)
    page, plots = made(figures.read(source), source)
    PLOTS.mkdir(parents=True, exist_ok=True)
    for stale in set(PLOTS.glob("*.svg")) - {PLOTS / name for name in plots}:
        stale.unlink()
    for name, plot in plots.items():
        (PLOTS / name).write_text(plot)
    PAGE.write_text(page)


def wrong():
    """What is not as the newest run makes it."""
    there = {path: path.read_text() for path in [PAGE, *PLOTS.glob("*.svg")] if path.exists()}
    newest = figures.newest()
    if newest is None:
        return [f"{path}: there is no kept run to make it from" for path in there]
    page, plots = made(figures.read(newest), newest)
    due = {PAGE: page} | {PLOTS / name: plot for name, plot in plots.items()}
    return [f"{path}: not as {newest.name} makes it" for path in sorted(due.keys() | there.keys()) if due.get(path) != there.get(path)]


def main():
    if sys.argv[1:] == ["--check"]:
        problems = wrong()
        for problem in problems:
            print(problem)
        sys.exit("run: python3 benches/compare/page.py" if problems else 0)
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else figures.newest()
    if source is None:
        sys.exit("no run is kept yet: make bench KEEP=1")
    write(source)


if __name__ == "__main__":
    main()
