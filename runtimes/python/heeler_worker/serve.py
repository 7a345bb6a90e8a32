"""Serving with functions that block: in the main thread, and in others where several calls may run at once.

The main thread reads a call, runs the function and answers. With room for several calls at once it goes on doing that
while the functions take next to no time, since threads would only pass Python's one lock around; once calls take longer,
those that follow go to threads, and the main thread reads. Answers of calls that came together leave together. A call
that is slow all of a sudden is the guard's business: it sends what is held and gives what waits to threads.
"""

from time import perf_counter_ns

from . import output
from .connection import DONT_WAIT, HOLD_NS
from .errors import failed
from .guard import LOOK, Guard

#: Functions that take longer than this on average are worth threads of their own. The average is over some calls, so that
#: one call that the system has interrupted does not send all others to threads.
SLOW_NS = 300_000
#: The latest call's part of the average, as a power of two.
WEIGHT = 4


class Server:
    def __init__(self, connection, adapter, most):
        self.connection = connection
        self.adapter = adapter
        self.most = most
        self.threads = None
        #: How long calls have taken on average.
        self.average = 0
        if most > 1:
            # `threading` takes whatever thread imports it first for the main one.
            from .threads import Threads

            self.threads = Threads(self.run, most)
            connection.spill = self.spill
        connection.whole = not adapter.streams
        connection.lists = adapter.lists
        connection.can_take = self.can_take
        self.guard = Guard(connection)
        connection.wake_guard = self.guard.wake

    def serve(self):
        """Until heeler says goodbye and the last call is done."""
        connection, ready, reading = self.connection, self.connection.ready, self.connection.reading
        while True:
            with reading:
                if not ready:
                    if connection.held:
                        connection.let_go()
                    if not connection.leaving:
                        connection.pump()
                if not ready:
                    if not connection.leaving:
                        continue
                    if not connection.calls:
                        return
                    # The calls that are left may end without a frame to read, so nobody waits for one here.
                    connection.pump(DONT_WAIT)
                    self.guard.nap.acquire(True, LOOK / 4)
                    continue
                call = ready.popleft()
                if call.over:
                    continue
                call.begun = True
            if self.threads is None:
                self.run(call)
            else:
                self.run_or_give(call)

    def run_or_give(self, call):
        """Runs a call here; or gives it to a thread, if calls take long or others wait behind it and nobody looks after them."""
        connection, guard = self.connection, self.guard
        more = bool(connection.ready)
        if more:
            guard.wanted = True
        if self.average > SLOW_NS or more and not guard.brief:
            connection.holding = False
            self.threads.give(call)
            return
        guard.begun += 1
        connection.holding = more
        if connection.held and perf_counter_ns() - connection.held_since > HOLD_NS:
            connection.let_go()
        self.run(call)

    def spill(self):
        """Gives every waiting call to a thread: the main one is busy. The caller holds `reading`."""
        ready = self.connection.ready
        while ready:
            call = ready.popleft()
            if not call.over:
                call.begun = True
                self.threads.give(call)

    def run(self, call):
        call.began = began = perf_counter_ns()
        try:
            output.run_in(call, self.adapter.blocking, call)
        except BaseException as error:
            failed(call, error, self.adapter)
        if self.threads is not None:
            self.average += (perf_counter_ns() - began - self.average) >> WEIGHT

    def can_take(self):
        running = sum(1 for call in list(self.connection.calls.values()) if call.begun)
        return running < self.most, f"{running} of {self.most} calls are running"

    def stop(self):
        self.adapter.stop()
