"""Events for functions-framework's functions: the SDK's class where the function uses it, ours of the same form else."""

import sys

from ..events import attributes_of


def event_for(call):
    """An event's call as a CloudEvent."""
    attributes = attributes_of(call)
    attributes.setdefault("specversion", "1.0")
    return make(attributes, data_of(call.body))


def make(attributes, data):
    # The SDK 2 has the class of its first version in another place.
    module = sys.modules.get("cloudevents.http") or sys.modules.get("cloudevents.v1.http")
    if module is None:
        from ..fallback_events import CloudEvent
    else:
        CloudEvent = module.CloudEvent
    return CloudEvent(attributes, data)


def data_of(body):
    """JSON by its value whatever its type, as the SDK does; else text, else bytes."""
    if not body:
        return None
    from json import loads

    try:
        return loads(body)
    except ValueError:
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
