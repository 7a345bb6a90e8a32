"""What a whole run of `make bench` has measured, and how single figures are found in it."""

import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNS = HERE / "runs"
SKIPPED = "was skipped: "


class NotMeasured(Exception):
    """Why there is no such figure in a run."""


class Failed(NotMeasured):
    """heeler's own calls failed."""


def newest():
    """The run that was kept last, None if none was."""
    kept = sorted(RUNS.glob("*-bench.json"))
    return kept[-1] if kept else None


def read(path):
    return json.loads(Path(path).read_text())


def write(run, path):
    """One record a line: a difference between two runs can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    families = run["families"]
    lines = ["{"] + [f"{json.dumps(key)}: {short(value)}," for key, value in run.items() if key != "families"]
    lines.append('"families": {')
    for at, (name, family) in enumerate(families.items()):
        lines.append(f"{json.dumps(name)}: {{")
        lines += [f"{json.dumps(key)}: {short(value)}," for key, value in family.items() if key != "raw"]
        lines.append('"raw": [')
        lines.append(",\n".join(short(record) for record in family["raw"]))
        lines.append("]}" + ("," if at + 1 < len(families) else ""))
    path.write_text("\n".join(lines + ["}}"]) + "\n")


def short(value):
    """JSON whose numbers have five digits that count: no measurement here has more."""
    return json.dumps(rounded(value), ensure_ascii=False)


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list) else value


def records(run, family, **keys):
    """The records of a family that have these keys, in the order in which they were written."""
    family = run["families"].get(family, {"raw": []})
    return [record for record in family["raw"] if all(record.get(key) == value for key, value in keys.items())]


def column(run, family, figure, **keys):
    """A figure's value in each round. Errors beside it make it no figure."""
    found = records(run, family, **keys)
    if not found:
        raise NotMeasured(why_not(run, family, keys))
    rounds = found[0]["rounds"]
    if errors := next((one["errors"] for one in rounds if one.get("errors")), ""):
        who = keys.get("who", "heeler")
        raise (Failed if who.startswith("heeler") else NotMeasured)(f"calls of {who} failed: {errors}")
    if any(one.get(figure) is None for one in rounds):
        raise NotMeasured(f"{family} has no {figure} here")
    return [one[figure] for one in rounds]


def values(run, family, who, **keys):
    """The same of records that hold all contestants."""
    for record in records(run, family, **keys):
        if who in record["values"]:
            return record["values"][who]
    raise NotMeasured(why_not(run, family, keys | {"who": who}))


def why_not(run, name, keys):
    """The line that the family printed about it, else how the family ended."""
    family = run["families"].get(name)
    if family is None:
        return f"{name} did not run"
    who = keys.get("who", "")
    for line in family["left_out"]:
        # A name may have commas of its own.
        if who and line.startswith(f"{who}, "):
            return f"{who}: {line[len(who) + 2:]}"
    if family["ended"] != "well":
        return f"{name} {family['ended']}"
    return f"{name} measured nothing for {', '.join(f'{value}' for value in keys.values())}"


def over(mine, its):
    """One divided by the other, round by round."""
    if not all(its):
        raise NotMeasured("a figure is zero: the load was too short")
    return [a / b for a, b in zip(mine, its)]


def ended_well(family):
    """What cannot be measured here at all is no failure."""
    return family["ended"] == "well" or family["ended"].startswith(SKIPPED)


def skipped(text):
    """How a family has ended whose line says that it cannot be measured here; None for any other line."""
    found = re.match(r"images: skipped, (.*)", text)
    return f"{SKIPPED}{found[1]}" if found else None


def said(text):
    """What a line of a family says was left out; None for any other line."""
    found = re.match(r"left out: (.*)", text)
    return found[1] if found else None
