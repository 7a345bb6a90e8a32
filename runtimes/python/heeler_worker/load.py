"""Runs the user's file and takes the function out of it."""

import os
import sys
from .errors import LoadError

#: What has loaded this very file; the same by way of importlib.machinery takes a millisecond more.
SourceFileLoader, ModuleSpec = type(__loader__), type(__spec__)

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(target):
    """The module of a target."""
    # Ours goes first: the real functions_framework would bring a whole server along.
    sys.path.insert(0, os.path.join(HERE, "shims"))
    folder = target.module[0] if target.module else os.path.dirname(target.path)
    add_folder(folder)
    # Last of all: only for what is not installed.
    sys.path.append(os.path.join(HERE, "fallback"))
    sys.argv = [target.path or target.module[1]]
    where = target.path or target.module[1]
    try:
        if target.module:
            from importlib import import_module

            return import_module(target.module[1])
        return run_file(target.path)
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        raise LoadError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error


def add_folder(folder):
    """The function's own modules are found before installed ones, and after the standard library's.

    A handler whose file is called `json.py` must not become everybody's `json`.
    """
    if folder in sys.path:
        sys.path.remove(folder)
    for at, path in enumerate(sys.path):
        if path.endswith(("site-packages", "dist-packages")):
            sys.path.insert(at, folder)
            return
    sys.path.append(folder)


def run_file(path):
    name = module_name(path)
    loader = SourceFileLoader(name, path)
    spec = ModuleSpec(name, loader, origin=path)
    # So both `import sibling` and `from . import sibling` find what lies beside the file.
    spec.submodule_search_locations = [os.path.dirname(path)]
    spec.has_location = True
    module = type(sys)(name)
    module.__spec__, module.__loader__, module.__file__ = spec, loader, path
    module.__path__, module.__package__ = spec.submodule_search_locations, name
    sys.modules[name] = module
    try:
        execute(loader, module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def execute(loader, module):
    try:
        loader.exec_module(module)
    except RuntimeError as error:
        # Google's framework runs the file within a Flask application; few files want that, and asking for Flask costs.
        if "application context" not in str(error) or "flask" not in sys.modules:
            raise
        from .styles.gff_flask import application

        with application(module.__file__, module.__name__).app_context():
            loader.exec_module(module)


def module_name(path):
    """The file's own name, unless that is taken: by the standard library, or by what runs here."""
    name = os.path.basename(path)[:-3].replace(".", "_")
    standard = getattr(sys, "stdlib_module_names", None)
    if standard is None:
        library = os.path.dirname(os.__file__)
        taken = os.path.exists(os.path.join(library, name)) or os.path.exists(os.path.join(library, name + ".py"))
        taken = taken or name in sys.builtin_module_names
    else:
        taken = name in standard
    return f"function_{name}" if taken or name in sys.modules else name


def names_in(module):
    """What could be meant in a module, for a message."""
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) in (module.__name__, None)
    ]
    return ", ".join(sorted(own)[:30]) or "nothing that can be called"


def take(module, target, names=None):
    """The first of the names that the module has: (name, object)."""
    names = names or target.names
    for name in names:
        found = module
        for part in name.split("."):
            found = getattr(found, part, None)
        if callable(found):
            return name, found
        if found is not None and len(names) == 1:
            raise LoadError(f"{name} in {module.__file__} is {type(found).__name__}, not a function")
    raise LoadError(
        f"no function {' or '.join(names)} in {getattr(module, '__file__', module.__name__)} "
        f"(chosen by {target.why}); found {names_in(module)}"
    )
