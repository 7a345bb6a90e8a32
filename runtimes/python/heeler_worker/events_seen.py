"""Whether a call is an event: told by heeler, or seen in the request that carries it."""

from .wire import EVENT, REQUEST


def as_event(call):
    """Whether a call is an event; a request that carries one is turned into it first."""
    if call.kind != REQUEST:
        return call.kind == EVENT
    if "ce-specversion" not in call.head:
        kind = call.header("content-type")
        if kind is None or not kind.lower().startswith("application/cloudevents"):
            return False
    from .events_http import event_from

    return event_from(call)
