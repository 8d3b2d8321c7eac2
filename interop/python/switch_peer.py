#!/usr/bin/env python3
"""
Twisted that switches from AMP to HTTP or to lines, asked or asking.

It listens or connects as an endpoint string says. As the side that is asked it has `twisted.web`'s
server and a protocol that shouts lines; as the side that asks (it does when it is told to `Go`)
it has `twisted.web`'s client and a protocol that sends lines, and prints what came, a line of JSON.
"""

import argparse
import json
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, connectProtocol, serverFromString
from twisted.internet.protocol import ClientFactory, Factory
from twisted.protocols import amp
from twisted.protocols.basic import LineReceiver
from twisted.web._newclient import HTTP11ClientProtocol, Request
from twisted.web.client import FileBodyProducer, readBody
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import Site

from io import BytesIO

from support.running import run, set_up_logging
from support.tls import load, load_pair

BODY = b"0123456789abcdef" * 10000


class NoSuchProtocol(Exception):
    pass


class Become(amp.ProtocolSwitchCommand):
    arguments = [(b"name", amp.Unicode())]
    errors = {NoSuchProtocol: b"NO_SUCH_PROTOCOL"}


class Go(amp.Command):
    """Asks the peer to ask for `Become`, and for StartTLS before that if it is told so."""

    arguments = [(b"name", amp.Unicode()), (b"secure", amp.Boolean())]


class Echo(Resource):
    """Gives back what was posted."""

    isLeaf = True

    def render_POST(self, request):
        request.setHeader(b"x-path", request.path)
        return request.content.read()


class Shout(LineReceiver):
    """Greets before it has read anything: its greeting leaves together with AMP's answer."""

    def connectionMade(self):
        self.sendLine(b"ready")

    def lineReceived(self, line):
        self.sendLine(line.upper())
        if line == b"end":
            self.transport.loseConnection()


class Sender(LineReceiver):
    """Sends its lines at once, and keeps what comes back until the end."""

    def __init__(self):
        self.lines = []

    def connectionMade(self):
        self.sendLine(b"hello")
        self.sendLine(b"end")

    def lineReceived(self, line):
        self.lines.append(line.decode())

    def connectionLost(self, reason):
        tell({"lines": self.lines})


class Browser(HTTP11ClientProtocol):
    """Posts something at once."""

    def connectionMade(self):
        super().connectionMade()
        headers = Headers({b"host": [b"localhost"]})
        request = Request(b"POST", b"/there", headers, FileBodyProducer(BytesIO(BODY)))
        answered = self.request(request)
        answered.addCallback(self.answered)
        answered.addErrback(lambda failure: tell({"error": failure.getTraceback()}))

    def answered(self, response):
        path = response.headers.getRawHeaders("x-path")[0]
        reading = readBody(response)
        reading.addCallback(
            lambda body: tell({"code": response.code, "path": path, "is_whole": body == BODY})
        )
        return reading


def tell(what):
    print(json.dumps(what), flush=True)


class Refused(ClientFactory):
    """What `Become` needs besides the protocol. Twisted tells it of a refusal."""

    def clientConnectionFailed(self, connector, reason):
        tell({"failed": True})


class Peer(amp.AMP):
    certificate = authority = None

    @amp.StartTLS.responder
    def start_tls(self):
        return {"tls_localCertificate": load_pair(self.certificate)}

    @Become.responder
    def become(self, name):
        if name == "http":
            return Site(Echo()).buildProtocol(self.transport.getPeer())
        if name == "lines":
            return Shout()
        raise NoSuchProtocol(name)

    @Go.responder
    def go(self, name, secure):
        # Once this is answered.
        reactor.callLater(0, lambda: Deferred.fromCoroutine(self.begin(name, secure)))
        return {}

    async def begin(self, name, secure):
        if secure:
            await self.callRemote(amp.StartTLS, tls_verifyAuthorities=[load(self.authority)])
        protocols = {"http": Browser, "lines": Sender}
        factory = Refused.forProtocol(protocols.get(name, Sender))
        try:
            await self.callRemote(Become, factory, name=name)
        except NoSuchProtocol:
            # The connection goes on.
            await self.callRemote(Become, Refused.forProtocol(Sender), name="lines")


async def serve(endpoint):
    listening = await serverFromString(reactor, endpoint).listen(Factory.forProtocol(Peer))
    print(f"listening {listening.getHost().port}", flush=True)
    await Deferred()


async def connect(endpoint):
    await connectProtocol(clientFromString(reactor, endpoint), Peer())
    await Deferred()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=["serve", "connect"], help="print `listening PORT`, or nothing, and go on until killed")
    parser.add_argument("endpoint", metavar="ENDPOINT")
    parser.add_argument("--certificate", metavar="PEM", help="for StartTLS, with its key")
    parser.add_argument("--authority", metavar="PEM", help="whom to trust with StartTLS")
    parser.add_argument("--log", action="store_true", help="Twisted's log on standard error")
    options = parser.parse_args()
    set_up_logging(options.log)
    Peer.certificate, Peer.authority = options.certificate, options.authority
    return run({"serve": serve, "connect": connect}[options.mode](options.endpoint), 120)


if __name__ == "__main__":
    sys.exit(main())
