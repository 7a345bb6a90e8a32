"""Options that several scripts have."""

import argparse
from pathlib import Path


def listed(convert):
    """Parts between commas, each converted."""
    return lambda text: [convert(part) for part in text.split(",")]


def one_of(words, what):
    """Parts between commas, each of these words."""
    def convert(text):
        parts = text.split(",")
        for part in parts:
            if part not in words:
                raise argparse.ArgumentTypeError(f"{part}: {what} are {', '.join(words)}")
        return parts
    return convert


def add_common(parse):
    """Where servers and load run, and where the raw figures go."""
    parse.add_argument("--server-cpus", type=listed(int), help="the servers run on these processors only")
    parse.add_argument("--load-cpus", type=listed(int), help="the load generator runs on these processors only")
    parse.add_argument("--json", type=Path, help="every round's figures go here too")


def add_lengths(parse, seconds, rounds):
    """How long each cell is loaded, and how often."""
    parse.add_argument("--seconds", type=int, default=seconds, help=f"of load per server and cell ({seconds})")
    parse.add_argument("--rounds", type=int, default=rounds, help=f"per cell ({rounds})")
