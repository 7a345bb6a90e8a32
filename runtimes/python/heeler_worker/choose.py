"""The style of a function: by setting, by the environment, by decorator, by place, and last by what it is."""

import os

from .adapter import is_async, parameters
from .errors import LoadError
from .load import take

#: Styles with a file of their own below styles/, and the class in it.
ADAPTERS = {
    "hks": ("hks", "Hks"),
    "request": ("hks", "HksRequest"),
    "event": ("hks", "HksEvent"),
    "lambda": ("aws", "Lambda"),
    "kubeless": ("kubeless", "Kubeless"),
    "asgi": ("asgi", "Asgi"),
    "wsgi": ("wsgi", "Wsgi"),
}


def choose(module, target, settings):
    """The adapter for a module's function, and the function's name."""
    import sys

    framework = sys.modules.get("functions_framework")
    registry = getattr(framework, "_REGISTRY", {})
    style = target.style
    ours = sys.modules.get("hks_functions")
    if not style and registry and ours is None:
        style = "http"
    if not style and ours is not None and len(target.names) > 1:
        # What a decorator has named goes before the usual names.
        target.names = [*ours._REGISTRY, *registry, *target.names]
    if style == "http":
        from .styles.gff import gff

        name, function = take(module, target, http_names(target, registry, settings))
        return gff(function, name, registry.get(name), module, settings), name
    name, function = take(module, target, names_of(style, target))
    form = getattr(function, "__hks_form__", None)
    if form and style in ("", "hks"):
        style = form
    if not style:
        style = by_place(target, name, function)
    if style == "openfaas":
        from .styles.openfaas import openfaas

        return openfaas(function, settings), name
    if style == "func":
        from .styles.func import func

        return func(function, name, settings), name
    file, adapter = ADAPTERS[style]
    # As `from .styles.{file} import {adapter}` would.
    module = __import__(f"styles.{file}", globals(), None, [adapter], 1)
    return getattr(module, adapter)(function, settings), name


def http_names(target, registry, settings):
    """Under a name that somebody gave, else the one that was registered, else the usual ones."""
    if len(target.names) == 1:
        return target.names
    if len(registry) > 1:
        raise LoadError(f"several functions are registered: {', '.join(registry)}; set FUNCTION_TARGET to one of them")
    return list(registry) or ["function", "main", *target.names]


def names_of(style, target):
    if len(target.names) == 1:
        return target.names
    if style in ("asgi", "wsgi"):
        return ["app", "application", *target.names]
    if style == "func":
        return ["new", "handle"]
    if style == "lambda":
        return ["handler", "lambda_handler", "handle"]
    return target.names


def by_place(target, name, function):
    """Nothing says the style: it is HKS's, but for a few places where something else is the custom."""
    application = application_kind(function)
    if application:
        return application
    file = os.path.basename(target.path or "")
    last = name.rpartition(".")[2]
    count = parameters(function) if last in ("handle", "handler") else 1
    if last == "handle" and file == "handler.py":
        return "openfaas"
    if last == "handler" and (count is None or count >= 2):
        if file in ("main.py", "index.py"):
            return "lambda"
        raise LoadError(
            f"{name} in {target.path} takes {count} arguments, which fits several styles; "
            "set handler_style to lambda, kubeless or openfaas"
        )
    if count is not None and count != 1:
        raise LoadError(
            f"{name} in {target.path} takes {count} arguments, and a function of HKS's style takes one; "
            "set handler_style to lambda, kubeless, openfaas or func"
        )
    return "hks"


def application_kind(found):
    """Whether it is an application rather than a function, told by its type."""
    kind = type(found)
    for base in kind.__mro__:
        where = f"{base.__module__}.{base.__qualname__}"
        if where in ("flask.app.Flask", "django.core.handlers.wsgi.WSGIHandler", "bottle.Bottle", "falcon.app.App"):
            return "wsgi"
        if where in ("starlette.applications.Starlette", "django.core.handlers.asgi.ASGIHandler"):
            return "asgi"
    if callable(found):
        names = argument_names(found)
        if names[:3] == ("scope", "receive", "send"):
            return "asgi" if is_async(found) else None
        if len(names) == 2 and names[1] == "start_response":
            return "wsgi"
    return None


def argument_names(function):
    code = getattr(function, "__code__", None)
    skip = 0
    if code is None:
        call = getattr(type(function), "__call__", None)
        code, skip = getattr(call, "__code__", None), 1
    if code is None:
        return ()
    return code.co_varnames[skip : code.co_argcount]
