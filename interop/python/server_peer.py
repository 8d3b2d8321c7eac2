#!/usr/bin/env python3
"""
Twisted as a client of a server that shuts down, and as a stranger on an AMP port, in both roles.

`calls` connects and calls `Wait` at once; when it is told to `Go`, it calls `Echo`; it prints how
both ended, and then the connection, a line of JSON each. `http` asks the port for a page with
`twisted.web`, and `tls` begins TLS with it; each prints what came of it. `web` listens with
`twisted.web`, prints `listening PORT`, and goes on until killed.
"""

import argparse
import json
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, connectProtocol, serverFromString
from twisted.internet.protocol import Protocol
from twisted.protocols import amp
from twisted.web.client import Agent, readBody
from twisted.web.resource import Resource
from twisted.web.server import Site

from support.running import run, set_up_logging


class Wait(amp.Command):
    """Is answered when the other side wants."""


class Echo(amp.Command):
    """Is answered at once."""


class Go(amp.Command):
    requiresAnswer = False


def tell(**what):
    print(json.dumps(what), flush=True)


class Caller(amp.AMP):
    def connectionMade(self):
        super().connectionMade()
        self.call(Wait)

    def call(self, command):
        calling = self.callRemote(command)
        calling.addCallback(lambda answer: tell(command=command.__name__, answered=True))
        calling.addErrback(
            lambda failure: tell(
                command=command.__name__,
                error=failure.type.__name__,
                text=failure.getErrorMessage(),
            )
        )

    @Go.responder
    def go(self):
        self.call(Echo)
        return {}

    def connectionLost(self, reason):
        super().connectionLost(reason)
        tell(ended=reason.type.__name__)


class Silent(Protocol):
    def __init__(self):
        self.ended = Deferred()

    def connectionLost(self, reason):
        self.ended.callback(reason.type.__name__)


async def calls(endpoint):
    await connectProtocol(clientFromString(reactor, endpoint), Caller())
    await Deferred()


async def http(port):
    for method in [b"GET", b"HEAD"]:
        url = f"http://127.0.0.1:{port}/".encode()
        response = await Agent(reactor).request(method, url)
        body = await readBody(response)
        tell(method=method.decode(), code=response.code, body=body.decode())


async def tls(port):
    endpoint = clientFromString(reactor, f"tls:localhost:{port}")
    protocol = await connectProtocol(endpoint, Silent())
    tell(ended=await protocol.ended)


async def web(endpoint):
    listening = await serverFromString(reactor, endpoint).listen(Site(Resource()))
    print(f"listening {listening.getHost().port}", flush=True)
    await Deferred()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes = {"calls": calls, "http": http, "tls": tls, "web": web}
    parser.add_argument("mode", choices=modes)
    parser.add_argument("place", metavar="ENDPOINT|PORT", help="a port for `http` and `tls`")
    parser.add_argument("--log", action="store_true", help="Twisted's log on standard error")
    options = parser.parse_args()
    set_up_logging(options.log)
    return run(modes[options.mode](options.place), 120)


if __name__ == "__main__":
    sys.exit(main())
