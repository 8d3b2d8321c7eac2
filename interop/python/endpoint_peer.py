#!/usr/bin/env python3
"""
Twisted on the other end of every kind of endpoint, and what Twisted makes of strings and headers.

`serve` and `call` take an endpoint string and speak the contract's `Sum`. `child` serves it over
descriptors that it was started with. `spawn` starts a program and calls its `Square` over the
program's standard input and output. `read` and `headers` print what Twisted reads, one line of
JSON for each line of standard input.
"""

import argparse
import json
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    ProcessEndpoint,
    clientFromString,
    connectProtocol,
    serverFromString,
)
from twisted.internet.protocol import Factory
from twisted.internet.stdio import StandardIO
from twisted.protocols.amp import AMP, BinaryBoxProtocol, Command, Integer
from twisted.protocols.haproxy._exceptions import InvalidProxyHeader
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser

from support.contract import Sum
from support.running import run, serve_until_killed, set_up_logging


class Square(Command):
    arguments = [(b"number", Integer())]
    response = [(b"square", Integer())]


class Adder(AMP):
    @Sum.responder
    def sum(self, a, b):
        return {"total": a + b}


class Child(Adder):
    def connectionLost(self, reason):
        super().connectionLost(reason)
        reactor.stop()


async def serve(endpoint):
    try:
        await serverFromString(reactor, endpoint).listen(Factory.forProtocol(Adder))
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        return 1
    print("listening", flush=True)
    await Deferred()


async def call(endpoint):
    try:
        adder = await connectProtocol(clientFromString(reactor, endpoint), AMP())
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        return 1
    print(await adder.callRemote(Sum, a=13, b=81), flush=True)


def child(reads, writes):
    StandardIO(Child(), stdin=reads, stdout=writes)
    return serve_until_killed(60)


class Parent(AMP):
    """The transport of a process has no addresses, which AMP's own method logs."""

    _transportPeer = _transportHost = None

    def makeConnection(self, transport):
        BinaryBoxProtocol.makeConnection(self, transport)


async def spawn(program):
    # Twisted gives a child an empty environment unless it is told otherwise.
    endpoint = ProcessEndpoint(reactor, program[0], program, env=None)
    worker = await connectProtocol(endpoint, Parent())
    print(await worker.callRemote(Square, number=12), flush=True)
    worker.transport.loseConnection()


def fields(endpoint):
    """What an endpoint was made of. Those of TCP differ by version in nothing but the name."""
    name = type(endpoint).__name__.replace("TCP4", "TCP").replace("TCP6", "TCP")
    found = {"": name}
    for key, value in vars(endpoint).items():
        if key == "_wrappedEndpoint":
            found[key] = fields(value)
        elif isinstance(value, bytes):
            found[key] = value.decode()
        elif isinstance(value, bool):
            # A default may be 0 where an option is False.
            found[key] = int(value)
        elif isinstance(value, (str, int, float, type(None))):
            found[key] = value
    return found


def read(purpose):
    from_string = {"connect": clientFromString, "listen": serverFromString}[purpose]
    for line in sys.stdin:
        try:
            found = fields(from_string(reactor, json.loads(line)))
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        print(json.dumps(found), flush=True)
    return 0


def end(address):
    return address and [address.host, address.port]


def headers():
    for line in sys.stdin:
        data = bytes.fromhex(line)
        parser = V1Parser() if data.startswith(b"PROXY") else V2Parser()
        try:
            info, _ = parser.feed(data)
            found = [end(info.source), end(info.destination)]
        except InvalidProxyHeader as error:
            found = type(error).__name__
        print(json.dumps(found), flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    serving = modes.add_parser("serve", help="print `listening`, and serve until killed")
    serving.add_argument("endpoint")
    calling = modes.add_parser("call", help="call `Sum`; the code is 1 when there is no connection; %%00 is a zero byte")
    calling.add_argument("endpoint")
    being = modes.add_parser("child", help="serve over inherited descriptors until they close")
    being.add_argument("reads", type=int, nargs="?", default=0)
    being.add_argument("writes", type=int, nargs="?", default=1)
    starting = modes.add_parser("spawn", help="start a program and call its `Square`")
    starting.add_argument("program", nargs=argparse.REMAINDER)
    reading = modes.add_parser("read", help="print what endpoint strings mean")
    reading.add_argument("purpose", choices=["connect", "listen"])
    modes.add_parser("headers", help="print what headers of the PROXY protocol, in hex, mean")

    options = parser.parse_args()
    set_up_logging(False)
    if options.mode == "serve":
        return run(serve(options.endpoint), 60)
    if options.mode == "call":
        return run(call(options.endpoint.replace("%00", "\0")), 60)
    if options.mode == "child":
        return child(options.reads, options.writes)
    if options.mode == "spawn":
        return run(spawn(options.program), 60)
    if options.mode == "read":
        return read(options.purpose)
    return headers()


if __name__ == "__main__":
    sys.exit(main())
