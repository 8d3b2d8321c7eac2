#!/usr/bin/env python3
"""The contract's client (../COMMANDS.md) on real Twisted: the reference for the other checks."""

import argparse
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.stdio import StandardIO

from support.reference_client import ClientCredentials, Driver, ReferenceClient
from support.running import run, set_up_logging


async def drive(options):
    connection = ReferenceClient()
    endpoint = TCP4ClientEndpoint(reactor, options.host, options.port)
    await connectProtocol(endpoint, connection)
    ended = Deferred()
    StandardIO(Driver(connection, ClientCredentials(options.tls_ca), lambda: ended.callback(None)))
    await ended
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--native", action="store_true", help="accepted and without effect: this is Twisted")
    parser.add_argument("--tls-ca", metavar="FILE", help="authority that signs the server's certificate (PEM)")
    parser.add_argument("--time-limit", metavar="SECONDS", type=float, default=600, help="give up after so long (default: %(default)g)")
    parser.add_argument("--log", action="store_true", help="Twisted's log on standard error")
    parser.add_argument("host", metavar="HOST")
    parser.add_argument("port", metavar="PORT", type=int)
    options = parser.parse_args()
    set_up_logging(options.log)
    return run(drive(options), options.time_limit)


if __name__ == "__main__":
    sys.exit(main())
