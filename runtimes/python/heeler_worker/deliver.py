"""Answers on their way out: whole ones in one frame, others piece by piece as they come. For threads, which may wait."""

from .wire import FRAME


def deliver(call, status, headers, body):
    """From a thread that may wait. `body` is bytes, or gives bytes or text piece by piece."""
    if isinstance(body, bytes):
        if not call.answer(status, headers, body):
            # A long body has its length all the same, so heeler need not send it in chunks.
            call.write(call.begin(status, with_length(headers, len(body)), memoryview(body)))
            call.end()
        return
    if hasattr(body, "__aiter__"):
        from .threadloop import iterate_here

        body = iterate_here(body)
    pieces = iter(body)
    try:
        # The head waits for the first piece: a generator that fails before it can still become an error.
        first = next(pieces, None)
        if first is None:
            call.answer(status, headers, b"")
            return
        call.write(call.begin(status, headers, as_bytes(first)))
        for piece in pieces:
            call.write(as_bytes(piece))
        call.end()
    finally:
        close(body)


def as_bytes(piece):
    if isinstance(piece, bytes):
        # What does not fit is cut off again and again, which a view does without copying the rest.
        return piece if len(piece) <= FRAME else memoryview(piece)
    if isinstance(piece, str):
        return piece.encode()
    return bytes(memoryview(piece))


def close(body):
    ending = getattr(body, "close", None)
    if ending is not None:
        ending()


def with_length(headers, length):
    if "content-length" in (name.lower() for name in headers[::2]):
        return headers
    return [*headers, "content-length", str(length)]
