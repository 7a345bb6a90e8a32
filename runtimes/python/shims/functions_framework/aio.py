"""`functions_framework.aio`: functions that are `async def`, with Starlette's request where that is installed."""

from . import _register


def http(function):
    return _register(function, "http-async")


def cloud_event(function):
    return _register(function, "cloudevent-async")
