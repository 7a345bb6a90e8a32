"""What all comparisons print, and what they keep."""

import json
import os
import platform
import statistics


def spread(values, digits=2):
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def column(results, figure):
    return [result[figure] for result in results]


def errors(results):
    """What went wrong in any of the rounds, each once."""
    return "; ".join(sorted({result["errors"] for result in results if result.get("errors")}))


def against(mine, theirs, digits=2):
    """One's figures through another's, round by round. Not those of some rounds only: where a figure is zero there is none."""
    if not mine or not theirs:
        return ""
    return spread([a / b for a, b in zip(mine, theirs)], digits) if all(theirs) else "÷ 0"


def beside(mine, results, figures):
    """For each figure, which comes with its digits, two cells: what somebody has, and heeler's through it."""
    cells = []
    for figure, digits in figures.items():
        theirs = [result[figure] for result in results if figure in result]
        compared = [] if mine is None or mine is results else [result[figure] for result in mine if figure in result]
        cells += [spread(theirs, digits) if theirs else "", against(compared, theirs)]
    return cells


def beside_heads(names):
    return [cell for name in names for cell in (name, "heeler ÷ it")]


class Report:
    def __init__(self):
        self.raw = []

    def line(self, text=""):
        print(text, flush=True)

    def row(self, *cells):
        self.line("| " + " | ".join(str(cell) for cell in cells) + " |")

    def head(self, *cells):
        self.line()
        self.row(*cells)
        self.row(*("---" for _ in cells))

    def machine(self, what):
        """Where it is measured, and what."""
        self.line(f"{os.cpu_count()} CPUs, Linux {platform.release()}, load before {os.getloadavg()[0]:.1f}; {what}")

    def settings(self, options, minutes):
        self.machine(f"{options.rounds} rounds of {options.seconds} s; about {minutes:.0f} minutes")
        self.line("figures: median (smallest–greatest) of the rounds")

    def keep(self, path):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.raw, indent=1) + "\n")
            self.line(f"\nraw figures: {path}")
