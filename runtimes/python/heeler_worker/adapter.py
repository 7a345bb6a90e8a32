"""What all styles have in common: arguments from a call, the function, an answer from its result.

A style says what its functions take and what their results mean; whether a function blocks or is `async def` is
settled here, once for all of them.
"""

from .deliver import deliver

#: Flags of code objects: `async def`, and `async def` with `yield`.
_ASYNC = 0x80 | 0x200
#: And `*arguments`.
_ANY_NUMBER = 0x04


class Adapter:
    #: What the worker's HELLO calls it.
    style = ""
    #: Whether functions begin before the request's body has arrived whole.
    streams = False
    #: Whether functions take a batch as a list of events; to others it is the request that carries one.
    lists = False
    #: Whether a cancelled call's task is ended; an application that asks by itself is not.
    ends_tasks = True
    #: Calls at once where no setting says so; None leaves it to whether functions block.
    at_once = None
    #: Which of PING's questions the function answers by itself: "alive", "ready".
    hooks = ()
    #: The status of a call whose function raised something; 0 leaves it to heeler.
    error_status = 0

    def __init__(self, function, settings):
        self.function = function
        self.settings = settings
        self.asynchronous = is_async(function)

    # For the styles

    def pick(self, call):
        """The function for a call."""
        return self.function

    def arguments(self, call):
        raise NotImplementedError

    def reply(self, result, call):
        """Status, headers (a name, its value, a name …) and body (bytes, or something that gives bytes)."""
        raise NotImplementedError

    def failed(self, call, error):
        """The style's own answer when the function raised something; None leaves it to heeler."""
        return None

    def start(self):
        """Before the worker says hello."""

    def stop(self):
        """After the last call."""

    def alive(self):
        """The function's own word where `hooks` has it, and a text."""
        return True, ""

    def ready(self):
        return True, ""

    # For the servers

    def blocking(self, call):
        result = self.pick(call)(*self.arguments(call))
        if hasattr(result, "__await__"):
            result = await_here(result)
        deliver(call, *self.reply(result, call))

    async def concurrent(self, call):
        function = self.pick(call)
        if is_async(function):
            result = function(*self.arguments(call))
            if hasattr(result, "__await__"):
                result = await result
        else:
            result = await in_thread(function, *self.arguments(call))
            if hasattr(result, "__await__"):
                result = await result
        from .deliver_async import deliver_async

        await deliver_async(call, *self.reply(result, call))


def is_async(function):
    """Whether calling it gives something to await, seen without importing `inspect`."""
    for _ in range(16):
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _ASYNC:
            return True
        # A decorated function, a partial one, a method, an object that can be called.
        inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        if inner is None and code is None and not isinstance(function, type):
            inner = getattr(type(function), "__call__", None)
        if inner is None or inner is function:
            return False
        function = inner
    return False


def parameters(function):
    """How many arguments a function takes by position; None if nobody knows, or any number.

    Read from the code where that is all there is to it: `inspect` takes longer to import than a small worker to start.
    """
    inner, bound = function, 0
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    if hasattr(inner, "__func__"):
        inner, bound = inner.__func__, 1
    code = getattr(inner, "__code__", None)
    if code is not None and not hasattr(inner, "__signature__"):
        return None if code.co_flags & _ANY_NUMBER else code.co_argcount - bound
    import inspect

    try:
        taken = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is each.VAR_POSITIONAL for each in taken):
        return None
    return sum(1 for each in taken if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD))


async def in_thread(function, *arguments):
    """A function that blocks, beside an event loop; it keeps the call's context."""
    import asyncio
    from contextvars import copy_context

    return await asyncio.get_running_loop().run_in_executor(None, copy_context().run, function, *arguments)


def await_here(awaitable):
    """The result of something to await, in a thread without an event loop of its own."""
    from .threadloop import loop_here

    async def result():
        return await awaitable

    return loop_here().run_until_complete(result())
