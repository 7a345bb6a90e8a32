"""A thread that reads the socket while the threads that should are inside functions, so that pings and cancels are heard.

It looks a few times a second while there are calls, and sleeps else. It only reads what nobody has read for one whole
look, so it stays out of the way of a worker that keeps up.
"""

from _thread import allocate_lock, start_new_thread

from .connection import DONT_WAIT

#: Half of how late a ping may be answered: seen at one look, read at the next.
LOOK = 0.02
#: So many looks without a call, and it sleeps; waking it costs a call more than a look does.
PATIENCE = 50


class Guard:
    def __init__(self, connection):
        self.connection = connection
        self.asleep = False
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
        seen, idle = -1, 0
        while True:
            # A lock that nobody ever opens: unlike time.sleep it is not what a function may have replaced.
            self.nap.acquire(True, LOOK)
            idle = 0 if connection.calls else idle + 1
            if idle > PATIENCE:
                idle = 0
                self.sleep()
            if not connection.reading.acquire(False):
                # Somebody waits at the socket.
                continue
            try:
                if connection.reads == seen:
                    connection.pump(DONT_WAIT)
                seen = connection.reads
                if (connection.ready or connection.leaving) and connection.spill is not None:
                    connection.spill()
            finally:
                connection.reading.release()

    def sleep(self):
        self.asleep = True
        # A call may have come between the look and the line before this one.
        if self.connection.calls:
            self.asleep = False
            return
        self.bell.acquire()
