#!/usr/bin/env python3
"""
Twisted with TLS from the first byte, for what becomes of certificates and of streams.

Servers serve the contract's `Sum`, and `WhoAmI`, which says what the server knows of its client by TLS; in
particular the subject as RFC 4514 has it. `call` calls both, by an endpoint string, and prints one line of
JSON for each round of calls: the total, what the server says, and what this side knows of the server; or
an error.
"""

import argparse
import json
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    clientFromString,
    connectProtocol,
    serverFromString,
    wrapServerTLS,
)
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread
from twisted.protocols.amp import AMP, Command, Unicode

from support.contract import Sum
from support.running import run, set_up_logging
from support.tls import server_options


class WhoAmI(Command):
    """The subject is empty where the client shows no certificate, and `sought` where it says no name."""

    response = [(b"subject", Unicode()), (b"version", Unicode()), (b"sought", Unicode())]


class Leave(Command):
    """Ends the connection behind the answer."""


def session(transport):
    """What this side knows of a connection by TLS, in the form of the answer to `WhoAmI`."""
    certificate = transport.getPeerCertificate()
    connection = transport.getHandle()
    return {
        "subject": certificate.to_cryptography().subject.rfc4514_string() if certificate else "",
        "version": connection.get_protocol_version_name(),
        "sought": (connection.get_servername() or b"").decode(),
    }


class Server(AMP):
    @Sum.responder
    def sum(self, a, b):
        return {"total": a + b}

    @WhoAmI.responder
    def who_am_i(self):
        return session(self.transport)

    @Leave.responder
    def leave(self):
        reactor.callLater(0, self.transport.loseConnection)
        return {}


async def serve(string, certificate, demand):
    endpoint = serverFromString(reactor, string)
    if certificate is not None:
        endpoint = wrapServerTLS(server_options(certificate, demand), endpoint)
    listening = await endpoint.listen(Factory.forProtocol(Server))
    print(f"listening {listening.getHost().port}", flush=True)
    await Deferred()


def printed(value):
    print(json.dumps(value), flush=True)


async def call(endpoint, rounds):
    try:
        server = await connectProtocol(clientFromString(reactor, endpoint), AMP())
        for number in range(rounds):
            if number:
                await deferToThread(sys.stdin.readline)
            total = await server.callRemote(Sum, a=13, b=81)
            seen = await server.callRemote(WhoAmI)
            printed({**total, "seen": seen, "server": session(server.transport)})
    except Exception as error:
        printed({"error": f"{type(error).__name__}: {error}"})
        return 1
    server.transport.loseConnection()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    serving = modes.add_parser("serve", help="print `listening PORT`, and serve until killed")
    serving.add_argument("--certificate", metavar="PEM", help="put TLS with this certificate around the endpoint")
    serving.add_argument("--demand", metavar="PEM", help="demand certificates of this authority")
    serving.add_argument("endpoint")
    calling = modes.add_parser("call", help="call a server; the code is 1 when that fails")
    calling.add_argument("endpoint")
    calling.add_argument("--rounds", type=int, default=1, help="each further one waits for a line of standard input")

    options = parser.parse_args()
    set_up_logging(False)
    if options.mode == "call":
        return run(call(options.endpoint, options.rounds), 60)
    return run(serve(options.endpoint, options.certificate, options.demand), 60)


if __name__ == "__main__":
    sys.exit(main())
