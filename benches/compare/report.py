"""What all comparisons print, and what they keep."""

import json
import os
import platform
import statistics


def spread(values, digits=2):
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def ratios(mine, theirs):
    return [a / b for a, b in zip(mine, theirs) if b]


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
