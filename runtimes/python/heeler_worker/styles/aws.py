"""Lambda: `handler(event, context)`, with an event in the form that gateways give it.

The event has the keys of payload 2.0 and those of 1.0 beside them. An event's call has the event's data instead.
"""

import os
from time import time

from ..adapter import Adapter
from ..texts import content_type, is_text, percent_decoded, query_pairs
from ..values import JSON, TEXT, dumped, proxy_result, with_type
from ..wire import EVENT

PROXY_KEYS = ("statusCode", "body", "headers", "multiValueHeaders", "cookies", "isBase64Encoded")


class Lambda(Adapter):
    style = "lambda"
    at_once = 1
    # Whatever goes wrong in a function, or with its result, gateways call a bad gateway.
    error_status = 502

    def __init__(self, function, settings):
        super().__init__(function, settings)
        self.about = about(settings)

    def start(self):
        _log_like_lambda()

    def arguments(self, call):
        event = event_document(call) if call.kind == EVENT else proxy_event(call)
        return event, Context(call, self.about)

    def reply(self, result, call):
        if not (isinstance(result, dict) and "statusCode" in result):
            if isinstance(result, str):
                return 200, JSON, result.encode()
            if isinstance(result, bytes):
                return 200, ["content-type", "application/unknown"], result
            if hasattr(result, "__next__") or hasattr(result, "__aiter__"):
                return 200, ["content-type", "application/octet-stream"], result
            return 200, JSON, b"" if result is None else dumped(result)
        try:
            status, headers, value = proxy_result(result)
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"the result is malformed: {error}") from error
        if value is None:
            body = b""
        elif isinstance(value, str):
            body = value.encode("utf-8", "surrogateescape")
        elif isinstance(value, bytes):
            body = value
        else:
            # Gateways refuse a body that is no text.
            raise TypeError(f"the body of a result is text, not {type(value).__name__}; use json.dumps")
        return status, with_type(headers, JSON if headers or value else TEXT), body


def about(settings):
    get = settings.get
    name = get("AWS_LAMBDA_FUNCTION_NAME") or get("HKS_FUNCTION_NAME") or get("K_SERVICE") or "function"
    version = get("AWS_LAMBDA_FUNCTION_VERSION") or get("HKS_FUNCTION_VERSION") or "$LATEST"
    region = get("AWS_REGION") or "local"
    return {
        "function_name": name,
        "function_version": version,
        "memory_limit_in_mb": get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or "128",
        "log_group_name": get("AWS_LAMBDA_LOG_GROUP_NAME") or f"/aws/lambda/{name}",
        "log_stream_name": get("AWS_LAMBDA_LOG_STREAM_NAME") or os.environ.get("HOSTNAME", "local"),
        "invoked_function_arn": f"arn:aws:lambda:{region}:000000000000:function:{name}",
    }


class _Identity:
    cognito_identity_id = cognito_identity_pool_id = None


class Context:
    client_context = None
    tenant_id = None

    def __init__(self, call, about):
        self._call = call
        self.__dict__.update(about)
        self.aws_request_id = call.id
        self.identity = _Identity()

    def get_remaining_time_in_millis(self):
        millis = self._call.remaining_millis()
        # Lambda's longest; without a deadline there is always time.
        return 900_000 if millis is None else millis

    def log(self, message):
        print(message, end="" if str(message).endswith("\n") else "\n")

    def __repr__(self):
        return f"LambdaContext([aws_request_id={self.aws_request_id},function_name={self.function_name}])"


def proxy_event(call):
    method, path, query, _, peer, identifier = call.head[:6]
    headers, many = {}, {}
    for name, value in call.headers:
        headers[name] = headers[name] + "," + value if name in headers else value
        many.setdefault(name, []).append(value)
    cookies = [part.strip() for value in many.get("cookie", ()) for part in value.split(";") if part.strip()]
    parameters, every = {}, {}
    for name, value in query_pairs(query):
        parameters[name] = parameters[name] + "," + value if name in parameters else value
        every.setdefault(name, []).append(value)
    body, encoded = body_text(call)
    now = time()
    from time import gmtime, strftime

    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": cookies,
        "headers": headers,
        "queryStringParameters": parameters or None,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "heeler",
            "domainName": headers.get("host", ""),
            "http": {
                "method": method,
                "path": path,
                "protocol": {10: "HTTP/1.0", 11: "HTTP/1.1"}.get(call.version, "HTTP/2.0"),
                "sourceIp": peer,
                "userAgent": headers.get("user-agent", ""),
            },
            "identity": {"sourceIp": peer, "userAgent": headers.get("user-agent", "")},
            "httpMethod": method,
            "path": path,
            "requestId": identifier,
            "routeKey": "$default",
            "stage": "$default",
            "time": strftime("%d/%b/%Y:%H:%M:%S +0000", gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "resource": "/{proxy+}",
        "httpMethod": method,
        "path": percent_decoded(path),
        "multiValueHeaders": many,
        "multiValueQueryStringParameters": every or None,
        "pathParameters": {"proxy": percent_decoded(path).lstrip("/")},
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": encoded,
    }


def body_text(call):
    """Text as it is, anything else as base64; None without a body."""
    body = call.body
    if not body:
        return None, False
    kind = content_type(call)[0]
    if not kind or is_text(kind):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    from base64 import b64encode

    return b64encode(body).decode(), True


def event_document(call):
    """An event whole, as a structured CloudEvent says it."""
    from ..events import attributes_of, data_of

    attributes = attributes_of(call)
    return {**attributes, "data": data_of(call, attributes.get("datacontenttype", ""))}


def _log_like_lambda():
    """The root logger prints, as it does there; only for functions that log at all."""
    import sys

    logging = sys.modules.get("logging")
    if logging is None or logging.root.handlers:
        return
    from ..output import current

    class WithId(logging.Filter):
        def filter(self, record):
            call = current.get()
            record.aws_request_id = call.id if call is not None else ""
            return True

    handler = logging.StreamHandler(sys.stderr)
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    from time import gmtime

    formatter.converter = gmtime
    handler.setFormatter(formatter)
    handler.addFilter(WithId())
    logging.root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    if level:
        logging.root.setLevel(level)
