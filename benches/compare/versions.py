"""What is measured, and where: the machine, heeler, its rivals and their packages, as they are here."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from servers import HERE, SETS

ROOT = HERE.parents[1]
PROGRAMS = {"nginx": ["-v"], "lighttpd": ["-v"], "tini": ["--version"], "dumb-init": ["--version"], "catatonit": ["--version"],
            "python3": ["--version"], "node": ["--version"], "java": ["-version"], "go": ["version"], "wrk": ["-v"]}
WATCHDOGS = {"of-watchdog": "OF_WATCHDOG", "classic-watchdog": "CLASSIC_WATCHDOG"}
PYTHON = ["flask", "functions_framework", "gunicorn", "httptools", "uvicorn", "uvloop"]


def version(program, *arguments):
    """The first number with dots that it says; None if it is not here."""
    if not shutil.which(program):
        return None
    try:
        ran = subprocess.run([program, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\d+\.\d+[\w.]*", ran.stdout + ran.stderr)
    return found[0] if found else None


def binary(path):
    """Which one a binary is: by what it says and by what it is. None if there is none."""
    if not path or not os.access(path, os.X_OK):
        return None
    return {"version": version(path, "--version"), "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}


def heeler():
    """With the commit of the tree that it is measured from."""
    path = os.path.abspath(os.environ.get("HEELER", ROOT / "target" / "heeler"))
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return (binary(path) or {}) | {"commit": commit.stdout.strip()}


def packages():
    """The rivals that were installed below target/servers."""
    found = {}
    for info in sorted((SETS / "rivals").glob("lib/python*/site-packages/*.dist-info")):
        name, _, number = info.name.removesuffix(".dist-info").partition("-")
        if name.lower() in PYTHON:
            found[f"{name.lower()} (Python)".replace("_", "-")] = number
    node = SETS / "node/node_modules/@google-cloud/functions-framework/package.json"
    if node.exists():
        found["functions-framework (Node)"] = json.loads(node.read_text())["version"]
    if (SETS / "rivals_go" / "framework").exists():
        pinned = re.search(r"functions-framework-go v(\S+)", (HERE / "go" / "go.mod").read_text())
        found["functions-framework (Go)"] = pinned[1]
    for jar in sorted((SETS / "functions_java" / "jars").glob("java-function-invoker-*.jar")):
        found["functions-framework (Java)"] = jar.stem.rpartition("-")[2]
    return found


def all_here():
    """For a run to keep: what other machines' and other days' figures are to be compared with."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    programs = {name: version(name, *arguments) for name, arguments in PROGRAMS.items()} | packages()
    watchdogs = {name: binary(os.environ.get(variable)) for name, variable in WATCHDOGS.items()}
    return {"cpus": os.cpu_count(), "model": model[1] if model else platform.machine(), "kernel": platform.release(),
            "memory_gb": int(memory[1]) / 2**20, "load_before": os.getloadavg()[0], "heeler": heeler(),
            "watchdogs": {name: found for name, found in watchdogs.items() if found},
            "versions": {name: value for name, value in programs.items() if value}}
