"""Small readings of HTTP's texts, in place of modules that take longer to import than a small function to run."""


def converted(value, default, type):
    """A value as its reader wants it; `default` where there is none, or none of that type."""
    if value is None:
        return default
    if type is None:
        return value
    try:
        return type(value)
    except ValueError:
        return default


class MultiDict(dict):
    """The first value of each name, and all of them by `getlist`."""

    def __init__(self, pairs):
        lists = {}
        for name, value in pairs:
            lists.setdefault(name, []).append(value)
        super().__init__({name: values[0] for name, values in lists.items()})
        self._lists = lists

    def getlist(self, name, type=None):
        values = self._lists.get(name, [])
        return [type(value) for value in values] if type else list(values)

    def get(self, name, default=None, type=None):
        return converted(dict.get(self, name), default, type)

    def items(self, multi=False):
        if not multi:
            return dict.items(self)
        return [(name, value) for name, values in self._lists.items() for value in values]

    def to_dict(self, flat=True):
        return dict(self) if flat else {name: list(values) for name, values in self._lists.items()}


class Headers(dict):
    """Headers by name, whatever its case; repeated ones are joined. The names are kept in lower case."""

    def __init__(self, pairs):
        joined = {}
        for name, value in pairs:
            joined[name] = joined[name] + (";" if name == "cookie" else ",") + value if name in joined else value
        super().__init__(joined)
        self._pairs = pairs

    def __getitem__(self, name):
        return dict.__getitem__(self, name.lower())

    def __contains__(self, name):
        return isinstance(name, str) and dict.__contains__(self, name.lower())

    def get(self, name, default=None, type=None):
        return converted(dict.get(self, name.lower()), default, type)

    def getlist(self, name):
        name = name.lower()
        return [value for key, value in self._pairs if key == name]

    get_all = getlist


def percent_bytes(text, plus=False):
    """Percent-escapes as the bytes that they stand for; a `%` that is none stays."""
    if plus:
        text = text.replace("+", " ")
    raw = text.encode("latin-1", "replace")
    if b"%" not in raw:
        return raw
    first, *parts = raw.split(b"%")
    done = [first]
    for part in parts:
        try:
            done.append(bytes((int(part[:2], 16),)) + part[2:] if len(part) > 1 and part[:2].isalnum() else b"%" + part)
        except ValueError:
            done.append(b"%" + part)
    return b"".join(done)


def percent_decoded(text, plus=False):
    if "%" not in text and "+" not in text and text.isascii():
        return text
    return percent_bytes(text, plus).decode("utf-8", "replace")


def readable(text):
    """Percent-escapes of what is not ASCII as the characters themselves, as browsers show addresses."""
    if "%" not in text:
        return text
    from re import sub

    def decode(found):
        try:
            return percent_bytes(found.group()).decode()
        except UnicodeDecodeError:
            return found.group()

    return sub("(?:%[89A-Fa-f][0-9A-Fa-f])+", decode, text)


def query_pairs(query):
    if not query:
        return []
    return [
        (percent_decoded(name, True), percent_decoded(value, True))
        for name, _, value in (part.partition("=") for part in query.split("&") if part)
    ]


form_pairs = query_pairs


def content_type(call):
    """The media type in lower case, and its charset, of a call's body."""
    value = call.header("content-type") or ""
    if ";" not in value:
        return value.strip().lower(), ""
    kind, *parameters = value.split(";")
    charset = ""
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = text.strip().strip('"').lower()
    return kind.strip().lower(), charset


def is_json(kind):
    return kind == "application/json" or kind.endswith("/json") or kind.endswith("+json")


def is_text(kind):
    return (
        kind.startswith("text/")
        or is_json(kind)
        or kind in ("application/xml", "application/javascript", "application/x-www-form-urlencoded", "application/yaml")
        or kind.endswith("+xml")
    )


def text_or_bytes(body):
    """UTF-8 as text, anything else as it is."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def json_or_none(body):
    """What a body says in JSON; None if it is none or is broken."""
    if not body or body.lstrip()[:1] not in (b"{", b"["):
        return None
    from json import loads

    try:
        return loads(body)
    except ValueError:
        return None
