"""A WebSocket echo server. The message `close N` makes it close with that code; it prints each session's end."""

import asyncio
import os
import signal

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def session(socket):
    try:
        async for message in socket:
            if isinstance(message, str) and message.startswith("close "):
                await socket.close(int(message.split()[1]), "the server's word")
            else:
                await socket.send(message)
    except ConnectionClosed:
        pass
    print("closed", socket.close_code, socket.close_reason, flush=True)


async def main():
    stop = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set_result, None)
    async with serve(session, "127.0.0.1", int(os.environ["PORT"]), max_size=None):
        await stop


asyncio.run(main())
