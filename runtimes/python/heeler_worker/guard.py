"""A thread that looks after the threads that are inside functions.

It reads the socket while nobody else does, so that pings and cancels are heard, hands on calls that wait behind a slow
one, and sends answers that wait for one. It looks a few times a second while there are calls, and sleeps else. While
calls come several at a time it looks more often: only then may answers wait for each other, and calls for the one before.
It does nothing where it sees that there was progress since its last look, so it stays out of the way of a worker that
keeps up.
"""

import sys
from _thread import allocate_lock, start_new_thread

from .connection import DONT_WAIT

#: Half of how late a ping may be answered: seen at one look, read at the next.
LOOK = 0.02
#: The same while calls may wait for each other; how long Python's lock may be kept from who asks for it, too.
BRIEF = 0.001
#: So many looks without a call, and it sleeps; waking it costs a call more than a look does.
PATIENCE = 50


class Guard:
    def __init__(self, connection):
        self.connection = connection
        self.asleep = False
        #: Whether it looks often, and whether somebody wants that.
        self.brief = self.wanted = False
        #: Counted up by who has begun with a call.
        self.begun = 0
        self.bell = allocate_lock()
        self.bell.acquire()
        self.nap = allocate_lock()
        self.nap.acquire()
        self.started = False

    def wake(self):
        """The connection's hook at each call; the caller holds `reading`."""
        if not self.started:
            self.started = True
            start_new_thread(self.watch, ())
        elif self.asleep:
            self.asleep = False
            self.bell.release()

    def watch(self):
        connection = self.connection
        seen, idle, calm = None, 0, 0
        while True:
            # A lock that nobody ever opens: unlike time.sleep it is not what a function may have replaced.
            self.nap.acquire(True, BRIEF if self.brief else LOOK)
            if connection.held:
                connection.let_go()
            calm = 0 if self.wanted else calm + 1
            self.wanted = False
            if not calm:
                self.hurry()
            elif calm > PATIENCE:
                self.brief = False
            idle = 0 if connection.calls else idle + 1
            if idle > PATIENCE:
                idle = 0
                self.sleep()
            now = connection.reads, self.begun
            if now == seen and connection.reading.acquire(False):
                # Else somebody waits at the socket.
                try:
                    self.stand_in()
                finally:
                    connection.reading.release()
                now = connection.reads, self.begun
            seen = now

    def stand_in(self):
        connection = self.connection
        connection.pump(DONT_WAIT)
        if (connection.ready or connection.leaving) and connection.spill is not None:
            connection.spill()

    def hurry(self):
        if not self.brief:
            # Python gives its lock away after 5 ms, which is long for an answer that is done.
            sys.setswitchinterval(min(sys.getswitchinterval(), BRIEF))
            self.brief = True

    def sleep(self):
        self.asleep = True
        self.brief = False
        # A call may have come between the look and the line before this one.
        if self.connection.calls:
            self.asleep = False
            return
        self.bell.acquire()
