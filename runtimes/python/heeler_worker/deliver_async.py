"""Answers on their way out as in deliver.py, from tasks."""

from .deliver import as_bytes, close, with_length


async def deliver_async(call, status, headers, body):
    """From a task: nobody but this call waits for heeler's window."""
    from .adapter import in_thread

    if isinstance(body, bytes):
        if not call.answer(status, headers, body):
            await write_async(call, call.begin(status, with_length(headers, len(body)), memoryview(body)))
            call.end()
        return
    nothing = object()
    if hasattr(body, "__aiter__"):
        iterator = body.__aiter__()

        async def following():
            try:
                return await iterator.__anext__()
            except StopAsyncIteration:
                return nothing
    else:
        iterator = iter(body)

        async def following():
            return await in_thread(next, iterator, nothing)

    try:
        first = await following()
        if first is nothing:
            call.answer(status, headers, b"")
            return
        await write_async(call, call.begin(status, headers, as_bytes(first)))
        while True:
            piece = await following()
            if piece is nothing:
                break
            await write_async(call, as_bytes(piece))
        call.end()
    finally:
        ending = getattr(body, "aclose", None)
        if ending is not None:
            await ending()
        else:
            close(body)


async def write_async(call, piece):
    while piece:
        if not call.has_room():
            await changed(call, call.has_room)
        piece = call.write_some(piece)


async def changed(call, ready):
    """Waits in a task until `ready()`, which frames for the call bring about, whichever thread reads them."""
    import asyncio

    loop = asyncio.get_running_loop()
    while not ready():
        future = loop.create_future()
        call.wake = lambda: loop.call_soon_threadsafe(_resolve, future)
        try:
            # A frame may have come before anybody was there to wake.
            if not ready():
                await future
        finally:
            call.wake = None


def _resolve(future):
    if not future.done():
        future.set_result(None)
