"""What the package cloudevents says of messages: one on each line of stdin, one answer on each line of stdout."""

import base64
import json
import sys

from cloudevents.core.bindings import http


def text(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return whole(value.isoformat() if hasattr(value, "isoformat") else str(value)).decode()


def whole(value: str) -> bytes:
    """As UTF-8, which has no halves of surrogate pairs."""
    return value.encode(errors="replace")


def raw(data) -> bytes | None:
    if data is None or isinstance(data, bytes):
        return data
    return whole(data) if isinstance(data, str) else json.dumps(data).encode()


def opinion(message: dict) -> dict:
    parse = http.from_structured_event if message["form"] == "structured" else http.from_binary_event
    body = base64.b64decode(message["body"])
    try:
        event = parse(http.HTTPMessage(headers=message["headers"], body=body))
    except Exception as error:  # whatever it is: this is no event to it
        return {"refused": type(error).__name__}
    attributes = {text(name): text(value) for name, value in event.get_attributes().items() if value is not None}
    data = raw(event.get_data())
    return {"attributes": attributes, "data": None if data is None else base64.b64encode(data).decode()}


for line in sys.stdin:
    print(json.dumps(opinion(json.loads(line))), flush=True)
