"""A CloudEvent of the form that the SDK 1 gives, for functions that run where the SDK is not installed."""


class CloudEvent:
    def __init__(self, attributes, data=None):
        self._attributes = {name.lower(): value for name, value in dict(attributes).items()}
        self.data = data
        if "specversion" not in self._attributes:
            self._attributes["specversion"] = "1.0"
        if "id" not in self._attributes:
            from uuid import uuid4

            self._attributes["id"] = str(uuid4())
        if "time" not in self._attributes:
            from datetime import datetime, timezone

            self._attributes["time"] = datetime.now(timezone.utc).isoformat()
        missing = [name for name in ("source", "type") if name not in self._attributes]
        if missing:
            raise ValueError(f"the event has no {' and no '.join(missing)}")

    def get_attributes(self):
        return dict(self._attributes)

    def get_data(self):
        return self.data

    def get(self, name, default=None):
        return self._attributes.get(name, default)

    def __getitem__(self, name):
        return self._attributes[name]

    def __setitem__(self, name, value):
        self._attributes[name] = value

    def __delitem__(self, name):
        del self._attributes[name]

    def __contains__(self, name):
        return name in self._attributes

    def __iter__(self):
        return iter(self._attributes)

    def __len__(self):
        return len(self._attributes)

    def __eq__(self, other):
        return isinstance(other, CloudEvent) and (self._attributes, self.data) == (other._attributes, other.data)

    def __repr__(self):
        return str({"attributes": self._attributes, "data": self.data})
