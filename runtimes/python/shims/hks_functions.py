"""`import hks_functions`: decorators that say which of HKS's two forms a function has."""


def http(function):
    function.__hks_form__ = "request"
    return function


def event(function):
    function.__hks_form__ = "event"
    return function


request = http
cloud_event = event
