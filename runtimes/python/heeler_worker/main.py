"""The five steps of a worker: connect, load, hello, serve, bye."""

import os
import sys

from . import output, wire
from .connection import Connection, complain, leave
from .errors import LoadError, load_failed


def main(dont_write_bytecode):
    connection = connect()
    most = greet(connection)
    output.install()
    try:
        adapter, about = load(connection.settings, dont_write_bytecode)
        adapter.start()
    except KeyboardInterrupt:
        leave(130)
    except BaseException as error:
        load_failed(connection, error)
    output.loaded()
    server = hello(connection, adapter, most, about)
    sys.dont_write_bytecode = dont_write_bytecode
    try:
        server.serve()
    except KeyboardInterrupt:
        leave(130)
    bye(connection, server)


def connect():
    """Takes the socket over, so that nothing the function starts has it."""
    from _socket import socket

    named = os.environ.pop("HEELER_FD", "")
    if not named.isdecimal():
        complain(f"HEELER_FD: {named!r} is no descriptor; this program is started by heeler")
        sys.exit(64)
    descriptor = int(named)
    try:
        if descriptor <= 2:
            # Standard input is the function's: it gets an empty one.
            taken = descriptor
            descriptor = os.dup(taken)
            empty = os.open(os.devnull, os.O_RDWR)
            os.dup2(empty, taken)
            os.close(empty)
        os.set_inheritable(descriptor, False)
        connection = Connection(socket(fileno=descriptor))
    except OSError as error:
        complain(f"HEELER_FD: {named} is no socket: {error.strerror}")
        sys.exit(64)
    # A signal handler of the function must not make a read of ours fail; a fork of it must not speak for us.
    os.register_at_fork(after_in_child=lambda: (connection.in_child(), output.current.set(None)))
    return connection


def greet(connection):
    """Reads heeler's HELLO. Returns how many calls at once it allows."""
    heard = []

    def on_hello(stream, flags, at, stop):
        if stream or flags or heard or stop - at < 12:
            raise wire.Broken("a hello that is none")
        version, _, window, calls = wire.HELLO_HEAD.unpack_from(connection.buffer, at)
        if version < wire.VERSION or not wire.WINDOW_LEAST <= window <= wire.WINDOW_MOST:
            raise wire.Broken(f"a hello with version {version} and a window of {window} bytes")
        from .settings import Settings

        connection.window = window
        connection.settings = Settings(wire.pairs(bytes(connection.view[at + 12 : stop])))
        heard.append(calls)

    handlers = connection.handlers
    connection.handlers = {wire.HELLO: on_hello, wire.PING: connection.on_ping, wire.BYE: connection.on_bye}
    while not heard and not connection.leaving:
        connection.pump()
    if connection.leaving:
        leave(0)
    connection.handlers = handlers
    return heard[0]


def load(settings, dont_write_bytecode):
    """The function in the adapter of its style, and what HELLO says about it."""
    from .choose import choose
    from .find import find
    from .load import load as load_module

    target = find(settings)
    # From here on it is the function's files that are compiled, by the image's own rule.
    compiled, sys.dont_write_bytecode = sys.dont_write_bytecode, dont_write_bytecode
    module = load_module(target)
    sys.dont_write_bytecode = compiled
    adapter, name = choose(module, target, settings)
    about = {
        "language": "python",
        "version": "%d.%d.%d" % sys.version_info[:3],
        "function": f"{module.__name__}.{name}",
        "style": adapter.style,
        "file": target.path or module.__name__,
    }
    return adapter, about


def hello(connection, adapter, allowed, about):
    """Says that calls may come, and how many at once."""
    most = allowed or usual(adapter, connection.settings.processors)
    if adapter.asynchronous:
        from .loop import LoopServer
        from .threadloop import loop_here

        server = LoopServer(connection, adapter, most, loop_here())
    else:
        from .serve import Server

        server = Server(connection, adapter, most)
    if adapter.hooks:
        about["hooks"] = " ".join(adapter.hooks)
        # What the function says of itself counts, and not how much it has to do.
        if "ready" in adapter.hooks:
            connection.can_take = adapter.ready
    connection.alive = adapter.alive
    connection.send(wire.hello(wire.WINDOW_BYTES, most, about))
    return server


def usual(adapter, processors):
    """Calls at once where no setting says how many: most functions that block wait for others, and not for a processor."""
    if adapter.at_once is not None:
        return adapter.at_once
    return 1000 if adapter.asynchronous else max(4, 4 * processors)


def bye(connection, server):
    """The function's own end; then Python's, for what it has registered with `atexit`."""
    try:
        server.stop()
    except BaseException as error:
        from .errors import describe

        sys.stderr.write("heeler_worker: the function's stop failed\n" + describe(error)[2])
    sys.exit(0)
