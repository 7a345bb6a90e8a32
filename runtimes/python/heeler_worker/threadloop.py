"""An event loop for each thread that finds itself with something to await, kept for the next time."""

import asyncio
import threading

_loops = threading.local()


def loop_here():
    loop = getattr(_loops, "loop", None)
    if loop is None:
        loop = _loops.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop


def iterate_here(pieces):
    """An asynchronous iterator as a plain one."""
    loop = loop_here()
    iterator = pieces.__aiter__()

    async def following():
        return await iterator.__anext__()

    while True:
        try:
            yield loop.run_until_complete(following())
        except StopAsyncIteration:
            return
