#!/usr/bin/env python3
"""Keeps what the fuzzer found: a smallest set of inputs that reach the same code, as the unit tests read it.

    cargo +nightly fuzz build && fuzz/keep.py     # from fuzz/corpus/ to tests/events/corpus/
"""

import base64
import pathlib
import subprocess
import tempfile

FUZZ = pathlib.Path(__file__).resolve().parent
KEPT = FUZZ.parent / "tests/events/corpus"
LONGEST = 400  # Longer inputs are shorter ones, repeated.


def smallest(name: str) -> list[bytes]:
    program = next(FUZZ.glob(f"target/*/release/{name}"))
    with tempfile.TemporaryDirectory() as merged:
        subprocess.run([program, "-merge=1", "-use_counters=0", merged, FUZZ / "corpus" / name], check=True, capture_output=True)
        found = [path.read_bytes() for path in pathlib.Path(merged).iterdir()]
    return sorted((data for data in found if len(data) <= LONGEST), key=lambda data: (len(data), data))


for decoder in ("binary", "structured", "batch"):
    inputs = smallest(decoder)
    text = "".join(base64.b64encode(data).decode() + "\n" for data in inputs)
    (KEPT / f"{decoder}.base64").write_text(text)
    print(f"{decoder}: {len(inputs)} inputs, {len(text)} bytes")
