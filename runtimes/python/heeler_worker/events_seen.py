"""Whether a call is an event, told by heeler or seen in the request that carries it; and whether an answer may be one."""

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


def event_answer(call, result):
    """The answer that a result is if it is an event, or a list of them for a batch; else None."""
    if isinstance(result, dict):
        if "specversion" not in result:
            return None
    elif call.events is None if isinstance(result, (list, tuple)) else not hasattr(result, "get_attributes"):
        return None
    from .events_out import answer_of

    return answer_of(call, result)
