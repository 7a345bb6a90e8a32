"""Which file and which name in it is the function: by settings, by the environment of others, by place."""

import os

from .errors import LoadError
from .settings import SIGNATURES, STYLES

#: Files looked for when nothing names one, in this order.
FILES = ("function.py", "main.py", "index.py", "handler.py", "function/handler.py", "app.py", "func.py", "function/func.py")
#: Names looked for when nothing names one, in this order.
NAMES = ("handle", "handler", "app", "application", "new")


class Target:
    """What is to be loaded. `module` is a name to import instead of a file, `names` are candidates."""

    def __init__(self, path, module, names, style, why):
        self.path = path
        self.module = module
        self.names = names
        self.style = style
        #: The setting or the place that decided, for messages.
        self.why = why


def find(settings):
    style = settings.style
    if style and style not in STYLES:
        raise LoadError(f"handler_style: {style!r} is none of {', '.join(STYLES)}")
    if settings.signature and settings.signature not in SIGNATURES:
        raise LoadError(
            f"FUNCTION_SIGNATURE_TYPE: {settings.signature!r} is none of {', '.join(SIGNATURES)}"
        )
    if settings.handler:
        return by_handler(settings.handler, style, "handler", settings)
    if settings.get("FUNCTION_TARGET") and style in ("", "http"):
        return by_target(settings)
    if settings.get("MOD_NAME") and settings.get("FUNC_HANDLER") and style in ("", "kubeless"):
        named = f"{settings.get('MOD_NAME')}.{settings.get('FUNC_HANDLER')}"
        return by_handler(named, "kubeless", "MOD_NAME and FUNC_HANDLER", settings)
    if settings.get("_HANDLER") and style in ("", "lambda", "hks", "request", "event"):
        return by_handler(settings.get("_HANDLER"), style or "lambda", "_HANDLER", settings)
    return by_place(style, settings)


def folders(settings):
    """Where functions are looked for."""
    found = []
    for folder in (os.getcwd(), settings.get("FUNCTION_SOURCE"), settings.get("LAMBDA_TASK_ROOT"), "/kubeless"):
        if folder and os.path.isdir(folder) and os.path.abspath(folder) not in found:
            found.append(os.path.abspath(folder))
    return found


def by_target(settings):
    """As Google's framework does: FUNCTION_SOURCE is a file, ./main.py if it says nothing; a folder means its main.py."""
    source = settings.get("FUNCTION_SOURCE") or "main.py"
    if os.path.isdir(source):
        source = os.path.join(source, "main.py")
    if not os.path.isfile(source):
        raise LoadError(
            f"FUNCTION_SOURCE: there is no file {os.path.abspath(source)!r}; found {listed(os.path.dirname(source) or '.')}"
        )
    return Target(os.path.abspath(source), None, [settings.get("FUNCTION_TARGET")], "http", "FUNCTION_TARGET")


def by_handler(named, style, why, settings):
    """`path/file.py:function`, `path/file.py`, `module.function`, `package.module.function` or `module:function`."""
    place, colon, name = named.partition(":")
    if place.endswith(".py"):
        for folder in folders(settings):
            path = os.path.join(folder, place)
            if os.path.isfile(path):
                return Target(os.path.abspath(path), None, [name] if name else list(NAMES), style, why)
        raise missing(named, why, place, settings)
    if colon:
        module = place
    else:
        module, dot, name = named.rpartition(".")
        if not dot:
            # Only a module: its function has one of the usual names.
            module, name = named, ""
    names = [name] if name else list(NAMES)
    module = module.replace("/", ".")
    relative = module.replace(".", "/")
    for folder in folders(settings):
        for path in (os.path.join(folder, relative + ".py"), os.path.join(folder, relative, "__init__.py")):
            if os.path.isfile(path):
                # A module in a package is imported by its name, so that its relative imports find the package.
                inside = "." in module or path.endswith("__init__.py")
                return Target(path, (folder, module) if inside else None, names, style, why)
    if "." in module or style in ("asgi", "wsgi"):
        # Perhaps it is installed, as applications are.
        return Target(None, (os.getcwd(), module), names, style, why)
    raise missing(named, why, relative + ".py", settings)


def by_place(style, settings):
    for folder in folders(settings):
        for file in FILES:
            path = os.path.join(folder, file)
            if os.path.isfile(path):
                return Target(path, None, list(NAMES), style, "its place")
        alone = [name for name in sorted(os.listdir(folder)) if name.endswith(".py") and not name.startswith("_")]
        if len(alone) == 1:
            return Target(os.path.join(folder, alone[0]), None, list(NAMES), style, "its place")
    raise LoadError(
        f"no function: looked for {', '.join(FILES)}; "
        + "; ".join(f"in {folder} found {listed(folder)}" for folder in folders(settings))
        + "; set handler=file.py:function"
    )


def missing(named, why, file, settings):
    return LoadError(
        f"{why}: {named!r} wants {file}; "
        + "; ".join(f"in {folder} found {listed(folder)}" for folder in folders(settings))
    )


def listed(folder):
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    except OSError as error:
        return error.strerror
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return (", ".join(names[:20]) + more) or "no Python file"
