"""What the worker is told: the pairs of heeler's HELLO, and the environment, where the systems of others put theirs."""

import os

STYLES = ("http", "hks", "request", "event", "lambda", "kubeless", "openfaas", "func", "asgi", "wsgi")
SIGNATURES = {"http": "http", "event": "event", "cloudevent": "cloudevent", "typed": "typed"}


class Settings:
    def __init__(self, pairs):
        self.pairs = pairs

    def get(self, name, default=""):
        """A setting of heeler's: from HELLO, else from the environment. Empty is not set."""
        return self.pairs.get(name) or os.environ.get(name) or default

    @property
    def processors(self):
        """How many heeler has seen that may be used."""
        return int(self.pairs.get("processors", "1"))

    @property
    def handler(self):
        return self.get("handler")

    @property
    def style(self):
        return self.get("handler_style").lower()

    @property
    def event_data(self):
        return self.get("event_data", "parsed").lower()

    @property
    def signature(self):
        return self.get("FUNCTION_SIGNATURE_TYPE").lower()
