#!/usr/bin/env python3
"""Keeps what the fuzzer found: a small set of inputs that reach the same code, as the tests read it.

    fuzz/keep.py [TARGET…]     # from fuzz/corpus/TARGET/ to tests/corpus/TARGET.base64; without a name, every target

The targets have to be built: `make fuzz` does that, and calls this with --restore to begin with what was kept.
"""

import base64
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FUZZ = pathlib.Path(__file__).resolve().parent
KEPT = FUZZ.parent / "tests/corpus"
LONGEST = 400  # Longer inputs are shorter ones, repeated.
MOST_BYTES = 60_000  # Of a target's text: more is no more of a test, and is in every clone.


def targets() -> list[str]:
    return re.findall(r'\[\[bin\]\]\nname = "(\w+)"', (FUZZ / "Cargo.toml").read_text())


def smallest(name: str) -> list[bytes]:
    """With edges alone, and not how often each is passed, as what tells two inputs apart."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or FUZZ / "target")
    program = next(target.glob(f"*/release/{name}"), None)
    if program is None:
        sys.exit(f"{name} is not built below {target}: make fuzz TARGETS={name}")
    with tempfile.TemporaryDirectory() as merged:
        command = [program, "-merge=1", "-use_counters=0", merged, FUZZ / "corpus" / name]
        subprocess.run(command, check=True, capture_output=True)
        found = [path.read_bytes() for path in pathlib.Path(merged).iterdir()]
    return sorted((data for data in found if len(data) <= LONGEST), key=lambda data: (len(data), data))


def keep(name: str) -> None:
    lines, left = [], MOST_BYTES
    inputs = smallest(name)
    for data in inputs:
        line = base64.b64encode(data).decode() + "\n"
        if len(line) > left:
            break
        lines.append(line)
        left -= len(line)
    (KEPT / f"{name}.base64").write_text("".join(lines))
    print(f"{name}: {len(lines)} inputs of {len(inputs)}, {MOST_BYTES - left} bytes")


def restore(name: str) -> None:
    folder = FUZZ / "corpus" / name
    folder.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"{name}.base64"
    for number, line in enumerate(kept.read_text().splitlines() if kept.exists() else []):
        (folder / f"kept-{number:04}").write_bytes(base64.b64decode(line))


work = restore if "--restore" in sys.argv else keep
names = [name for name in sys.argv[1:] if name != "--restore"]
for name in names or targets():
    work(name)
