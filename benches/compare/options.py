"""Options that several scripts have."""

from pathlib import Path


def listed(convert):
    """Parts between commas, each converted."""
    return lambda text: [convert(part) for part in text.split(",")]


def add_common(parse):
    """Where servers and load run, and where the raw figures go."""
    parse.add_argument("--server-cpus", type=listed(int), help="the servers run on these processors only")
    parse.add_argument("--load-cpus", type=listed(int), help="wrk runs on these processors only")
    parse.add_argument("--json", type=Path, help="every round's figures go here too")
