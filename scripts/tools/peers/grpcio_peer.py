"""A server and a client of grpcio for the tests of the proxy. Bytes in, bytes out: no generated code.

serve                                       prints its port, then serves until its input ends
call PORT AUTHORITY SOURCE METHOD CALLS COUNT SIZE TIMEOUT   prints one JSON report
"""
import collections
import concurrent.futures
import json
import sys
import threading
import time

import grpc

NO_LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
# A ping each half second, also in silence. A connection that answers none for five seconds is closed.
KEEPALIVE = [
    ("grpc.keepalive_time_ms", 500),
    ("grpc.keepalive_timeout_ms", 5000),
    # What it really waits for.
    ("grpc.http2.ping_timeout_ms", 5000),
    ("grpc.http2.max_pings_without_data", 0),
]


def echo(request, context):
    context.set_trailing_metadata((("x-end", "here"),))
    return request


def pour(request, context):
    context.set_trailing_metadata((("x-end", "here"),))
    for _ in range(int(request.split(b" ", 1)[0])):
        yield request


def gather(requests, context):
    context.set_trailing_metadata((("x-end", "here"),))
    return str(sum(len(request) for request in requests)).encode()


def chat(requests, context):
    context.set_trailing_metadata((("x-end", "here"),))
    yield from requests


def exhausted(requests, context):
    context.set_trailing_metadata((("x-end", "here"),))
    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "enough")


def hang(request, context):
    while context.is_active():
        time.sleep(0.05)
    return b""


class Endless:
    """Pours until its caller is gone. `wait` answers once nobody is poured for."""

    def __init__(self):
        self.running, self.changed = 0, threading.Condition()

    def pour(self, request, context):
        self.count(1)
        if not context.add_callback(lambda: self.count(-1)):
            self.count(-1)
        while context.is_active():
            yield request
            time.sleep(0.01)

    def count(self, more):
        with self.changed:
            self.running += more
            self.changed.notify_all()

    def wait(self, request, context):
        context.set_trailing_metadata((("x-end", "here"),))
        with self.changed:
            while context.is_active() and self.running > 0:
                self.changed.wait(0.05)
        return request


endless = Endless()


class Handler(grpc.GenericRpcHandler):
    def __init__(self, server):
        self.server = server
        self.methods = {
            "Echo": grpc.unary_unary_rpc_method_handler(echo),
            "Hang": grpc.unary_unary_rpc_method_handler(hang),
            "Pour": grpc.unary_stream_rpc_method_handler(pour),
            "Gather": grpc.stream_unary_rpc_method_handler(gather),
            "Chat": grpc.stream_stream_rpc_method_handler(chat),
            "Exhausted": grpc.stream_stream_rpc_method_handler(exhausted),
            "Endless": grpc.unary_stream_rpc_method_handler(endless.pour),
            "NoneEndless": grpc.unary_unary_rpc_method_handler(endless.wait),
            "Retire": grpc.stream_stream_rpc_method_handler(self.retire),
        }

    def retire(self, requests, context):
        """Stops the server in good order, and echoes meanwhile."""
        context.set_trailing_metadata((("x-end", "here"),))
        self.server.stop(60)
        for request in requests:
            yield request
            time.sleep(0.01)

    def service(self, details):
        return self.methods.get(details.method.rsplit("/", 1)[1])


def serve():
    pool = concurrent.futures.ThreadPoolExecutor(16)
    server = grpc.server(pool, options=NO_LIMIT + KEEPALIVE + [("grpc.http2.max_ping_strikes", 0)])
    server.add_generic_rpc_handlers((Handler(server),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(0).wait()


def answers(channel, method, requests, **options):
    """Makes one call. Returns it and what it answers, both as grpcio gives them."""
    path = f"/peer.Peer/{method}"
    if method in ("Chat", "Exhausted", "Retire"):
        call = channel.stream_stream(path)(requests, **options)
        return call, call
    if method in ("Pour", "Endless"):
        call = channel.unary_stream(path)(next(requests), **options)
        return call, call
    if method == "Gather":
        call = channel.stream_unary(path).future(requests, **options)
        return call, (call.result() for _ in range(1))
    call = channel.unary_unary(path).future(next(requests), **options)
    return call, (call.result() for _ in range(1))


def call(port, authority, source, method, calls, count, size, timeout):
    count, size, timeout = int(count), int(size), float(timeout)
    message = (str(count).encode() + b" ").ljust(size, b"x")
    channel = grpc.insecure_channel(
        f"127.0.0.1:{port}", options=NO_LIMIT + KEEPALIVE + [("grpc.default_authority", authority)]
    )
    outcomes, messages, read, trailed = collections.Counter(), 0, 0, 0
    for _ in range(int(calls)):
        requests = (message for _ in range(count))
        one, stream = answers(channel, method, requests, timeout=timeout, metadata=(("fence-source", source),))
        try:
            for answer in stream:
                messages += 1
                read += len(answer)
                if method == "Endless" and messages % count == 0:
                    one.cancel()
                    break
        except grpc.RpcError:
            pass
        outcomes[one.code().name] += 1
        trailed += ("x-end", "here") in [tuple(pair) for pair in one.trailing_metadata() or ()]
    channel.close()
    print(json.dumps({"outcomes": outcomes, "messages": messages, "bytes": read, "trailed": trailed}))


if sys.argv[1] == "serve":
    serve()
else:
    call(*sys.argv[2:])
