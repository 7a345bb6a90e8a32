"""The load on one server: a run of wrk, one thread."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from servers import Unusable

SCRIPT = Path(__file__).resolve().parent / "wrk.lua"


def need_wrk():
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: install it with the package manager")


def load(port, connections, seconds, method="POST", body=100, path="/", headers=None):
    """Calls answered, calls per second, two quantiles of their times, and what went wrong. `body`: itself, or its length."""
    lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
    run = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(SCRIPT),
         f"http://127.0.0.1:{port}{path}", method, str(body), *lines],
        capture_output=True, text=True, timeout=seconds + 60,
    )
    if run.returncode:
        raise Unusable(f"no load: {(run.stdout + run.stderr).strip()[-300:]}")
    figures = json.loads(run.stdout.splitlines()[-1])
    figures["rate"] = figures["calls"] / figures.pop("seconds")
    figures["errors"] = ", ".join(f"{what} {many}" for what, many in figures["errors"].items() if many)
    return figures
