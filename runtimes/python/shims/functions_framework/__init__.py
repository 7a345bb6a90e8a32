"""`import functions_framework` in a worker of heeler: the decorators, without the server that the real one brings along.

What is not here is looked for in the real package, if it is installed.
"""

import sys as _sys

#: By a function's name: its signature type, and for typed functions what they take.
_REGISTRY = {}
#: Handlers of errors: (exception class or status, function).
_ERROR_HANDLERS = []


def _register(function, kind, taken=None):
    _REGISTRY[function.__name__] = (kind, taken)
    return function


def http(function):
    return _register(function, "http")


def cloud_event(function):
    return _register(function, "cloudevent")


def typed(*arguments):
    """`@typed` reads the type from the annotation, `@typed(Type)` is told it."""
    if len(arguments) == 1 and type(arguments[0]) is type(http):
        return _register(arguments[0], "typed", _annotated(arguments[0]))
    taken = arguments[0] if arguments else None

    def decorate(function):
        annotated = _annotated(function, False)
        if annotated is not None and taken is not None and annotated is not taken:
            raise TypeError(
                f"{function.__name__} takes {annotated.__name__} by its annotation and {taken.__name__} by its decorator"
            )
        return _register(function, "typed", taken or _annotated(function))

    return decorate


def _annotated(function, needed=True):
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    found = function.__annotations__.get(names[0]) if names else None
    if isinstance(found, str):
        found = function.__globals__.get(found)
    if needed and found is None:
        raise TypeError(f"{function.__name__}: a typed function says what it takes, by @typed(Type) or an annotation")
    return found


def errorhandler(kind):
    """As Flask's: the decorated function answers when a function raises `kind`."""

    def decorate(function):
        _ERROR_HANDLERS.append((kind, function))
        return function

    return decorate


def __getattr__(name):
    real = _real()
    if real is None:
        raise AttributeError(f"functions_framework has no {name!r} here; the real package is not installed")
    return getattr(real, name)


def _real():
    """The real package, imported beside this one."""
    import os
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    spec = PathFinder.find_spec(__name__, [path for path in _sys.path if os.path.abspath(path) != here])
    if spec is None or spec.loader is None:
        return None
    ours = _sys.modules[__name__]
    real = module_from_spec(spec)
    _sys.modules[__name__] = real
    try:
        spec.loader.exec_module(real)
    finally:
        _sys.modules[__name__] = ours
    return real
