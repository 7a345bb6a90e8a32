"""A server under measure: its start, its first 200, its processor time and memory, its end."""

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[1] / "target" / "bench"
# By scripts/servers.sh.
SETS = HERE.parents[1] / "target" / "servers"
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    """A port that nobody has, and that no connection gets for its own end while the server is on its way to it."""
    theirs = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10_000, theirs if theirs > 11_000 else 32_768)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
                return port
            except OSError:
                continue


def until_free(port, seconds=20):
    """Waits for somebody else to leave a port, which cannot be chosen; what then needs it says whether it has."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
                return
            except OSError:
                time.sleep(0.05)


def answers(port, path="/", timeout=5.0):
    """The status of one fresh call, None while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


# Where the other watchdogs have their metrics, whatever they are told.
METRICS = 8081


class Unusable(SystemExit):
    """A server does not do what it is measured for: the end, unless somebody can do without it."""


class Server:
    """One server process, from its start to its end."""

    def __init__(self, command, env, port, log):
        self.port = port
        self.log = Path(log)
        env = {"PATH": os.environ["PATH"], "TMPDIR": str(BUILT)} | env
        null = os.open(os.devnull, os.O_RDWR)
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.began = time.monotonic()
        try:
            self.pid = os.posix_spawn(
                command[0],
                command,
                env,
                file_actions=[(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
            )
        except OSError as why:
            raise Unusable(f"{command[0]} cannot be started: {why}") from None
        finally:
            os.close(null)
            os.close(log)

    def until_first_200(self, path="/", pause=0.0002):
        """Seconds from the start to the end of the first 200; so long is the pause between two tries."""
        while time.monotonic() - self.began < 10:
            if answers(self.port, path) == 200:
                return time.monotonic() - self.began
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                self.pid = 0
                break
            time.sleep(pause)
        raise Unusable(f"no 200 from the server; its log:\n{self.log.read_text(errors='replace')[-2000:]}")

    def cpu(self, family=False):
        """Seconds of user and of system time: the server's own, or with those of all processes below it."""
        pids = below(self.pid) if family else [self.pid]
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
        return sum(int(stat[11]) for stat in stats) / TICK, sum(int(stat[12]) for stat in stats) / TICK

    def cpu_split(self):
        """Seconds of processor time: the server's own, and that of all below it, those that have ended included."""
        own, rest = 0, 0
        for pid in below(self.pid):
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile, and has left its time to its parent
            used, by_ended = int(stat[11]) + int(stat[12]), int(stat[13]) + int(stat[14])
            own += used if pid == self.pid else 0
            rest += by_ended + (0 if pid == self.pid else used)
        return own / TICK, rest / TICK

    def resident_kb(self):
        return resident_kb(self.pid)

    def peak_kb(self):
        """The most that it held since it began, or since `forget_peak`."""
        return resident_kb(self.pid, "VmHWM")

    def forget_peak(self):
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def resident_below_kb(self):
        return sum(map(resident_kb, below(self.pid)[1:]))

    def end(self):
        """Kills the server before what it started: it might start that again."""
        if not self.pid:
            return
        family = [descriptor for descriptor in map(descriptor_of, below(self.pid)) if descriptor is not None]
        for descriptor in family:
            try:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            except ProcessLookupError:
                pass  # gone by itself
            os.close(descriptor)
        os.waitpid(self.pid, 0)
        self.pid = 0


def per_call(server, load):
    """What a load says that it did, with the processor time that each of its calls took, in microseconds: the server's own, and
    that of all below it."""
    before = server.cpu_split()
    result = load()
    own, below = ((late - early) / max(result["calls"], 1) * 1e6 for early, late in zip(before, server.cpu_split()))
    return result | {"own_us": own, "below_us": below}


def resident_kb(pid, name="VmRSS"):
    """0 for a process that is gone."""
    try:
        found = re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


@contextmanager
def pinned(cpus):
    """What is started in here runs on these processors only; on any of them if there are none."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def serving(program, options):
    """A server that others stand in front of, for as long as the block lasts: its port, which is its only argument."""
    port = free_port()
    with pinned(options.server_cpus):
        server = Server([str(program), str(port)], {}, port, BUILT / "upstream.log")
    try:
        server.until_first_200()
        yield port
    finally:
        server.end()


def below(pid):
    """The process and everything below it, parents first."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        lists = []  # it ended meanwhile
    return [pid] + [low for children in lists for child in children.split() for low in below(int(child))]


def descriptor_of(pid):
    """A descriptor of the process: unlike its number it cannot come to mean another one."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def end_on_term():
    """A request to end is treated as Ctrl-C is: what was started is ended first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def named_by(variables, report):
    """The programs that these variables of the environment name; a line for each that is left out."""
    found = {}
    for name, variable in variables.items():
        path = os.environ.get(variable, "")
        if path and os.access(path, os.X_OK):
            found[name] = os.path.abspath(path)
        else:
            report.line(f"left out: {name}, {variable} does not name a program")
    return found


def compile_c(name, report, *flags):
    """The C program beside this file as a static binary below target/bench, None without a compiler that can."""
    out = BUILT / name
    out.parent.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(["cc", "-O2", "-static", *flags, "-o", str(out), str(HERE / f"{name}.c")],
                         capture_output=True, text=True)
    if run.returncode:
        report.line(f"left out: {name}.c does not compile here: {run.stderr.strip().splitlines()[-1:]}")
        return None
    return str(out)
