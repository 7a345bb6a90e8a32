"""Knative func: `new()` or `handle`, ASGI's three arguments or a context, and an instance's start, stop, alive, ready."""

import os

from ..adapter import Adapter, is_async, parameters
from ..errors import LoadError, Refusal
from ..events_seen import as_event, event_answer
from ..flask_values import flask_value
from ..request import Request
from ..values import TEXT
from .asgi import Asgi, Exchange, scope_of


def func(function, name, settings):
    """The adapter for `handle`, or for what `new()` has made."""
    instance = None
    handle = function
    if name.rpartition(".")[2] == "new":
        instance = function()
        handle = getattr(instance, "handle", None)
        if not callable(handle):
            raise LoadError(f"new() gave {type(instance).__name__}, which has no handle; it has {public(instance)}")
    count = parameters(handle)
    if count in (3, None):
        if not is_async(handle):
            raise LoadError("handle(scope, receive, send) must be async def")
        return FuncAsgi(handle, instance, settings)
    if count in (1, 2):
        return FuncContext(handle, instance, settings, count)
    raise LoadError(f"handle takes {count} arguments; in the style of func it is (scope, receive, send) or (context)")


def public(instance):
    return ", ".join(name for name in dir(instance) if not name.startswith("_")) or "nothing"


class _Lifecycle:
    """The optional methods of an instance, which may be async or not."""

    style = "func"
    instance = None

    def start(self):
        self.hook("start", dict(os.environ))

    def stop(self):
        self.hook("stop")

    def hook(self, name, *arguments):
        method = getattr(self.instance, name, None)
        if method is None:
            return None
        result = method(*arguments)
        if hasattr(result, "__await__"):
            from ..adapter import await_here

            result = await_here(result)
        return result

    @property
    def hooks(self):
        """One that must be awaited is not asked."""
        methods = ((name, getattr(self.instance, name, None)) for name in ("alive", "ready"))
        return tuple(name for name, method in methods if method is not None and not is_async(method))

    def alive(self):
        return self.said("alive")

    def ready(self):
        return self.said("ready")

    def said(self, name):
        """What a method says: a bool, or a bool and a text."""
        try:
            said = self.hook(name)
        except Exception as error:
            return False, f"{name}: {type(error).__name__}: {error}"
        yes, text = said if isinstance(said, tuple) else (said, "")
        return yes, text or ("" if yes else f"{name} said no")


class FuncAsgi(_Lifecycle, Asgi):
    streams = False
    lists = True

    def __init__(self, handle, instance, settings):
        Asgi.__init__(self, handle, settings)
        self.instance = instance

    async def concurrent(self, call):
        scope = scope_of(call, {})
        if call.events is None and not as_event(call):
            await self.run(call, scope)
            return
        from .func_events import Sender, event_of

        scope["event"] = event_of(call) if call.events is None else [event_of(part) for part in call.events]
        sender = Sender(call)
        await self.function(scope, Exchange(call).receive, sender)
        sender.done()


class FuncContext(_Lifecycle, Adapter):
    """`handle(context)`: `context.request`, `context.cloud_event`, results as Flask takes them."""

    lists = True

    def __init__(self, handle, instance, settings, count):
        Adapter.__init__(self, handle, settings)
        self.instance = instance
        self.count = count

    def arguments(self, call):
        context = Context(call)
        if self.count == 1:
            return (context,)
        return context, context.cloud_events if call.events is not None else context.cloud_event or call.body

    def reply(self, result, call):
        if result is None:
            return 204, [], b""
        try:
            return event_answer(call, result) or flask_value(result)
        except TypeError as error:
            raise Refusal(500, "Internal Server Error", TEXT) from error


class Context:
    def __init__(self, call):
        self.request = Request(call)
        self.cloud_event = None
        #: The events of a batch.
        self.cloud_events = []
        if call.events is None and not as_event(call):
            return
        from .cloudevent import event_for

        if call.events is None:
            self.cloud_event = event_for(call)
        else:
            self.cloud_events = [event_for(part) for part in call.events]
