"""Serving with functions that are `async def`: one event loop, a task for each call."""

import asyncio
import sys
from time import perf_counter_ns

from . import output, wire
from .connection import DONT_WAIT
from .errors import failed
from .guard import Guard

#: From 3.12 on a task may begin at once, which spares a small call one turn of the loop.
EAGER = {"eager_start": True} if sys.version_info >= (3, 12) else {}
#: From 3.11 on it may be told its context.
TAKES_CONTEXT = sys.version_info >= (3, 11)


class LoopServer:
    def __init__(self, connection, adapter, most, loop):
        self.connection = connection
        self.adapter = adapter
        self.most = most
        self.loop = loop
        self.running = set()
        connection.whole = not adapter.streams
        connection.lists = adapter.lists
        connection.can_take = self.can_take
        connection.spill = self.begin_soon
        connection.stop_task = self.stop_task
        self.guard = Guard(connection)
        connection.wake_guard = self.guard.wake

    def serve(self):
        self.loop.add_reader(self.connection.sock.fileno(), self.readable)
        # Frames may have come with heeler's HELLO, and the loop only hears of bytes in the socket.
        self.loop.call_soon(self.begin)
        self.loop.run_forever()
        self.loop.remove_reader(self.connection.sock.fileno())

    def readable(self):
        reading = self.connection.reading
        if reading.acquire(False):
            try:
                self.connection.pump(DONT_WAIT)
            finally:
                reading.release()
            self.begin()

    def begin_soon(self):
        self.loop.call_soon_threadsafe(self.begin)

    def begin(self):
        connection, ready = self.connection, self.connection.ready
        if len(ready) > 1:
            self.guard.wanted = True
            # What is done by the end of this turn leaves together; what takes longer, when it is done.
            connection.holding = self.guard.brief
        while ready:
            with connection.reading:
                if not ready:
                    break
                call = ready.popleft()
                if call.over:
                    continue
                call.begun = True
            self.guard.begun += 1
            self.start_task(call)
        if connection.holding:
            if EAGER:
                self.let_go()
            else:
                self.loop.call_soon(self.let_go)
        self.leave_if_done()

    def let_go(self):
        self.connection.holding = False
        self.connection.let_go()

    def start_task(self, call):
        context = output.context_of(call)
        if TAKES_CONTEXT:
            # An eager task begins in the context that it is given, with no other task around it.
            task = asyncio.Task(self.run(call), loop=self.loop, context=context, **EAGER)
        else:
            task = context.run(self.loop.create_task, self.run(call))
        if not task.done():
            call.task = task
            self.running.add(task)

    async def run(self, call):
        call.began = perf_counter_ns()
        try:
            await self.adapter.concurrent(call)
        # Everything: an exit or an interrupt within a call must not end the loop of all the others.
        except BaseException as error:
            failed(call, error, self.adapter)
        finally:
            self.running.discard(call.task)
            # What heeler owes us or we owe it is done; the loop ends after the last call.
            if self.connection.leaving:
                self.loop.call_soon(self.leave_if_done)

    def leave_if_done(self):
        if self.connection.leaving and not self.connection.calls:
            self.loop.stop()

    def stop_task(self, call):
        """The guard may be who read the cancel, so the loop is told rather than the task."""
        if self.adapter.ends_tasks or call.reason != wire.LEFT:
            self.loop.call_soon_threadsafe(call.task.cancel)

    def can_take(self):
        return len(self.running) < self.most, f"{len(self.running)} of {self.most} calls are running"

    def stop(self):
        self.adapter.stop()
        if self.running:
            self.loop.run_until_complete(asyncio.wait(self.running, timeout=1))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
