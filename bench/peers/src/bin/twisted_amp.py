"""Twisted's AMP, with the command line of the other programs.

    twisted_amp.py server
    twisted_amp.py client PORT [--connections=N] [--outstanding=N] [--bytes=N] [--large=N] [--beside] [--latency] [--seconds=S]
    twisted_amp.py idle PORT [--connections=N]

Twisted has one thread; `--threads=1` is understood, more are not.
"""

import sys
import time

from twisted.internet import defer, reactor, task, threads
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP, Command, Integer, String

LARGE = 60_000
FIRST = 100


class Sum(Command):
    arguments = [(b"a", Integer()), (b"b", Integer())]
    response = [(b"total", Integer())]


class Echo(Command):
    arguments = [(b"data", String())]
    response = [(b"data", String())]


class Adder(AMP):
    @Sum.responder
    def sum(self, a, b):
        return {"total": a + b}

    @Echo.responder
    def echo(self, data):
        return {"data": data}

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)
        super().connectionMade()


def factory():
    made = Factory.forProtocol(Adder)
    made.noisy = False
    return made


async def serve():
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1", backlog=4096).listen(factory())
    print("listening", port.getHost().port, flush=True)
    await defer.Deferred()


async def connect(port):
    peer = await TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory())
    await peer.callRemote(Sum, a=0, b=0)
    return peer


def calling(peer, state, number, length, counts, latencies):
    """One call after the other, without a coroutine: that is what Twisted does best."""
    done = defer.Deferred()
    data = None if length is None else bytes([number & 255]) * length
    calls = 0
    start = 0.0

    def ended(answer):
        nonlocal calls
        if data is None:
            assert answer["total"] == number + calls
        else:
            assert len(answer["data"]) == length and answer["data"][-1:] == data[-1:]
        calls += 1
        if counts is not None:
            counts[0] += 1
        if latencies is not None:
            latencies.append(time.perf_counter_ns() - start)
        if state["over"]:
            done.callback(None)
        else:
            call()

    def call():
        nonlocal start
        start = time.perf_counter_ns() if latencies is not None else 0
        if data is None:
            asked = peer.callRemote(Sum, a=number, b=calls)
        else:
            asked = peer.callRemote(Echo, data=data)
        asked.addCallback(ended)
        asked.addErrback(lambda failure: done.called or done.errback(failure))

    call()
    return done


async def measure(port, options):
    peers = [await connect(port) for _ in range(options["connections"])]
    large_peer = await connect(port) if options["beside"] else peers[0]
    state = {"over": False}
    counts, large = [0], [0]
    latencies = [] if options["latency"] else None
    print("connected", flush=True)
    start = time.perf_counter()
    numbers = range(options["outstanding"])
    calls = [
        calling(peer, state, n + number * len(numbers), options["bytes"], counts, latencies)
        for number, peer in enumerate(peers)
        for n in numbers
    ]
    calls += [calling(large_peer, state, n, LARGE, large, None) for n in range(options["large"])]
    await task.deferLater(reactor, options["seconds"])
    state["over"] = True
    await defer.gatherResults(calls, consumeErrors=True)
    elapsed = time.perf_counter() - start
    line = f"seconds={elapsed:.3f} calls_per_second={counts[0] / elapsed:.1f}"
    if large[0]:
        line += f" large_per_second={large[0] / elapsed:.1f}"
    if latencies:
        latencies.sort()
        last = len(latencies) - 1
        line += f" p50_ns={latencies[last // 2]} p99_ns={latencies[last * 99 // 100]}"
    print(line, flush=True)


async def keep(port, connections):
    kept = []
    for count in (FIRST, connections):
        kept += [await connect(port) for _ in range(count)]
        print("open", flush=True)
        await threads.deferToThread(sys.stdin.readline)


def options_of(arguments):
    options = {"connections": 1, "outstanding": 1, "bytes": None, "large": 0, "seconds": 1.0, "threads": 1}
    options.update(beside="--beside" in arguments, latency="--latency" in arguments)
    for argument in arguments:
        name, equals, value = argument[2:].partition("=")
        if equals:
            options[name] = float(value) if name == "seconds" else int(value)
    if options["threads"] != 1:
        sys.exit("Twisted has one thread")
    return options


def main(_, half, *rest):
    if half == "server":
        return defer.ensureDeferred(serve())
    port, options = int(rest[0]), options_of(rest[1:])
    if half == "client":
        return defer.ensureDeferred(measure(port, options))
    return defer.ensureDeferred(keep(port, options["connections"]))


if len(sys.argv) < 2 or sys.argv[1] not in ("server", "client", "idle"):
    sys.exit(__doc__)
task.react(main, sys.argv[1:])
