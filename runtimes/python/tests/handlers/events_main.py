"""Event functions as written for Google's functions-framework. What they are given is printed, for they answer nothing."""

import json

import functions_framework

seen = []


def say(value):
    print("SEEN " + json.dumps(value, sort_keys=True), flush=True)


@functions_framework.cloud_event
def cloud(event):
    attributes = dict(event.get_attributes())
    if event.data == "crash":
        raise ValueError("secret")
    say({"attributes": attributes, "data": event.data, "id": event["id"], "type": event.get("type"), "none": event.get("none")})
    return "ignored"


def background(data, context):
    say({"data": data, "context": [context.event_id, context.timestamp, context.event_type, context.resource]})


class Pair:
    def __init__(self, one, two):
        self.one, self.two = one, two

    @staticmethod
    def from_dict(value):
        return Pair(value["one"], value["two"])

    def to_dict(self):
        return {"one": self.one, "two": self.two}


@functions_framework.typed(Pair)
def typed(pair):
    if pair.one == "none":
        return None
    if pair.one == "text":
        return "text"
    if pair.one == "crash":
        raise ValueError("secret")
    return Pair(pair.two, pair.one)


@functions_framework.typed
def annotated(pair: Pair):
    return pair
