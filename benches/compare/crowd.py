"""The load where wrk has none: crowd.rs, many connections of which few or all call, large bodies, many headers, HTTP/2."""

import json
import resource
import subprocess

from contestants import EXAMPLES
from servers import Unusable, per_call, pinned

PROGRAM = EXAMPLES / "bench_crowd"
# Open files beside connections.
OTHER_FILES = 200


def allow_files():
    """As many open files as may be, for this process and what it starts; how many connections that makes."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most - OTHER_FILES


class Crowd:
    """Connections to one server, open from the beginning to the end of a `with`; each has had one call."""

    def __init__(self, port, connections, cpus=None, http2=False, **asked):
        words = [f"{name}={value}" for name, value in asked.items()] + (["http2"] if http2 else [])
        with pinned(cpus):
            self.process = subprocess.Popen(
                [str(PROGRAM), str(port), str(connections), *words], text=True, bufsize=1,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        try:
            self.line()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise Unusable(f"no load: {self.process.stderr.read().strip()[-300:]}")
        return line

    def ask(self, what):
        try:
            self.process.stdin.write(f"{what}\n")
        except OSError:
            pass  # it has ended: the line that does not come says why
        figures = json.loads(self.line())
        figures["rate"] = figures["calls"] / max(figures["seconds"], 1e-9)
        return figures

    def run(self, seconds):
        """Calls on the active connections for so long, one after the other on each."""
        return self.ask(f"for {seconds}")

    def once(self):
        """One call on each active connection."""
        return self.ask("once")


def spent(server, crowd, seconds):
    """A run's figures with the processor time of the server and of what is below it, and what both hold at its end."""
    result = per_call(server, lambda: crowd.run(seconds))
    cpu = result["own_us"] + result.pop("below_us")
    return result | {"cpu_us": cpu, "own_mb": server.resident_kb() / 1024, "below_mb": server.resident_below_kb() / 1024,
                     "peak_mb": server.peak_kb() / 1024}
