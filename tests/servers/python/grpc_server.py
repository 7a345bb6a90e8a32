"""A gRPC server: every shape of a call, a deadline, an error, and the health service. Messages are plain bytes."""

import os
import signal
import threading
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


def unary(message, context):
    return message


def server_stream(message, context):
    for n in range(int(message)):
        yield b"message %d" % n


def client_stream(messages, context):
    count = length = 0
    for message in messages:
        count, length = count + 1, length + len(message)
    return b"%d messages, %d bytes" % (count, length)


def both(messages, context):
    yield from messages


def fail(message, context):
    context.set_trailing_metadata((("x-late", "1"),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not läter")


def hang(message, context):
    """Answers when the call is over, and says whether it was told of its deadline."""
    left = context.time_remaining()
    print("a deadline within a minute" if left is not None and left < 60 else f"time left: {left}", flush=True)
    over = threading.Event()
    if context.add_callback(over.set):
        over.wait()
    print("call over", flush=True)
    return b""


METHODS = {
    "Unary": grpc.unary_unary_rpc_method_handler(unary),
    "ServerStream": grpc.unary_stream_rpc_method_handler(server_stream),
    "ClientStream": grpc.stream_unary_rpc_method_handler(client_stream),
    "Both": grpc.stream_stream_rpc_method_handler(both),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "Hang": grpc.unary_unary_rpc_method_handler(hang),
}

server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", METHODS),))
healthy = health.HealthServicer()
healthy.set("test.Echo", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
server.add_insecure_port(f"127.0.0.1:{os.environ['PORT']}")
signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=5))
server.start()
server.wait_for_termination()
