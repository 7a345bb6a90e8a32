"""Where a handler and its test meet: a folder. Every handler of the tests has this module beside it."""

import asyncio
import os
import time

GATE = os.environ["TESTFN_GATE"]
LONGEST = 60


def note(name):
    """Says that it has come so far; each time adds a byte."""
    with open(os.path.join(GATE, name), "a") as file:
        file.write("x")


def has(name):
    return os.path.exists(os.path.join(GATE, name))


def wait(name):
    """Blocks until the test has made the file."""
    end = time.monotonic() + LONGEST
    while not has(name) and time.monotonic() < end:
        time.sleep(0.002)


async def until(name):
    """The same for coroutines, which others may run beside."""
    end = time.monotonic() + LONGEST
    while not has(name) and time.monotonic() < end:
        await asyncio.sleep(0.002)
