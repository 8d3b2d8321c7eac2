#!/usr/bin/env python3
"""
The guide's basic_client: connects, and is done.

It differs from the guide in that the port is an argument and the exit code tells how it went.
"""

import argparse
import sys

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP


def port_argument(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("port", metavar="PORT", type=int, help="a server's port on 127.0.0.1")
    parser.add_argument("--time-limit", metavar="SECONDS", type=float, default=60, help="give up after so long (default: %(default)g)")
    return parser


def connect(port):
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    return endpoint.connect(Factory.forProtocol(AMP))


def finish(deferred, time_limit):
    """Runs the reactor until the deferred has its result, which becomes the exit code."""
    code = [1]

    def failed(failure):
        print("failed:", failure.getErrorMessage(), file=sys.stderr)
        return 1

    def done(result):
        code[0] = result
        reactor.stop()

    deferred.addTimeout(time_limit, reactor)
    deferred.addErrback(failed)
    deferred.addCallback(done)
    reactor.run()
    return code[0]


def main():
    options = port_argument(__doc__).parse_args()
    d = connect(options.port)

    def connected(protocol):
        print("connected", flush=True)
        protocol.transport.loseConnection()
        return 0

    d.addCallback(connected)
    return finish(d, options.time_limit)


if __name__ == "__main__":
    sys.exit(main())
