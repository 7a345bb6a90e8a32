"""Talks to the WebSocket server: `websocket_client.py ws://127.0.0.1:8080/ TASK [WORD]`. Prints one line of JSON."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

URL = sys.argv[1]


async def ask(socket, message):
    await socket.send(message)
    return await socket.recv()


async def echo():
    messages = ["text", "grüße", "", b"", bytes(range(256)), bytes(range(256)) * 4096, "ä" * 500_000]
    async with connect(URL, max_size=None) as socket:
        return [await ask(socket, message) == message for message in messages]


async def ping():
    async with connect(URL) as socket:
        pong = await socket.ping(b"are you there")
        return await pong >= 0


async def client_closes():
    async with connect(URL) as socket:
        await socket.close(4001, "the client's word")
    return [socket.close_code, socket.close_reason]


async def server_closes():
    async with connect(URL) as socket:
        try:
            await ask(socket, "close 4002")
        except ConnectionClosed:
            return [socket.close_code, socket.close_reason]


async def linger():
    """One session with a message now and then, for as many seconds as are said."""
    clock = asyncio.get_running_loop().time
    began, count = clock(), 0
    async with connect(URL) as socket:
        while clock() < began + float(sys.argv[3]):
            assert await ask(socket, str(count)) == str(count)
            count += 1
            await asyncio.sleep(0.1)
    return [count > 0, socket.close_code]


async def fifty():
    """All are open before the first one says anything, and none closes before all have been answered."""
    sockets = await asyncio.gather(*(connect(URL) for _ in range(50)))
    said = await asyncio.gather(*(ask(socket, f"session {n}") for n, socket in enumerate(sockets)))
    await asyncio.gather(*(socket.close() for socket in sockets))
    return said == [f"session {n}" for n in range(50)]


async def wait_for_close():
    """Says that it is open, then how the other side closed."""
    async with connect(URL) as socket:
        print(json.dumps(await ask(socket, "open")), flush=True)
        await socket.wait_closed()
    return socket.close_code


print(json.dumps(asyncio.run(asyncio.wait_for(globals()[sys.argv[2]](), 20))))
