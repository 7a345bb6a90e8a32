"""Whole calls through the real binary: what heeler's own process runs for each, from the caller's bytes to the answer's."""

import re
import signal
import socket
import time

import knative
from callgrind import Counted, Failed
from servers import free_port

# A start under valgrind takes some seconds, on a busy machine some more.
PATIENCE = 60


def request(path="/", kind="application/json", body=knative.DATA, headers=()):
    body = body.encode()
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


PLAIN = request()
# Goes to an upstream on the connection of the call before. A POST may need one of its own, by how long that was idle.
GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PROBE = b"GET /_/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
BINARY = request(headers=[(f"ce-{name}", value) for name, value in knative.ATTRIBUTES.items()])
EVENT = request(kind="application/cloudevents+json", body=knative.STRUCTURED)

# Nothing that comes on its own while calls are counted: no lines to write, no ports but one.
QUIET = {"metrics_port": "0", "access_log": "false", "suppress_lock": "true", "log_level": "warn"}


def cases(worker, upstream):
    """Name: settings, one request, and how many of them. `{upstream}` in settings is a port, another one each time."""
    warm = QUIET | {"mode": "warm", "fprocess": worker}
    http = QUIET | {"mode": "http", "fprocess": f"{upstream} {{upstream}}", "http_upstream_url": "http://127.0.0.1:{upstream}"}
    # Until its end, however slow this is: the answer then comes in one piece with its length.
    streaming = QUIET | {"mode": "streaming", "fprocess": "cat", "stream_hold": "10s"}
    return {
        "call/health": (warm, PROBE, 1000),
        "call/warm": (warm, PLAIN, 1000),
        "call/warm/event binary": (warm, BINARY, 1000),
        "call/warm/event structured": (warm, EVENT, 1000),
        "call/http": (http, GET, 1000),
        "call/streaming": (streaming, PLAIN, 100),
    }


def instructions(heeler, settings, call, times):
    """Of a heeler that gets so many calls, one after the other over one connection."""
    port, upstream = free_port(), str(free_port())
    settings = {name: value.replace("{upstream}", upstream) for name, value in settings.items()}
    counted = Counted([heeler], settings | {"port": str(port)})
    try:
        with connected(port, counted) as client:
            for _ in range(times):
                client.sendall(call)
                answered(client, counted)
        counted.process.send_signal(signal.SIGTERM)
        return counted.ended()
    finally:
        if counted.process.poll() is None:
            counted.process.kill()
            counted.process.wait()


def connected(port, counted):
    """heeler listens once the function can serve."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return client
        except ConnectionRefusedError:
            if counted.process.poll() is not None or time.monotonic() > until:
                raise Failed(f"budgets: heeler does not listen on port {port}:\n{counted.text()}") from None
            time.sleep(0.02)


def answered(client, counted):
    """Reads one answer to its end."""
    have = b""
    while b"\r\n\r\n" not in have:
        have += some(client, counted)
    head, _, body = have.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    if not head.startswith(b"HTTP/1.1 200 ") or not length:
        raise Failed(f"budgets: a call is answered with {head!r}\n{counted.text()}")
    while len(body) < int(length[1]):
        body += some(client, counted)


def some(client, counted):
    piece = client.recv(65536)
    if not piece:
        raise Failed(f"budgets: heeler closed the connection within a call:\n{counted.text()}")
    return piece
