#!/usr/bin/env python3
"""
Twisted with TLS from the first byte: it listens or connects as an endpoint string says, and says
what it sees of the other side. What strings cannot say has options, which put TLS around an
endpoint without it.
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
    wrapClientTLS,
    wrapServerTLS,
)
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP

from support.running import run, set_up_logging
from support.tls import Seen, client_options, make_pair, seen, server_options


class Seeing(AMP):
    @Seen.responder
    def see(self):
        return seen(self.transport)


async def serve(options):
    endpoint = serverFromString(reactor, options.endpoint)
    if options.certificate is not None:
        context = server_options(options.certificate, options.demand, options.old, options.alpn)
        endpoint = wrapServerTLS(context, endpoint)
    listening = await endpoint.listen(Factory.forProtocol(Seeing))
    print(f"listening {listening.getHost().port}", flush=True)
    await Deferred()


async def call(options):
    endpoint = clientFromString(reactor, options.endpoint)
    if options.trust is not None:
        context = client_options("localhost", options.trust, options.old, options.alpn)
        endpoint = wrapClientTLS(context, endpoint)
    try:
        peer = await connectProtocol(endpoint, Seeing())
        there = await peer.callRemote(Seen)
    except Exception as error:
        # Errors of OpenSSL say everything in their arguments.
        print(json.dumps({"error": f"{type(error).__name__}: {error!r}"}), flush=True)
        return
    there = {key: value for key, value in there.items() if value is not None}
    print(json.dumps({"here": seen(peer.transport), "there": there}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    serving = modes.add_parser("serve", help="print `listening PORT`, and serve until killed")
    serving.add_argument("--certificate", metavar="PEM", help="put TLS with this certificate around the endpoint")
    serving.add_argument("--demand", metavar="PEM", help="demand certificates of this authority")
    calling = modes.add_parser("call", help="call `Seen`; print one line of JSON: what both see, or the error")
    calling.add_argument("--trust", metavar="PEM", help="put TLS that trusts this authority around the endpoint, for `localhost`")
    making = modes.add_parser("certificate", help="print a certificate as Twisted makes them, and its key")
    making.add_argument("name", metavar="NAME")
    for mode in [serving, calling]:
        mode.add_argument("endpoint", metavar="ENDPOINT")
        mode.add_argument("--old", action="store_true", help="TLS 1.2 and nothing else, in the TLS that is put around")
        mode.add_argument("--alpn", action="store_true", help="say that the protocol is `amp`, in the TLS that is put around")
        mode.add_argument("--log", action="store_true", help="Twisted's log on standard error")
    options = parser.parse_args()
    if options.mode == "certificate":
        print(make_pair(options.name))
        return 0
    set_up_logging(options.log)
    return run({"serve": serve, "call": call}[options.mode](options), 120)


if __name__ == "__main__":
    sys.exit(main())
