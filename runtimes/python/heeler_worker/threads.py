"""Threads for calls: started as they are needed, never more than calls at once, and kept."""

import threading

try:
    from _queue import SimpleQueue  # `queue` takes three times as long to import.
except ImportError:
    from queue import SimpleQueue


class Threads:
    def __init__(self, run, most):
        self.run = run
        self.most = most
        self.waiting = SimpleQueue()
        self.lock = threading.Lock()
        self.count = self.idle = 0

    def give(self, call):
        """Hands a call to a thread that has nothing to do, or to a new one."""
        with self.lock:
            if self.idle:
                self.idle -= 1
            elif self.count < self.most:
                self.count += 1
                # Daemons: a call that never ends must not hold up the end of the process.
                threading.Thread(target=self.work, name=f"call-{self.count}", daemon=True).start()
        self.waiting.put(call)

    def work(self):
        while True:
            self.run(self.waiting.get())
            with self.lock:
                self.idle += 1
