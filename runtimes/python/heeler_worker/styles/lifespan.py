"""The beginning and the end of an ASGI application."""

import asyncio


class Lifespan:
    def __init__(self, application, state):
        self.application = application
        self.state = state
        self.task = None

    async def start(self):
        self.messages = asyncio.Queue()
        self.heard = asyncio.Queue()
        await self.messages.put({"type": "lifespan.startup"})
        self.task = asyncio.ensure_future(self.run())
        kind, text = await self.heard.get()
        if kind == "lifespan.startup.failed":
            raise RuntimeError(f"the application could not start: {text}")

    async def run(self):
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self.application(scope, self.messages.get, self.hear)
        except Exception:
            # An application that knows no lifespan may raise whatever it likes; one that has failed has said so before.
            pass
        await self.heard.put(("none", ""))

    async def hear(self, message):
        await self.heard.put((message["type"], message.get("message", "")))

    async def stop(self):
        if self.task is None or self.task.done():
            return
        await self.messages.put({"type": "lifespan.shutdown"})
        kind, text = await self.heard.get()
        if kind == "lifespan.shutdown.failed":
            raise RuntimeError(f"the application could not stop: {text}")
