"""Calls the gRPC server at the address given: `grpc_client.py 127.0.0.1:8080 TASK`. Prints one line of JSON."""

import json
import queue
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

MANY = 1000
channel = grpc.insecure_channel(sys.argv[1])


def unary():
    message = bytes(range(256)) * 4096
    return channel.unary_unary("/test.Echo/Unary")(message, timeout=20) == message


def server_stream():
    answer = channel.unary_stream("/test.Echo/ServerStream")(b"%d" % MANY, timeout=20)
    return list(answer) == [b"message %d" % n for n in range(MANY)]


def client_stream():
    messages = (b"x" * n for n in range(MANY))
    return channel.stream_unary("/test.Echo/ClientStream")(messages, timeout=20).decode()


def both():
    """Each message is sent when the one before has come back: nothing may be held up on the way."""
    turn, came = queue.SimpleQueue(), []
    turn.put(0)
    messages = (b"message %d" % turn.get() for _ in range(MANY))
    for message in channel.stream_stream("/test.Echo/Both")(messages, timeout=20):
        came.append(message)
        turn.put(len(came))
    return came == [b"message %d" % n for n in range(MANY)]


def at_once():
    """Fifty calls on one connection."""
    call = channel.unary_unary("/test.Echo/Unary")
    calls = [(b"%d" % n, call.future(b"%d" % n, timeout=20)) for n in range(50)]
    return all(call.result() == message for message, call in calls)


def health():
    request = health_pb2.HealthCheckRequest(service="test.Echo")
    answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=20)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def outcome(method, timeout):
    try:
        channel.unary_unary(method)(b"", timeout=timeout)
    except grpc.RpcError as error:
        late = {key: value for key, value in error.trailing_metadata() or ()}
        return {"code": error.code().value[0], "details": error.details(), "late": late.get("x-late")}


def deadline():
    return outcome("/test.Echo/Hang", 2)


def fail():
    return outcome("/test.Echo/Fail", 20)


def unknown():
    return outcome("/test.Echo/Nothing", 20)


print(json.dumps(globals()[sys.argv[2]]()))
