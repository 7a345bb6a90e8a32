"""`import hks_functions`: decorators that say which of HKS's two forms a function has."""

#: By a function's name: its form.
_REGISTRY = {}


def _register(function, form):
    function.__hks_form__ = form
    _REGISTRY[function.__name__] = form
    return function


def http(function):
    return _register(function, "request")


def event(function):
    return _register(function, "event")


request = http
cloud_event = event
