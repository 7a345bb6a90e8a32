"""Who takes part in the comparisons, those of warm mode above all: how each is started, and what it needs to be here."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from servers import BUILT, HERE, SETS, Server, free_port, pinned

ROOT = HERE.parents[1]
EXAMPLES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "release" / "examples"
# A copy, since Python keeps what it compiles beside its source.
HANDLERS = BUILT / "handlers"
# The interpreters under their usual names: not the shims that a version manager puts before them, and a Python without
# any package, since the machine's own may have Flask, and may have been told to import whatever at its start.
BARE = BUILT / "bare" / "bin"
VENV = SETS / "rivals" / "bin"
FRAMEWORK = SETS / "node" / "node_modules" / ".bin" / "functions-framework"


@dataclass
class Contestant:
    """A server: `{port}` in its command and its environment is a free one."""

    command: list
    env: dict = field(default_factory=dict)
    # Seconds of load before it is measured: what is met for the first time is not what is measured, and what compiles
    # while it runs takes longer to be met.
    warm_seconds: int = 1
    log: Path = BUILT / "server.log"

    def start(self, cpus=None, **env):
        port = free_port()
        fill = lambda text: str(text).replace("{port}", str(port))
        env = {name: fill(value) for name, value in ({"PATH": path(BARE)} | self.env | env).items()}
        with pinned(cpus):
            return Server([fill(word) for word in self.command], env, port, self.log)

    def missing(self):
        """The file that it needs and that is not here; None if there is none."""
        return next((word for word in map(str, self.command) if word.startswith("/") and not Path(word).exists()), None)


def interpreter(name, ask):
    """The interpreter's own path, as it says itself; None where it is not installed."""
    if not shutil.which(name):
        return None
    said = subprocess.run([name, *ask], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return os.path.realpath(said.stdout.strip()) if said.returncode == 0 else None


PYTHON = interpreter("python3", ["-c", "import sys; print(sys.executable)"])
NODE = interpreter("node", ["-p", "process.execPath"])


def prepare():
    """Handlers and interpreters where everybody finds them."""
    shutil.rmtree(HANDLERS, ignore_errors=True)
    shutil.copytree(HERE / "handlers", HANDLERS, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(BARE.parent, ignore_errors=True)
    if PYTHON:
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", BARE.parent], check=True)
    BARE.mkdir(parents=True, exist_ok=True)
    for name, program in (("node", NODE), ("java", JAVA and os.path.realpath(JAVA))):
        if program:
            (BARE / name).symlink_to(program)


def heeler(workers=1, warm_seconds=1, **settings):
    binary = os.environ.get("HEELER", str(ROOT / "target" / "heeler"))
    # No line for each call and no port for metrics, which are counted all the same: the others have neither.
    own = {"port": "{port}", "mode": "warm", "workers": workers, "metrics_port": 0, "access_log": "false"}
    return Contestant([os.path.abspath(binary)], own | settings, warm_seconds)


def path(folder):
    return f"{folder}:/usr/bin:/bin"


def handler(name, style):
    return {"handler": HANDLERS / name, "handler_style": style}


ECHO = {"fprocess": EXAMPLES / "bench_echo"}
PYTHON_HKS, PYTHON_FF = handler("hks.py", "hks"), handler("function.py", "http")
# Such functions get Flask's request where their Python has Flask.
WITH_FLASK = PYTHON_FF | {"PATH": path(VENV)}
NODE_HKS, NODE_FF = handler("hks.js", "hks"), handler("function.js", "http")

FF_PYTHON = [VENV / "python3", VENV / "functions-framework", "--target", "function", "--source", HANDLERS / "function.py",
             "--host", "127.0.0.1", "--port", "{port}"]
FF_NODE = [NODE, FRAMEWORK, "--target=function", f"--source={HANDLERS / 'function.js'}", "--port={port}"]
GUNICORN = [VENV / "python3", VENV / "gunicorn", "--bind", "127.0.0.1:{port}", "--log-level", "error",
            "--chdir", HANDLERS, "flask_app:app"]
UVICORN = [VENV / "python3", VENV / "uvicorn", "--port", "{port}", "--app-dir", HANDLERS, "--no-access-log",
           "--log-level", "error", "--loop", "uvloop", "--http", "httptools", "asgi_app:app"]
NODE_HTTP = [NODE, HANDLERS / "node_http.js", "{port}"]

# By scripts/servers.sh rivals_go: the same function in each.
GO = SETS / "rivals_go"

JAVA = shutil.which("java")
JAVA_SET = SETS / "functions_java"
JAVA_JAR = JAVA_SET / "function.jar"
JAVA_FF = {"FUNCTION_TARGET": "functions.Echo", "FUNCTION_CLASSPATH": JAVA_JAR, "runtimes": ROOT / "target" / "runtimes"}
INVOKER = [JAVA, "-jar", JAVA_SET / "jars" / "java-function-invoker-2.0.0.jar", "--classpath", JAVA_JAR]
JAVA_WARM_SECONDS = 8

# In groups that take turns: their rounds stay close to each other in time.
GROUPS = {
    "rust": {
        "bare hyper": Contestant([EXAMPLES / "bench_hyper", "{port}"]),
        "heeler, Rust": heeler(**ECHO),
        "heeler, Rust, 2 workers": heeler(2, **ECHO),
    },
    "python": {
        "heeler, Python hks": heeler(**PYTHON_HKS),
        "heeler, Python hks, 2 workers": heeler(2, **PYTHON_HKS),
        "uvicorn": Contestant(UVICORN),
        "uvicorn, 2 workers": Contestant([*UVICORN, "--workers", "2"]),
        "heeler, Python http": heeler(**PYTHON_FF),
        "heeler, Python http, 2 workers": heeler(2, **PYTHON_FF),
        "heeler, Python http with Flask": heeler(**WITH_FLASK),
        "heeler, Python http with Flask, 2 workers": heeler(2, **WITH_FLASK),
        "functions-framework": Contestant(FF_PYTHON),
        "functions-framework, WORKERS=2": Contestant(FF_PYTHON, {"WORKERS": "2"}),
        "gunicorn + Flask": Contestant(GUNICORN),
        "gunicorn + Flask, 2 workers": Contestant([*GUNICORN, "--workers", "2"]),
        "gunicorn + Flask, gthread": Contestant([*GUNICORN, "--worker-class", "gthread", "--threads", "8"]),
    },
    "node": {
        "heeler, Node hks": heeler(**NODE_HKS),
        "heeler, Node hks, 2 workers": heeler(2, **NODE_HKS),
        "heeler, Node (req, res)": heeler(**NODE_FF),
        "heeler, Node (req, res), 2 workers": heeler(2, **NODE_FF),
        "node:http": Contestant(NODE_HTTP),
        "node:http, cluster of 2": Contestant([*NODE_HTTP, "2"]),
        "functions-framework": Contestant(FF_NODE),
        "functions-framework, NODE_ENV=production": Contestant(FF_NODE, {"NODE_ENV": "production"}),
    },
    "go": {
        "heeler, Go": heeler(fprocess=GO / "worker"),
        "heeler, Go, GOMAXPROCS=2": heeler(fprocess=GO / "worker", GOMAXPROCS="2"),
        "heeler, Go functions-framework": heeler(fprocess=GO / "worker_framework", FUNCTION_TARGET="f"),
        "net/http": Contestant([GO / "net_http"], {"PORT": "{port}"}),
        "functions-framework": Contestant([GO / "framework"], {"PORT": "{port}", "FUNCTION_TARGET": "f"}),
    },
    "java": {
        "heeler, Java HttpFunction": heeler(**JAVA_FF, warm_seconds=JAVA_WARM_SECONDS),
        "functions-framework, java invoker": Contestant(INVOKER, JAVA_FF | {"PORT": "{port}"}, JAVA_WARM_SECONDS),
    },
}


def present(members, report):
    """Those of a group that can be started here; a line for each that cannot."""
    here = {}
    for name, contestant in members.items():
        # What a command names with an option is not looked at, nor is a handler's own interpreter.
        if contestant.command[0] is None:
            report.line(f"left out: {name}, its interpreter is not installed")
        elif missing := contestant.missing() or language_missing(contestant):
            report.line(f"left out: {name}, {missing} is not there")
        else:
            here[name] = contestant
    return here


def language_missing(contestant):
    """What heeler would start and cannot."""
    env = {name: str(value) for name, value in contestant.env.items()}
    if "fprocess" in env:
        return None if Path(env["fprocess"]).exists() else env["fprocess"]
    if "FUNCTION_CLASSPATH" in env:
        if not JAVA:
            return "java"
        return next((file for file in (env["FUNCTION_CLASSPATH"], f"{env['runtimes']}/java/heeler.jar") if not Path(file).exists()), None)
    folder = Path(env.get("PATH", str(BARE)).partition(":")[0])
    program = folder / ("node" if env["handler"].endswith(".js") else "python3") if "handler" in env else folder
    return None if program.exists() else program


def heeler_or_end():
    binary = heeler().command[0]
    if not os.access(binary, os.X_OK):
        sys.exit(f"nothing to measure: {binary} is not there (make build, or HEELER=/path)")
